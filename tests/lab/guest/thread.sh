# SPDX-License-Identifier: Apache-2.0
# Scenario thread: the example of the 2020 mailing-list thread, on a real kernel. A load with more live mappings than fit
# in a CPU's cache is pinned to cpu0, then cpu1, cpu2, cpu3. Nothing leaks, but the cache grows by two magazines with
# every CPU. Strict mode: a completion frees on the CPU that submitted.
#
# 381 = 3 magazines of 127 live mappings (two pages each: order 1, which nothing else here uses). Their frees fill
# loaded and prev (2 x 127) and push one magazine to the depot, which the next CPU takes.

printf 'http: {listen: "0.0.0.0:9731"}\nmetrics: {per_magazine: true}\n' >"$LAB_CONFIG"
start_rcached || return 0

group=$(domain_of "$LAB_NVME_SLOW")
labels="domain=\"$group\",order=\"1\""
magazine=127
depth=$((3 * magazine))

outstanding_start=$(metric iova_outstanding_ranges "domain=\"$group\"")
outstanding_start=${outstanding_start:-0}
cpu=0
while [ "$cpu" -lt "$LAB_CPUS" ]; do
  aioload --cpu "$cpu" --depth "$depth" --size 8192 --count $((2 * depth)) "/dev/$LAB_NVME_SLOW" >/tmp/aioload.log 2>&1
  expect_eq "burst on cpu$cpu" "$(cat /tmp/aioload.log)" \
    "aioload: $((2 * depth)) reads of 8192 bytes in 2 bursts, $depth in flight together"
  want=$(((cpu + 1) * 2 * magazine))
  wait_until "[ \"\$(metric iova_rcache_cpu_cached '$labels')\" = $want ]"
  scrape /tmp/now
  expect_eq "after cpu$cpu: iova_rcache_cpu_cached, order 1" "$(metric iova_rcache_cpu_cached "$labels" /tmp/now)" $want
  expect_eq "after cpu$cpu: of these, on cpu$cpu" \
    "$(metric iova_rcache_magazine_ranges "$labels,cpu=\"$cpu\",.*magazine=\"loaded\"" /tmp/now) + $(metric iova_rcache_magazine_ranges "$labels,cpu=\"$cpu\",.*magazine=\"prev\"" /tmp/now)" \
    "$magazine + $magazine"
  expect_eq "after cpu$cpu: CPUs holding" "$(metric iova_rcache_cpus_holding "$labels" /tmp/now)" $((cpu + 1))
  expect_eq "after cpu$cpu: depot magazines" "$(metric iova_rcache_depot_magazines "$labels" /tmp/now)" 1
  expect_eq "after cpu$cpu: outstanding, order 1" "$(metric iova_outstanding_ranges "$labels" /tmp/now)" 0
  expect_eq "after cpu$cpu: outstanding of the domain is back at its initial value" \
    "$(metric iova_outstanding_ranges "domain=\"$group\"" /tmp/now)" "$outstanding_start"
  cpu=$((cpu + 1))
done

# Nothing leaked: every allocation was freed, and the tree has grown only by the cached ranges.
scrape /tmp/end
total=$((LAB_CPUS * 2 * depth))
expect_eq "allocations of order 1" "$(metric iova_allocations_total "$labels" /tmp/end)" $total
expect_eq "frees of order 1" "$(metric iova_frees_total "$labels" /tmp/end)" $total
expect_eq "ranges of order 1 taken from the tree = cached + depot" \
  "$(metric iova_tree_allocations_total "$labels" /tmp/end)" $((LAB_CPUS * 2 * magazine + magazine))
expect_eq "drift" "$(metric rcached_drift_ranges '' /tmp/end)" 0
expect_eq "events lost" "$(metric rcached_events_lost_total '' /tmp/end)" 0
