// SPDX-License-Identifier: Apache-2.0
// Trend: how fast the figures of each domain have moved over the last minute. Fed with one snapshot after the
// other; remembers at most one sample a second and a minute of them, so its memory is bounded by the number
// of domains. Pure; times come with the snapshots. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "allocator/snapshot.h"

namespace rcached {

// Per second. Levels have the slope of the straight line that fits their samples best (they swing, so the
// difference of two of them says little); counters have their difference over the time.
struct DomainRates {
  double seconds = 0;  // the time that the rates cover, up to a minute
  // levels
  double tree_ranges = 0;
  double outstanding = 0;
  double cpu_cached = 0;
  double depot_cached = 0;
  std::array<double, kCachedOrders> depot_magazines{};  // by order
  // counters, all orders together
  double allocations = 0;
  double allocation_failures = 0;
  double tree_allocations = 0;
  double uncacheable_allocations = 0;  // of the allocations those too large for the caches
  double frees = 0;
  double depot_overflows = 0;
  double depot_reclaims = 0;
  double mismatched_frees = 0;
  double depot_overflow_seconds = 0;  // time spent in overflows, per second
};

class Trend {
 public:
  static constexpr std::uint64_t kWindowNs = 60'000'000'000;
  static constexpr std::uint64_t kStepNs = 1'000'000'000;

  // `now_ns` never falls. Domains that the snapshot no longer has are forgotten.
  void observe(const Snapshot& snapshot, std::uint64_t now_ns);

  // nullopt: not known, or not for as long as two samples take.
  std::optional<DomainRates> rates(std::uint64_t domain_id) const;

 private:
  static constexpr std::size_t kLevels = 4 + kCachedOrders;
  static constexpr std::size_t kCounters = 9;
  struct Sample {
    std::uint64_t time_ns = 0;
    std::array<std::uint64_t, kLevels> levels{};
    std::array<std::uint64_t, kCounters> counters{};
  };
  static Sample sample_of(const DomainSnapshot& domain, std::uint64_t now_ns);

  struct Domain {
    std::deque<Sample> samples;  // the last one is replaced until it is kStepNs after the one before
    std::uint64_t seen_in = 0;
  };
  std::unordered_map<std::uint64_t, Domain> domains_;
  std::uint64_t observations_ = 0;
};

}  // namespace rcached
