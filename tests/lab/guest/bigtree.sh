# SPDX-License-Identifier: Apache-2.0
# lab: modules
# Scenario bigtree: a domain with 200,000 ranges is read within the budget, in chunks that do not block other work.

budget_ms=100
printf 'http: {listen: "0.0.0.0:9731"}\nkernel: {ring_size: 8MiB}\naudit: {interval: 1s, budget: %dms}\n' $budget_ms >"$LAB_CONFIG"
. /lab/three_ways.sh
load_modules || return 0
exerciser_run threads=8 ops=250000 seed=1 mix=steady domain=0 leak=26000
ranges=$(oracle | awk '$1 == "tree" && $2 == "x0" { print $3 }')
expect_ge "ranges in the tree of x0" "$ranges" 200000
start_rcached || return 0
touch_domains
_audited() {
  scrape /tmp/now
  big=$(awk -v least=200000 'index($0, "iova_tree_ranges{") == 1 && $NF >= least { split($0, f, "\""); print f[2] }' /tmp/now)
  [ -n "$big" ] && [ "$(metric rcached_audits_total "domain=\"$big\"" /tmp/now)" -ge "$1" ]
}
wait_until "_audited 1"
begin=$(cut -d' ' -f1 /proc/uptime)
ranges=$(oracle | awk '$1 == "tree" && $2 == "x0" { print $3 }')
expect_eq "ranges in rcached's tree" "$(metric iova_tree_ranges "domain=\"$big\"" /tmp/now)" "$ranges"
scrape /tmp/before
wait_until "_audited 2"
scrape /tmp/after
elapsed=$(echo "$begin $(cut -d' ' -f1 /proc/uptime)" | awk '{ print $2 - $1 }')
read_ms=$(delta rcached_kernel_read_seconds_total | awk '{ print $1 * 1000 }')
longest_us=$(metric rcached_kernel_read_longest_seconds '' /tmp/after | awk '{ print $1 * 1e6 }')
chunks=$(delta rcached_kernel_reads_total)
info "an audit every second of $ranges ranges: $read_ms ms of reading in $elapsed s, $chunks chunks, the longest $longest_us us (emulated CPU)"
expect_le "milliseconds of reading in $elapsed s" "$read_ms" "$(echo "$elapsed" | awk -v budget=$budget_ms '{ print int(($1 + 1) * budget + 10 * budget) }')"
expect_ge "chunks, of 512 ranges at most" "$chunks" $((ranges / 512)) # the time of one depends on the emulation
expect_eq "drift" "$(metric rcached_audit_drift_ranges_total '' /tmp/after)" 0
at_rest
compare_three_ways "200,000 ranges"
