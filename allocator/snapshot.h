// SPDX-License-Identifier: Apache-2.0
// Snapshot: the immutable picture of all domains that every view reads. Plain values, no behaviour but the
// sums that follow from them; made by the Mirror, never changed afterwards, safe to share between threads.
//
// The balance sheet of a domain (kernel-wide invariant, all generations; the rbtree's anchor node is not a
// range):
//   tree_ranges = outstanding + fq_pending + cpu_cached + depot_cached + reserved + unaccounted
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "allocator/kernel_profile.h"

namespace rcached {

// How far the numbers of a domain can be trusted.
enum class Confidence : std::uint8_t {
  exact,    // followed since its init_iova_domain, nothing lost
  partial,  // existed before rcached: what has not moved since the start is not known yet
  lossy,    // events were lost since
};

constexpr std::string_view to_string(Confidence confidence) {
  switch (confidence) {
    case Confidence::exact:
      return "exact";
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
  std::uint64_t miss_reordered =
      0;  // the pfn was deeper in the same magazine (interrupt between operation and probe)
  std::uint64_t miss_depot_race = 0;  // the pfn was in another magazine of the depot, or in prev
  std::uint64_t miss_migration = 0;   // the pfn was in another CPU's magazines
  std::uint64_t miss_unknown = 0;     // the pfn was nowhere in the cache

  friend bool operator==(const PredictionSnapshot&, const PredictionSnapshot&) = default;
};

// Difference between the mirror and the fill read in the probes.
struct DriftSnapshot {
  std::uint64_t ranges =
      0;  // now: sum over (cpu, order) of |mirror - last reading|, depots counted in ranges
  // counters: what had to be corrected, in ranges. First sight of a (cpu, order) is adopted, not corrected.
  std::uint64_t corrected_loaded = 0;
  std::uint64_t corrected_prev = 0;
  std::uint64_t corrected_depot = 0;

  friend bool operator==(const DriftSnapshot&, const DriftSnapshot&) = default;
};

struct DomainSnapshot {
  std::uint64_t id = 0;  // a number of ours, never an address
  Confidence confidence = Confidence::partial;
  // the balance sheet, in ranges
  std::uint64_t tree_ranges = 0;
  std::uint64_t outstanding = 0;
  std::optional<std::uint64_t> fq_pending;  // nullopt: not observable by the source (then inside outstanding)
  std::uint64_t cpu_cached = 0;
  std::uint64_t depot_cached = 0;
  std::uint64_t reserved = 0;
  std::int64_t unaccounted = 0;

  std::array<OrderSnapshot, kCachedOrders + 1> orders{};
  std::vector<CpuFill> cpu_fills;    // only (cpu, order) pairs that were seen, by cpu then order
  std::uint64_t rcache_flushes = 0;  // free_cpu_cached_iovas calls
  std::uint64_t fq_drains = 0;       // fq_flush_timeout runs
  std::uint64_t loss_marks = 0;      // times the stream said that events were lost
  PredictionSnapshot prediction;
  DriftSnapshot drift;

  friend bool operator==(const DomainSnapshot&, const DomainSnapshot&) = default;
};

struct Snapshot {
  std::uint64_t time_ns = 0;  // monotonic; of the last operation applied
  KernelProfile profile;
  std::vector<DomainSnapshot> domains;  // by id
};

}  // namespace rcached
