// SPDX-License-Identifier: Apache-2.0
// Snapshot: the immutable picture of all domains that every view reads. Plain values, no behaviour but the
// sums that follow from them; made by the Mirror, never changed afterwards, safe to share between threads.
//
// The balance sheet of a domain (kernel-wide invariant, all generations; the rbtree's anchor node is not a
// range):
//   tree_ranges = outstanding + cpu_cached + depot_cached + reserved + unaccounted
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string_view>
#include <vector>

#include "allocator/kernel_profile.h"
#include "allocator/shared_list.h"

namespace rcached {

// How far the numbers of a domain can be trusted.
enum class Confidence : std::uint8_t {
  exact,     // followed since its init_iova_domain or since it was read out of kernel memory, nothing lost
  resynced,  // events were lost once; it has been read out of kernel memory since, and nothing lost since
             // then
  partial,   // existed before rcached and has not been read yet: what has not moved since the start is not
             // known
  lossy,     // events were lost since it was read last
};

constexpr std::string_view to_string(Confidence confidence) {
  switch (confidence) {
    case Confidence::exact:
      return "exact";
    case Confidence::resynced:
      return "resynced";
    case Confidence::partial:
      return "partial";
    case Confidence::lossy:
      break;
  }
  return "lossy";
}

// Counters and gauges of one order. Index kCachedOrders collects all sizes beyond the cacheable ones.
struct OrderSnapshot {
  // gauges, in ranges unless said otherwise
  std::uint64_t outstanding = 0;
  std::uint64_t cpu_cached = 0;       // loaded + prev of all CPUs
  std::uint64_t cpu_capacity = 0;     // 2 * magazine capacity * CPUs seen
  std::uint32_t cpus_holding = 0;     // CPUs with at least one cached range
  std::uint32_t depot_magazines = 0;  // the depot holds only full magazines
  // counters since the start of the mirror
  std::uint64_t allocations = 0;          // alloc_iova_fast that returned a pfn
  std::uint64_t allocation_failures = 0;  // alloc_iova_fast that returned 0 (normal for the 32-bit-first try)
  std::uint64_t tree_allocations = 0;     // alloc_iova that returned a range
  std::uint64_t frees = 0;                // free_iova_fast (iova_rcache_insert on 5.10)
  std::uint64_t tree_frees = 0;           // ranges given back to the tree, one by one or in magazines
  std::uint64_t depot_pushes = 0;         // magazines
  std::uint64_t depot_pops = 0;           // magazines
  std::uint64_t depot_overflows = 0;      // magazines freed because the depot was full
  std::uint64_t depot_reclaims = 0;       // magazines freed by the depot worker
  std::uint64_t mismatched_frees = 0;     // freed with another order (or size, when uncached) than allocated

  friend bool operator==(const OrderSnapshot&, const OrderSnapshot&) = default;
};

struct CpuFill {
  std::uint16_t cpu = 0;
  std::uint8_t order = 0;
  std::uint16_t loaded = 0;
  std::uint16_t prev = 0;

  friend bool operator==(const CpuFill&, const CpuFill&) = default;
};

// How well the mirror predicted the kernel.
struct PredictionSnapshot {
  std::uint64_t predictions = 0;  // cache allocations for which the mirror knew the pfn to come
  std::uint64_t hits = 0;         // ... and it came
  // misses by class; predictions = hits + sum of these
  // the pfn was deeper in the same magazine (interrupt between operation and probe)
  std::uint64_t miss_reordered = 0;
  std::uint64_t miss_depot_race = 0;  // the pfn was in another magazine of the depot, or in prev
  std::uint64_t miss_migration = 0;   // the pfn was in another CPU's magazines
  std::uint64_t miss_unknown = 0;     // the pfn was nowhere in the cache

  friend bool operator==(const PredictionSnapshot&, const PredictionSnapshot&) = default;
};

// Difference between the mirror and the fill read in the probes.
struct DriftSnapshot {
  // now: sum over (cpu, order) of |mirror - last reading|, depots counted in ranges
  std::uint64_t ranges = 0;
  // counters: what had to be corrected, in ranges. First sight of a (cpu, order) is adopted, not corrected.
  std::uint64_t corrected_loaded = 0;
  std::uint64_t corrected_prev = 0;
  std::uint64_t corrected_depot = 0;

  friend bool operator==(const DriftSnapshot&, const DriftSnapshot&) = default;
};

// What comparing the mirror with kernel memory has found.
struct AuditSnapshot {
  // Ranges that differed, by part, since the start of the mirror; what was not known before is not a
  // difference.
  struct Drift {
    std::uint64_t loaded = 0;
    std::uint64_t prev = 0;
    std::uint64_t depot = 0;
    std::uint64_t tree = 0;
    std::uint64_t fq = 0;  // ranges waiting in the flush queue that the mirror does not have as outstanding
    std::uint64_t sum() const { return loaded + prev + depot + tree + fq; }
    friend bool operator==(const Drift&, const Drift&) = default;
  };
  std::uint64_t audits = 0;   // completed
  std::uint64_t repairs = 0;  // of them, that found differences; all were repaired
  std::uint64_t abandoned =
      0;                      // audits given up: the domain changed under every attempt, or events were lost
  std::uint64_t skipped = 0;  // audits not made: no operation since the last one, which found nothing
  std::uint64_t resyncs = 0;  // audits that ended a loss
  Drift drift;
  // Monotonic times; 0: never.
  std::uint64_t last_audit_ns = 0;
  std::uint64_t last_repair_ns = 0;
  std::uint64_t last_loss_ns = 0;
  std::uint64_t resynced_ns = 0;  // the audit that ended the last loss (resyncs counts them)

