// SPDX-License-Identifier: Apache-2.0
// HistoryKeeper: the last hour of every domain, one point every ten seconds, within a limit of memory. Views
// share the finished History; a new one is made with each point. Not thread-safe; what it hands out is
// immutable.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "allocator/snapshot.h"
#include "view/view.h"

namespace rcached {

class HistoryKeeper {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kInterval{10};
  static constexpr std::chrono::seconds kReach{3600};

  // `bytes`: of all points; the History of before is still there while its successor is made. The interval is
  // no shorter than `snapshot_interval`.
  HistoryKeeper(std::size_t bytes, std::chrono::milliseconds snapshot_interval);

  // Takes a point when one is due. Intervals without an observation become points of NaN, so that the times
  // stay right. Domains that do not fit are left out, the youngest first, and counted.
  void observe(const Snapshot& snapshot, TimePoint now, std::int64_t unix_s);

  std::shared_ptr<const History> history() const { return history_; }
  // How many domains the limit allows.
  std::size_t most_domains() const { return most_domains_; }

 private:
  // What the differences of a point are taken from.
  struct Counters {
    std::uint64_t allocations = 0;
    std::uint64_t overflows = 0;
    DurationHistogram tree_allocation;
  };
  void append(DomainHistory& domain, const DomainSnapshot& state, std::int64_t unix_s);

  std::chrono::seconds interval_;
  std::size_t points_;
  std::size_t most_domains_;
  std::unordered_map<std::uint64_t, Counters> before_;
  std::shared_ptr<const History> history_;
  TimePoint next_{};
  bool first_ = true;
};

}  // namespace rcached
