# SPDX-License-Identifier: Apache-2.0
# Scenario nested: allocations and frees in interrupts during a probe. The kernel skips a program that is already running
# on its CPU; its twin sends the event instead, and events missed by both are counted. Disk and network together on every
# CPU, all domains, compared with the kernel's own counts.

start_rcached || return 0
free=free_iova_fast
case $LAB_KERNEL in 5.10) free=iova_rcache_insert ;; esac

kprobe_count_begin alloc_iova_fast $free

load() {
  jobs=''
  for _ in 1 2 3; do
    direct_read "$LAB_NVME" 4k 2000 &
    jobs="$jobs $!"
    echo_bytes 4096 >/dev/null &
    jobs="$jobs $!"
  done
  # shellcheck disable=SC2086 # several process ids
  wait $jobs
}
skipped() { delta rcached_program_skipped_total "program=\"$1\",method=\"(fexit|kretprobe)\""; }

# Sets lost: events lost under this load, in ten thousand.
count_under_load() {
  rest
  alloc_start=$(kprobe_count alloc_iova_fast)
  free_start=$(kprobe_count $free)
  scrape /tmp/before
  load
  rest
  scrape /tmp/after
  allocs_kernel=$(($(kprobe_count alloc_iova_fast) - alloc_start))
  frees_kernel=$(($(kprobe_count $free) - free_start))
  allocs=$(($(delta iova_allocations_total) + $(delta iova_allocation_failures_total)))
  frees=$(delta iova_frees_total)
  info "kernel $allocs_kernel allocs, $frees_kernel frees; rcached $allocs and $frees; lost $(skipped alloc_iova_fast) and $(skipped $free)"
  expect_ge "allocations under disk and network load" "$allocs" 10000
  expect_eq "allocations received + lost = calls of alloc_iova_fast" $((allocs + $(skipped alloc_iova_fast))) "$allocs_kernel"
  expect_eq "frees received + lost = calls of $free" $((frees + $(skipped $free))) "$frees_kernel"
  expect_eq "drift at rest" "$(metric rcached_drift_ranges '' /tmp/after)" 0
  expect_eq "unaccounted at rest" "$(metric iova_unaccounted_ranges '' /tmp/after)" 0
  lost=$(((allocs_kernel + frees_kernel - allocs - frees) * 10000 / (allocs_kernel + frees_kernel)))
}

expect_eq "warnings that the twins cannot see the kernel's count" "$(grep -c 'counts runs' "$LAB_LOG")" 0
# Without the twins, a softirq on top of a program loses all its events, up to some tens at once.
lost_events=0
for load in 1 2 3; do
  count_under_load
  lost_events=$((lost_events + allocs_kernel + frees_kernel - allocs - frees))
  # 7.x preempts tasks inside programs (PREEMPT_LAZY): the twin can be skipped, too.
  case $LAB_KERNEL in 7.*) expect_le "events lost under load $load, in ten thousand" "$lost" 50 ;; esac
done
# An interrupt on top of the twin of an interrupt can be lost.
case $LAB_KERNEL in 7.*) ;; *) expect_le "events lost under three loads" $lost_events 3 ;; esac
kprobe_count_end
