# SPDX-License-Identifier: Apache-2.0
# lab: modules
# Scenario alertload: what tests/alerts waits for, without end. Four domains of the exerciser take turns:
#   x0  a steady load whose threads keep some of what they map: a leak
#   x1  more ranges at once than all caches together hold: its depot is driven full, again and again
#   x2  has no room below 4 GiB: the first try of each mapping fails there, the second one succeeds
#   x3  runs out of space: caches are flushed, and some allocations fail all the same
# The rates are such that no event is lost.

printf 'http: {listen: "0.0.0.0:9731"}\nkernel: {ring_size: 16MiB}\npipeline: {snapshot_interval: 250ms}\naudit: {interval: 5s, budget: 300ms}\n' >"$LAB_CONFIG"
start_rcached || return 0
load_modules || return 0
exerciser new 2 && exerciser new 3 || return 0
# Around what the exerciser itself has reserved.
exerciser reserve 2 $((0x3000)) $((0x30ff)) && exerciser reserve 2 $((0x3140)) $((0xfedff)) &&
  exerciser reserve 2 $((0xfef00)) $((0xfffff)) || return 0
# All domains are there from the first scrape on that counts.
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
fail "rcached ended by itself: $(last_words)"