  friend bool operator==(const AuditSnapshot&, const AuditSnapshot&) = default;
};

// What the allocator's own records of the domain hold, in bytes.
struct MemorySnapshot {
  std::uint64_t magazine_bytes = 0;  // magazines of all possible CPUs and of the depots
  std::uint64_t range_bytes = 0;     // struct iova of every range in the tree
  std::uint64_t time_ns = 0;         // monotonic; of the reading
  friend bool operator==(const MemorySnapshot&, const MemorySnapshot&) = default;
};

// The space below 4 GiB, where allocations fail first. In granules.
struct Space32Snapshot {
  std::uint64_t free_pages = 0;
  std::uint64_t largest_gap_pages = 0;
  std::uint64_t time_ns = 0;  // monotonic; of the walk over the tree
  friend bool operator==(const Space32Snapshot&, const Space32Snapshot&) = default;
};

// Runs of the flush-queue timer (fq_flush_timeout), each on one CPU for the queues of all.
struct FlushQueueSnapshot {
  struct Cpu {
    std::uint16_t cpu = 0;
    std::uint64_t drains = 0;
    std::uint64_t drained_ranges = 0;
    friend bool operator==(const Cpu&, const Cpu&) = default;
  };
  std::uint64_t drains = 0;
  std::uint64_t drained_ranges = 0;  // freed by these runs: into the rcache of the CPU that ran the timer
  std::uint64_t duration_ns = 0;     // sum
  std::uint64_t longest_ns = 0;
  std::uint64_t largest = 0;  // ranges of the largest run
  std::vector<Cpu> cpus;      // only CPUs that ran it, by cpu

  friend bool operator==(const FlushQueueSnapshot&, const FlushQueueSnapshot&) = default;
};

// Durations of one kind of call, by upper bounds that are the same everywhere: 100 ns, 250 ns, 500 ns, 1 us,
// ... 100 ms.
struct DurationHistogram {
  static constexpr std::array<std::uint64_t, 19> kBoundsNs = {
      100,       250,        500,        1'000,      2'500,      5'000,     10'000,
      25'000,    50'000,     100'000,    250'000,    500'000,    1'000'000, 2'500'000,
      5'000'000, 10'000'000, 25'000'000, 50'000'000, 100'000'000};

  // counts[i]: longer than bound i - 1 and at most bound i; the last: longer than all bounds.
  std::array<std::uint64_t, kBoundsNs.size() + 1> counts{};
  std::uint64_t sum_ns = 0;

  void add(std::uint64_t ns) {
    ++counts[static_cast<std::size_t>(std::lower_bound(kBoundsNs.begin(), kBoundsNs.end(), ns) -
                                      kBoundsNs.begin())];
    sum_ns += ns;
  }
  std::uint64_t count() const { return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}); }

  friend bool operator==(const DurationHistogram&, const DurationHistogram&) = default;
};

struct DomainSnapshot {
  std::uint64_t id = 0;  // an internal id, never an address
  Confidence confidence = Confidence::partial;
  // the balance sheet, in ranges
  std::uint64_t tree_ranges = 0;
  std::uint64_t outstanding = 0;
  std::uint64_t outstanding_before_start = 0;  // part of outstanding: mapped before rcached saw the domain
  // part of outstanding: unmapped and in the flush queue; nullopt: none
  std::optional<std::uint64_t> fq_pending;
  std::uint64_t cpu_cached = 0;
  std::uint64_t depot_cached = 0;
  std::uint64_t reserved = 0;
  std::int64_t unaccounted = 0;

  std::array<OrderSnapshot, kCachedOrders + 1> orders{};
  std::vector<CpuFill> cpu_fills;    // only (cpu, order) pairs that were seen, by cpu then order
  std::uint64_t rcache_flushes = 0;  // free_cpu_cached_iovas calls
  std::uint64_t loss_marks = 0;      // times the stream said that events were lost
  PredictionSnapshot prediction;
  DriftSnapshot drift;
  FlushQueueSnapshot flush_queue;
  DurationHistogram tree_allocation;  // alloc_iova, also when it found no space
  DurationHistogram depot_overflow;   // iova_magazine_free_pfns inside a free
  AuditSnapshot audit;
  std::optional<MemorySnapshot> memory;    // nullopt: not read
  std::optional<Space32Snapshot> space32;  // nullopt: not read

  friend bool operator==(const DomainSnapshot&, const DomainSnapshot&) = default;
};

struct Snapshot {
  std::uint64_t time_ns = 0;  // monotonic; of the last operation applied
  KernelProfile profile;
  SharedList<DomainSnapshot> domains;  // by id; those that have not changed are shared with earlier snapshots
};

}  // namespace rcached
