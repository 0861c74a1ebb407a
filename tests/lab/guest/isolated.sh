# SPDX-License-Identifier: Apache-2.0
# lab: modules
# lab: cmdline isolcpus=2,3 nohz_full=2,3
# Scenario isolated: audits do not interrupt isolated CPUs. What these have cached is read from other CPUs, agrees with the
# mirror and the oracle, and the kernel counts no function-call interrupt on them. LAB_SECONDS (60): how long.

printf 'http: {listen: "0.0.0.0:9731"}\nmetrics: {per_cpu: true}\nkernel: {ring_size: 32MiB}\naudit: {interval: 1s, budget: 300ms}\n' >"$LAB_CONFIG"
. /lab/three_ways.sh
LAB_SECONDS=${LAB_SECONDS:-60}

# calls CPU: function-call interrupts on it so far.
calls() { awk -v cpu="$1" '$1 == "CAL:" { print $(cpu + 2) }' /proc/interrupts; }
# cached CPU: ranges of the exerciser's domain x0 in this CPU's magazines, by rcached.
cached() { metric iova_rcache_cpu_ranges "domain=\"$x0\".*cpu=\"$1\"" /tmp/after; }

info "isolated: $(cat /sys/devices/system/cpu/isolated), nohz_full: $(cat /sys/devices/system/cpu/nohz_full 2>/dev/null || echo unknown)"
expect_eq "isolated CPUs" "$(cat /sys/devices/system/cpu/isolated)" 2-3

# What CPUs 2 and 3 have cached before the start is only known by reading it.
load_modules || return 0
exerciser_run threads=2 cpu=2 ops=20000 seed=1 mix=steady domain=0
start_rcached || return 0
expect_eq "CPUs that rcached spares" "$(metric rcached_spared_cpus)" 2
touch_domains
at_rest
compare_three_ways "cached on isolated CPUs before the start"
x0=$(label_of x0)
scrape /tmp/after
for cpu in 2 3; do expect_ge "ranges cached on CPU $cpu" "$(cached $cpu)" 20; done

# They work while audits read them.
exerciser_run threads=2 cpu=2 ops=200000 seed=2 mix=steady domain=0
at_rest
compare_three_ways "after a load on isolated CPUs"

# khugepaged interrupts all CPUs whenever it has made a huge page.
echo never >/sys/kernel/mm/transparent_hugepage/enabled

# Isolated CPUs at rest, and a little work on CPU 0, so that no audit is skipped.
exerciser run threads=1 cpu=0 rate=20 ops=1000000 seed=3 mix=steady domain=0
sleep 2
scrape /tmp/before
for cpu in 0 1 2 3; do eval "calls$cpu=$(calls $cpu)"; done
sleep "$LAB_SECONDS"
# shellcheck disable=SC2154 # set by eval
{
  on2=$(($(calls 2) - calls2)) on3=$(($(calls 3) - calls3))
  others=$(($(calls 0) + $(calls 1) - calls0 - calls1))
}
scrape /tmp/after
expect_eq "function-call interrupts on CPU 2 in $LAB_SECONDS s" $on2 0
expect_eq "function-call interrupts on CPU 3 in $LAB_SECONDS s" $on3 0
info "function-call interrupts on CPUs 0 and 1: $others; audits of x0: $(delta rcached_audits_total "domain=\"$x0\""), of all domains: $(delta rcached_audits_total), skipped: $(delta rcached_audits_skipped_total)"
expect_ge "audits of x0 in $LAB_SECONDS s" "$(delta rcached_audits_total "domain=\"$x0\"")" $((LAB_SECONDS * 8 / 10))
expect_ge "function-call interrupts on CPUs 0 and 1" "$others" $((LAB_SECONDS / 2))
expect_ge "audits skipped, domains at rest" "$(delta rcached_audits_skipped_total)" $((LAB_SECONDS / 2))
for cpu in 2 3; do expect_ge "ranges cached on CPU $cpu" "$(cached $cpu)" 20; done
exerciser stop
at_rest
compare_three_ways "after the audits"
scrape /tmp/after
never_wrong /tmp/after
expect_eq "readings that failed" "$(metric rcached_kernel_reads_total 'result="fault"' /tmp/after)" 0
