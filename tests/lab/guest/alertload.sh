# SPDX-License-Identifier: Apache-2.0
# lab: modules
# Scenario alertload: causes the alerts that tests/alerts waits for; runs forever. Four domains of the exerciser in turn:
#   x0  a steady load whose threads do not free some of their ranges: a leak
#   x1  more ranges at once than fit in all caches: its depot is filled repeatedly
#   x2  has no free space below 4 GiB: the first attempt of each mapping fails, the second one succeeds
#   x3  runs out of space: caches are flushed, and some allocations still fail
# The rates are low enough that no event is lost.

printf 'http: {listen: "0.0.0.0:9731"}\nkernel: {ring_size: 16MiB}\npipeline: {snapshot_interval: 250ms}\naudit: {interval: 5s, budget: 300ms}\n' >"$LAB_CONFIG"
start_rcached || return 0
load_modules || return 0
exerciser new 2 && exerciser new 3 || return 0
# Around the exerciser's own reservations.
exerciser reserve 2 $((0x3000)) $((0x30ff)) && exerciser reserve 2 $((0x3140)) $((0xfedff)) &&
  exerciser reserve 2 $((0xfef00)) $((0xfffff)) || return 0
# All domains exist before the first scrape of the test.
for domain in 0 1 2 3; do exerciser_run threads=1 ops=200 mix=steady domain=$domain; done
echo "LAB: READY"

turn=0
while [ -d "/proc/$LAB_RCACHED" ]; do
  turn=$((turn + 1))
  exerciser_run threads=2 ops=16000 seed=$turn mix=depot domain=1 order=2 burst=4000 rate=8000 || return 0
  exerciser_run threads=2 ops=2000 seed=$turn mix=steady domain=0 order=3 leak=10 rate=2000 || return 0
  exerciser_run threads=1 ops=500 seed=$turn mix=steady domain=2 || return 0
  exerciser_run threads=1 ops=500 seed=$turn mix=flush domain=3 window=512 || return 0
done
fail "rcached exited: $(log_tail)"
