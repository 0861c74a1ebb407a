# SPDX-License-Identifier: Apache-2.0
# lab: modules
# Scenario modules: tests the lab's own modules before they are used to test rcached. The exerciser's counters and the
# oracle, which are independent of each other, must agree on every domain. Needs no rcached.

load_modules || return 0
capacity=$(cat /sys/module/iova_oracle/parameters/capacity)
want=127
[ "$LAB_KERNEL" = 5.10 ] && want=128
expect_eq "ranges in a magazine" "$capacity" $want

# balance DOMAIN: "parts tree" of one reading: live + cached + depot + reserved, and the ranges of the tree.
balance() {
  { cat /proc/iova_oracle; exerciser_count live "$1"; } | awk -v domain="$1" -v capacity="$capacity" \
    -v reserved="$(exerciser_value reserved "$1")" '
    NF == 1 { live = $1 }
    $2 != domain { next }
    $1 == "cpu" { cached += $5 + $6 }
    $1 == "depot" { cached += $4 * capacity }
    $1 == "tree" { tree = $3 }
    END { print live + cached + reserved, tree }'
}
# From 6.7 on, a worker empties depots in the background, so a reading may be inconsistent: repeat it.
_balanced() {
  parts=$(balance "$1")
  [ "${parts% *}" = "${parts#* }" ]
}
expect_balance() {
  for domain in x0 x1; do
    wait_until "_balanced $domain"
    expect_eq "$1: live + cached + depot + reserved = tree of $domain" "${parts% *}" "${parts#* }"
  done
}
# exercise NAME=VALUE...: runs on all CPUs.
exercise() {
  exerciser_run threads="$LAB_CPUS" "$@" || return 1
  info "$*: $(exerciser_value ops) operations, $(($(exerciser_value ops) * 1000 / ($(exerciser_value elapsed_us) / 1000 + 1))) per second"
}
depots() { awk -v order="$1" '$1 == "depot" && $2 == "x1" && $3 == order { sum += $4 } END { print sum + 0 }' /proc/iova_oracle; }

# --- the oracle lists every DMA domain with a PCI device
for path in /sys/bus/pci/devices/*/iommu_group; do
  group=$(basename "$(readlink -f "$path")")
  case "$(domain_type "$group")" in DMA | DMA-FQ) echo "$group" ;; esac
done | sort -u >/tmp/groups
awk '$1 == "tree" && $2 !~ /^x/ { print $2 }' /proc/iova_oracle | sort -u >/tmp/known
expect_ge "groups with a DMA domain" "$(wc -l </tmp/groups)" 4
expect_eq "groups that the oracle prints" "$(paste -s -d ' ' /tmp/known)" "$(paste -s -d ' ' /tmp/groups)"
group=$(domain_of "$LAB_NVME")
direct_read "$LAB_NVME" 8k 300
rest oracle 0.3
expect_ge "cached ranges of 2 pages in group $group after 300 reads" \
  "$(oracle | awk -v g="$group" '$1 == "cpu" && $2 == g && $3 == 1 { sum += $5 + $6 } END { print sum + 0 }')" 1
queues=''
[ "$LAB_MODE" = lazy ] && queues=0
expect_eq "entries in the flush queue of group $group at rest" \
  "$(oracle | awk -v g="$group" '$1 == "fq" && $2 == g { print $3 }')" "$queues"

# --- the mixes
# Two reservations each: pfns 1100-113f and fee00-feeff, 2100-213f and the same (hex), hashed by hand.
expect_eq "trees of new domains" "$(oracle | grep '^tree x' | paste -s -d ' ')" \
  "tree x0 2 6a5bad69a76184ad tree x1 2 b7aa1ca5769ba4ad"
for mix in mixed steady large tree handover limits; do
  exercise ops=200000 seed=7 mix=$mix
  expect_balance $mix
done
exercise ops=100000 seed=7 mix=flush domain=1 window=2048
expect_ge "allocations that found no space in 2048 pages" "$(exerciser_count failures x1)" 100
expect_balance flush
exercise ops=100000 seed=7 mix=depot domain=1 order=2 burst=3000
filled=$(depots 2)
case $LAB_KERNEL in
  5.10 | 6.1) expect_eq "magazines in the depot of 32" "$filled" 32 ;;
  *) expect_ge "magazines in the depot" "$filled" 33 ;;
esac
expect_balance depot

# --- held and leaked ranges, and freeing them
exercise ops=40000 seed=3 mix=mixed leak=100
expect_eq "ranges kept with leak=100" "$(exerciser_count live 'x.')" $((LAB_CPUS * 100))
exercise ops=40000 seed=4 mix=steady live=300 hold=1
expect_ge "ranges kept with hold=1" "$(exerciser_count live 'x.')" $((LAB_CPUS * 200))
expect_balance hold
exerciser free
expect_eq "ranges live after free" "$(exerciser_count live 'x.')" 0
expect_eq "allocations - frees" $(($(exerciser_count allocs 'x.') - $(exerciser_count frees 'x.'))) 0
expect_balance free

# --- reservations, teardown, a new domain at the same address
exercise ops=20000 mix=steady hold=1
exerciser put 1
expect_eq "lines of x1 after put" "$(oracle | grep -c ' x1 ')" 0
exerciser new 1
expect_eq "ranges in the tree of a new x1" "$(oracle | awk '$1 == "tree" && $2 == "x1" { print $3 }')" 2
exerciser reserve 1 1048576 1048639
expect_eq "with one more reserved" "$(oracle | awk '$1 == "tree" && $2 == "x1" { print $3 }')" 3
refused=no
echo "reserve 1 1048600 1048700" 2>/dev/null >/proc/iova_exerciser || refused=yes
expect_eq "an overlapping reservation is rejected" $refused yes
expect_balance "put and new"

# --- the same seed on one CPU gives the same calls and the same caches
exerciser free
for round in 1 2; do
  exerciser domains 2
  exerciser_run threads=1 ops=50000 seed=11 mix=steady
  { oracle | grep ' x'; grep '^order' /proc/iova_exerciser; } >"/tmp/round$round"
done
expect_eq "second run of the same seed" "$(md5sum </tmp/round2)" "$(md5sum </tmp/round1)"
expect_ge "lines compared" "$(wc -l </tmp/round1)" 20

# --- the exerciser's counters against the kernel's count of calls
exerciser domains 2
kprobe_count_begin alloc_iova_fast
exercise ops=30000 seed=2 mix=mixed
calls=$(kprobe_count alloc_iova_fast)
kprobe_count_end
books=$(($(exerciser_count allocs 'x.') + $(exerciser_count failures 'x.')))
expect_ge "calls of alloc_iova_fast, by the exerciser and others" "$calls" "$books"
expect_le "of these, not by the exerciser" $((calls - books)) 20

# --- the rate limit works, and a long run can be stopped
exercise ops=$((LAB_CPUS * 2000)) seed=5 mix=mixed rate=1000
expect_ge "milliseconds for 2000 operations at 1000 per second" $(($(exerciser_value elapsed_us) / 1000)) 1900
exercise ops=3000000 seed=6 mix=mixed
expect_ge "operations of the long run" "$(exerciser_value ops)" 3000000
expect_balance "long run"
exerciser run threads="$LAB_CPUS" ops=1000000000
sleep 0.5
exerciser stop
expect_eq "state after stop" "$(exerciser_value state)" idle
rmmod iova_oracle
rmmod iova_exerciser
expect_eq "modules left" "$(grep -c '^iova_' /proc/modules)" 0
load_modules && expect_eq "they can be loaded again" "$(oracle | grep -c ' x')" 2
