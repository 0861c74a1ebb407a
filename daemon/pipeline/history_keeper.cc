// SPDX-License-Identifier: Apache-2.0
#include "daemon/pipeline/history_keeper.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace rcached {
namespace {

constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

constexpr std::array kColumns = {
    &DomainHistory::tree_ranges,
    &DomainHistory::outstanding,
    &DomainHistory::cpu_cached,
    &DomainHistory::depot_cached,
    &DomainHistory::allocations_per_second,
    &DomainHistory::overflows_per_second,
    &DomainHistory::tree_allocation_mean_seconds,
    &DomainHistory::tree_allocation_p99_seconds,
};

std::uint64_t sum(const DomainSnapshot& domain, std::uint64_t OrderSnapshot::*counter) {
  std::uint64_t total = 0;
  for (const OrderSnapshot& order : domain.orders) total += order.*counter;
  return total;
}

// The upper bound, in seconds, of the bucket that contains the 99th percentile of the values added
// between two readings. Unknown if it exceeds the last bound.
float p99(const DurationHistogram& before, const DurationHistogram& now, std::uint64_t count) {
  const std::uint64_t rank = count - count / 100;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < DurationHistogram::kBoundsNs.size(); ++i) {
    seen += now.counts[i] - before.counts[i];
    if (seen >= rank) return static_cast<float>(DurationHistogram::kBoundsNs[i]) * 1e-9f;
  }
  return kUnknown;
}

}  // namespace

HistoryKeeper::HistoryKeeper(std::size_t bytes, std::chrono::milliseconds snapshot_interval)
    : interval_(std::max(kInterval, std::chrono::ceil<std::chrono::seconds>(snapshot_interval))),
      points_(static_cast<std::size_t>(kReach / interval_)),
      max_domains_(bytes / (points_ * kColumns.size() * sizeof(float))) {}

void HistoryKeeper::append(DomainHistory& domain, const DomainSnapshot& state, std::int64_t unix_s) {
  const Counters now{sum(state, &OrderSnapshot::allocations), sum(state, &OrderSnapshot::depot_overflows),
                     state.tree_allocation};
  const auto [slot, is_new] = before_.try_emplace(state.id, now);
  const Counters before = std::exchange(slot->second, now);
  const auto seconds = static_cast<float>(interval_.count());
  const bool fell = now.allocations < before.allocations;  // a different domain with the same id
  const std::uint64_t misses = fell ? 0 : now.tree_allocation.count() - before.tree_allocation.count();

  if (domain.tree_ranges.empty()) domain.first_unix_s = unix_s;
  domain.tree_ranges.push_back(static_cast<float>(state.tree_ranges));
  domain.outstanding.push_back(static_cast<float>(state.outstanding));
  domain.cpu_cached.push_back(static_cast<float>(state.cpu_cached));
  domain.depot_cached.push_back(static_cast<float>(state.depot_cached));
  const bool known = !is_new && !fell;
  domain.allocations_per_second.push_back(
      known ? static_cast<float>(now.allocations - before.allocations) / seconds : kUnknown);
  domain.overflows_per_second.push_back(known ? static_cast<float>(now.overflows - before.overflows) / seconds
                                              : kUnknown);
  domain.tree_allocation_mean_seconds.push_back(
      misses == 0 ? kUnknown
                  : static_cast<float>(now.tree_allocation.sum_ns - before.tree_allocation.sum_ns) * 1e-9f /
                        static_cast<float>(misses));
  domain.tree_allocation_p99_seconds.push_back(
      misses == 0 ? kUnknown : p99(before.tree_allocation, now.tree_allocation, misses));
}

void HistoryKeeper::observe(const Snapshot& snapshot, TimePoint now, std::int64_t unix_s) {
  if (!std::exchange(first_, false) && now < next_) return;
  std::size_t missed = 0;
  if (next_ != TimePoint{}) {
    missed = std::min(static_cast<std::size_t>((now - next_) / interval_), points_);
    next_ += interval_ * static_cast<std::int64_t>((now - next_) / interval_);
  } else {
    next_ = now;
  }
  next_ += interval_;

  auto made = std::make_shared<History>();
  made->interval_s = static_cast<std::uint32_t>(interval_.count());
  made->points = points_;
  for (const DomainSnapshot& state : snapshot.domains) {  // by id: the oldest come first
    if (made->domains.size() == max_domains_) {
      ++made->domains_left_out;
      continue;
    }
    DomainHistory domain;
    domain.id = state.id;
    if (history_) {
      const auto old = std::ranges::lower_bound(history_->domains, state.id, {}, &DomainHistory::id);
      if (old != history_->domains.end() && old->id == state.id) domain = *old;
    }
    if (!domain.tree_ranges.empty()) {
      for (const auto column : kColumns) (domain.*column).insert((domain.*column).end(), missed, kUnknown);
    }
    append(domain, state, unix_s);
    const std::size_t count = domain.tree_ranges.size();
    const std::size_t excess = count > points_ ? count - points_ : 0;
    domain.first_unix_s += static_cast<std::int64_t>(excess) * interval_.count();
    for (const auto column : kColumns) {
      (domain.*column)
          .erase((domain.*column).begin(), (domain.*column).begin() + static_cast<std::ptrdiff_t>(excess));
    }
    made->domains.push_back(std::move(domain));
  }
  std::erase_if(before_, [&](const auto& entry) {
    return !std::ranges::binary_search(made->domains, entry.first, {}, &DomainHistory::id);
  });
  history_ = std::move(made);
}

}  // namespace rcached
