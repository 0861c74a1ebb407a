# SPDX-License-Identifier: Apache-2.0
# lab: modules
# Scenario churn: under load, twenty times, a CPU goes offline and online, a driver is unbound and bound again, a group
# changes its type from DMA to identity and back, a domain is destroyed and created again at the same address.

rounds=20
printf 'http: {listen: "0.0.0.0:9731"}\nmetrics: {per_cpu: true}\nkernel: {ring_size: 8MiB}\npipeline: {snapshot_interval: 200ms}\naudit: {interval: 5s, budget: 300ms}\n' >"$LAB_CONFIG"
. /lab/three_ways.sh
load_modules || return 0
start_rcached || return 0
touch_domains
at_rest
compare_three_ways "before"

slow=$(basename "$(readlink -f "/sys/class/block/$LAB_NVME_SLOW/device/device")")
slow_group=$(basename "$(readlink -f "/sys/bus/pci/devices/$slow/iommu_group")")
translating=$(domain_type "$slow_group")
rss() { awk '/RssAnon/ { print $2 }' "/proc/$LAB_RCACHED/status"; } # without the rings, which are kernel memory

background_load
exerciser run threads=2 ops=1000000000 seed=3 mix=steady domain=0 rate=2000
changed=0
round=0
while [ $round -lt $rounds ]; do
  round=$((round + 1))
  [ $round != 10 ] || rss_start=$(rss)
  echo 0 >"/sys/devices/system/cpu/cpu$((LAB_CPUS - 1))/online" || fail "CPU offline, round $round"
  echo "$slow" >/sys/bus/pci/drivers/nvme/unbind || fail "unbind, round $round"
  # The driver frees its last buffers asynchronously after the unbind; the kernel crashes if the group's type has
  # changed by then.
  wait_until "[ \"\$(metric iova_outstanding_ranges 'domain=\"$slow_group\"')\" = 0 ]" || { fail "mappings left in round $round"; return 0; }
  if [ -w "/sys/kernel/iommu_groups/$slow_group/type" ]; then
    echo identity >"/sys/kernel/iommu_groups/$slow_group/type" 2>/tmp/type.err && changed=$((changed + 1))
    sleep 0.1
    echo "$translating" >"/sys/kernel/iommu_groups/$slow_group/type" 2>>/tmp/type.err || :
  fi
  echo "$slow" >/sys/bus/pci/drivers/nvme/bind || fail "bind, round $round"
  echo 1 >"/sys/devices/system/cpu/cpu$((LAB_CPUS - 1))/online" || fail "CPU online, round $round"
  [ -d "/proc/$LAB_RCACHED" ] || { fail "rcached has exited in round $round: $(log_tail)"; return 0; }
done
exerciser stop
background_end
exerciser free
exerciser put 1
exerciser new 1
touch_domains
at_rest
scrape /tmp/after
info "$rounds rounds, $changed changes of type; $(metric rcached_events_total '' /tmp/after) events, lost $(metric rcached_events_lost_total '' /tmp/after); audits $(metric rcached_audits_total '' /tmp/after), drift $(drift_by_part /tmp/after); RSS $rss_start -> $(rss) KiB"
case $LAB_KERNEL in
  5.10) ;; # its sysfs file cannot be written
  *) expect_eq "changes to identity and back" $changed $rounds ;;
esac
expect_eq "type of the group afterwards" "$(domain_type "$slow_group")" "$translating"
expect_eq "domains that rcached shows" "$(grep -c '^iova_tree_ranges' /tmp/after)" "$(oracle | grep -c '^tree')"
expect_eq "domains lossy or partial" "$(metric rcached_domain_confidence 'confidence="(lossy|partial)"' /tmp/after)" 0
expect_le "growth of rcached's memory from round 10 on (buffers grow once with a burst), in KiB" $(($(rss) - rss_start)) 4096
compare_three_ways "after $rounds rounds"
