# SPDX-License-Identifier: Apache-2.0
# Scenario smoke: tests the lab itself. Needs no rcached.

expect_eq "CPUs" "$(nproc)" "$LAB_CPUS"
expect_ge "bytes of kernel BTF" "$(wc -c </sys/kernel/btf/vmlinux)" 1000000

# Every DMA master is in a translated group of the requested mode.
want=DMA
[ "$LAB_MODE" = lazy ] && [ "$LAB_KERNEL" != 5.10 ] && want=DMA-FQ
for device in "$LAB_NVME" "$LAB_NVME_SLOW" "$LAB_DISK" "$LAB_NIC"; do
  group=$(domain_of "$device") || { fail "$device has no IOMMU group"; continue; }
  expect_eq "type of group $group ($device)" "$(domain_type "$group")" "$want"
done
expect_eq "groups of the four devices differ" \
  "$(for d in $LAB_NVME $LAB_NVME_SLOW $LAB_DISK $LAB_NIC; do domain_of "$d"; done | sort -u | wc -l)" 4

# Frees of 5.10 in lazy mode reach the cache through iova_rcache_insert: free_iova_fast is inlined there.
free=free_iova_fast
[ "$LAB_KERNEL" = 5.10 ] && [ "$LAB_MODE" = lazy ] && free=iova_rcache_insert

# One 4 KiB direct read is one IOVA allocation and one free.
kprobe_count_begin alloc_iova_fast $free
direct_read "$LAB_NVME" 4k 4000
expect_eq "reads of 4 KiB on $LAB_NVME" "$(sed -n 's/ records in$//p' /tmp/dd.log)" 4000+0
expect_ge "allocations for 4000 reads" "$(kprobe_count alloc_iova_fast)" 4000
wait_until "[ \"\$(kprobe_count $free)\" -ge 4000 ]"
expect_ge "$free for 4000 reads" "$(kprobe_count $free)" 4000
expect_le "other allocations" "$(($(kprobe_count alloc_iova_fast) - 4000))" 10

# By domain and size, exactly (hist triggers came to Debian after 5.10).
if [ "$LAB_KERNEL" != 5.10 ]; then
  direct_read "$LAB_NVME" 16k 2 # the first large request permanently maps a page for the driver's own lists
  kprobe_hist_begin
  direct_read "$LAB_NVME" 4k 50
  direct_read "$LAB_NVME" 16k 70
  wait_until "[ \"\$(kprobe_hist free_iova_fast)\" = 120 ]"
  for function in alloc_iova_fast free_iova_fast; do
    expect_eq "$function in its domain, all sizes and 4 pages" \
      "$(kprobe_hist $function) $(kprobe_hist $function 4)" "120 70"
  done
  expect_eq "calls missed by the kernel" "$(kprobe_missed alloc_iova_fast)" 0
fi

# The disk and the NIC also allocate.
kprobe_count_begin alloc_iova_fast
direct_read "$LAB_DISK" 64k 50
expect_ge "allocations for 50 reads on $LAB_DISK" "$(kprobe_count alloc_iova_fast)" 50
kprobe_count_begin alloc_iova_fast
expect_eq "bytes echoed over $LAB_NIC" "$(echo_bytes 512)" 524288
expect_ge "allocations for them" "$(kprobe_count alloc_iova_fast)" 16
expect_eq "bytes echoed over 50 connections" \
  "$(for _ in $(seq 50); do echo_bytes 64; done | awk '{ n += $1 } END { print n }')" $((50 * 65536))

# The slow NVMe keeps a whole burst in flight: every request is mapped before the first completes.
kprobe_count_begin alloc_iova_fast
aioload --cpu $((LAB_CPUS - 1)) --depth 381 --size 8192 --count 381 "/dev/$LAB_NVME_SLOW" >/tmp/aioload.log 2>&1
expect_eq "burst" "$(cat /tmp/aioload.log)" "aioload: 381 reads of 8192 bytes in 1 bursts, 381 in flight together"
expect_ge "allocations of the burst" "$(kprobe_count alloc_iova_fast)" 381
expect_le "allocations of the burst" "$(kprobe_count alloc_iova_fast)" 400
kprobe_count_end
