# SPDX-License-Identifier: Apache-2.0
# lab: modules
# Scenario depots: a depot is filled. Each magazine that overflows (<= 6.6) or is reclaimed (>= 6.7) must be counted, as
# checked against the kernel's count of calls: here every iova_magazine_free_pfns is one of them.

printf 'http: {listen: "0.0.0.0:9731"}\nmetrics: {per_cpu: true}\nkernel: {ring_size: 32MiB}\naudit: {interval: 60s, budget: 300ms}\n' >"$LAB_CONFIG"
. /lab/three_ways.sh
start_rcached || return 0
load_modules || return 0
# An emergency flush also calls it, but this load causes none.
kprobe_count_begin iova_magazine_free_pfns
exerciser_run threads="$LAB_CPUS" ops=300000 seed=1 mix=depot domain=1 order=2 burst=4000
at_rest
freed=$(kprobe_count iova_magazine_free_pfns)
kprobe_count_end
scrape /tmp/after
compare_three_ways "a full depot"
overflows=$(metric iova_depot_overflows_total '' /tmp/after)
reclaims=$(metric iova_depot_reclaims_total '' /tmp/after)
info "magazines freed to the tree: kernel $freed; rcached $overflows overflows, $reclaims reclaims; lost $(metric rcached_events_lost_total '' /tmp/after)"
expect_ge "magazines freed to the tree" "$freed" 20
case $LAB_KERNEL in
  5.10 | 6.1)
    expect_eq "iova_depot_overflows_total = the kernel's count" "$overflows" "$freed"
    expect_eq "reclaims on a kernel without a worker" "$reclaims" 0
    ;;
  *)
    expect_eq "iova_depot_reclaims_total = the kernel's count" "$reclaims" "$freed"
    expect_eq "overflows of an unbounded depot" "$overflows" 0
    ;;
esac
never_wrong /tmp/after
