// SPDX-License-Identifier: Apache-2.0
// HistoryKeeper: the last hour of every domain, one point every ten seconds, within a memory limit. Views share
// the finished History; each new point makes a new one. Not thread-safe; the returned histories are immutable.
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

  // `bytes`: for all points; the previous History still exists while the next one is made. The interval is not
  // shorter than `snapshot_interval`.
  HistoryKeeper(std::size_t bytes, std::chrono::milliseconds snapshot_interval);

  // Adds a point when one is due. Intervals without an observation become NaN points, so that the times remain
  // correct. Domains that do not fit are left out, newest first, and counted.
  void observe(const Snapshot& snapshot, TimePoint now, std::int64_t unix_s);

  std::shared_ptr<const History> history() const { return history_; }
  // How many domains the limit allows.
  std::size_t max_domains() const { return max_domains_; }

 private:
  // The counters at the previous point.
  struct Counters {
    std::uint64_t allocations = 0;
    std::uint64_t overflows = 0;
    DurationHistogram tree_allocation;
  };
  void append(DomainHistory& domain, const DomainSnapshot& state, std::int64_t unix_s);

  std::chrono::seconds interval_;
  std::size_t points_;
  std::size_t max_domains_;
  std::unordered_map<std::uint64_t, Counters> before_;
  std::shared_ptr<const History> history_;
  TimePoint next_{};
  bool first_ = true;
};

}  // namespace rcached
