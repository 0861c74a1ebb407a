# SPDX-License-Identifier: Apache-2.0
# Scenario counts: compares rcached's counters exactly with an independent count of the same calls, and its mirror with
# the fill levels that the probes read. The independent count is the kernel's kprobe_profile, hits and misses.

printf 'http: {listen: "0.0.0.0:9731"}\nmetrics: {per_cpu: true}\n%s\n' "$LAB_EXTRA_CONFIG" >"$LAB_CONFIG"
start_rcached || return 0

group=$(domain_of "$LAB_NVME")
free=free_iova_fast
case $LAB_KERNEL in 5.10) free=iova_rcache_insert ;; esac

# skipped FUNCTION FILE: calls whose program the kernel did not run, so that no event was sent: of the program at the
# return (the one at the entry, if any, sends no event).
skipped() { metric rcached_program_skipped_total "program=\"$1\",method=\"(fexit|kretprobe)\"" "$2"; }
# lost_rings FILE: events that were sent but lost.
lost_rings() { metric rcached_events_lost_total 'reason="(ring_full|entry_missing)"' "$1"; }

for size in 16k 64k 128k 512k; do direct_read "$LAB_NVME" $size 8; done # from now on, the driver keeps pages for its own lists
kprobe_count_begin alloc_iova_fast $free
rest
alloc_start=$(kprobe_count alloc_iova_fast)
free_start=$(kprobe_count $free)
scrape /tmp/before

# 4,000 requests of one page, then every cacheable order and one beyond, then four readers at once on all CPUs.
direct_read "$LAB_NVME" 4k 4000
for size in 8k 16k 32k 64k 128k 512k; do direct_read "$LAB_NVME" $size 200; done
readers=''
for reader in 1 2 3 4; do
  direct_read "$LAB_NVME" $((4 * reader))k 500 &
  readers="$readers $!"
done
# shellcheck disable=SC2086 # several process ids
wait $readers

rest
scrape /tmp/after
allocs_kernel=$(($(kprobe_count alloc_iova_fast) - alloc_start))
frees_kernel=$(($(kprobe_count $free) - free_start))
kprobe_count_end

allocs=$(delta iova_allocations_total "domain=\"$group\"")
failures=$(delta iova_allocation_failures_total "domain=\"$group\"")
frees=$(delta iova_frees_total "domain=\"$group\"")
expect_eq "allocations in other domains" $(($(delta iova_allocations_total) - allocs)) 0
alloc_skips=$(($(skipped alloc_iova_fast /tmp/after) - $(skipped alloc_iova_fast /tmp/before)))
free_skips=$(($(skipped $free /tmp/after) - $(skipped $free /tmp/before)))
rings=$(($(lost_rings /tmp/after) - $(lost_rings /tmp/before)))
info "domain $group: kernel $allocs_kernel allocs $frees_kernel frees; rcached $allocs allocs, $failures failed, $frees frees; skipped $alloc_skips and $free_skips; lost in rings $rings"
expect_ge "allocations of the domain" "$allocs" 4000
expect_eq "iova_allocations_total (received + failed + skipped) = calls of alloc_iova_fast" \
  $((allocs + failures + alloc_skips)) "$allocs_kernel"
expect_eq "iova_frees_total (received + skipped) = calls of $free" $((frees + free_skips)) "$frees_kernel"
expect_eq "events sent = received + lost" "$(metric rcached_events_sent_total '' /tmp/after)" \
  $(($(metric rcached_events_received_total '' /tmp/after) + $(metric rcached_events_lost_total 'reason="ring_full"' /tmp/after)))
expect_eq "events lost in rings" "$rings" 0
case $LAB_KERNEL in
  6.1 | 6.12)
    [ "$LAB_SCENARIO" = kprobes ] || expect_eq "events lost, all kinds" "$(metric rcached_events_lost_total '' /tmp/after)" 0
    [ "$LAB_SCENARIO" = kprobes ] || expect_eq "confidence lossy" "$(metric rcached_domain_confidence 'confidence="lossy"' /tmp/after)" 0
    ;;
esac

# At rest, the mirror equals the last reading of the probes everywhere, and the balance sheet adds up.
expect_eq "rcached_drift_ranges, all domains" "$(metric rcached_drift_ranges '' /tmp/after)" 0
expect_eq "iova_unaccounted_ranges, all domains" "$(metric iova_unaccounted_ranges '' /tmp/after)" 0
# Outstanding ranges were allocated and not freed by the kernel (a driver may keep a page for its own lists).
if [ $((alloc_skips + free_skips)) = 0 ]; then
  expect_eq "growth of iova_outstanding_ranges = allocs - frees" \
    "$(delta iova_outstanding_ranges "domain=\"$group\"")" $((allocs_kernel - failures - frees_kernel))
fi
tree=$(metric iova_tree_ranges "domain=\"$group\"" /tmp/after)
parts=$(($(metric iova_outstanding_ranges "domain=\"$group\"" /tmp/after) + $(metric iova_rcache_cpu_cached "domain=\"$group\"" /tmp/after) + $(metric iova_rcache_depot_cached "domain=\"$group\"" /tmp/after) + $(metric iova_reserved_ranges "domain=\"$group\"" /tmp/after)))
expect_eq "tree ranges = outstanding + cached + depot + reserved" "$tree" "$parts"
expect_ge "orders with cached ranges" "$(awk -v d="domain=\"$group\"" 'index($0, "iova_rcache_cpu_cached{") == 1 && index($0, d) && $NF > 0' /tmp/after | wc -l)" 5

predictions=$(delta rcached_predictions_total "domain=\"$group\"")
hits=$(delta rcached_prediction_hits_total "domain=\"$group\"")
corrected=$(delta rcached_drift_corrections_total "domain=\"$group\"")
info "predictions $predictions, hits $hits; ranges corrected $corrected; misses: $(awk -v d="domain=\"$group\"" 'index($0, "rcached_prediction_misses_total{") == 1 && index($0, d) { n = split($0, p, "class=\""); split(p[n], c, "\""); printf "%s %s, ", c[1], $NF }' /tmp/after)"
expect_ge "predicted pfns" "$predictions" 4000
most=$((predictions / 100))
# The kernel skips nested kprobes, and each skip causes at most one miss later.
[ "$LAB_SCENARIO" = kprobes ] && most=$((most + alloc_skips + free_skips))
expect_le "prediction misses" $((predictions - hits)) "$most"
