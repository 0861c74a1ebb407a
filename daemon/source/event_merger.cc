// SPDX-License-Identifier: Apache-2.0
#include "daemon/source/event_merger.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>

namespace rcached {
namespace {

constexpr unsigned kDigitBits = 12;
constexpr std::uint32_t kDigits = 1u << kDigitBits;
constexpr std::size_t kFewRecords = 512;  // sorting fewer by comparison is faster
constexpr std::size_t kPrefetch = 8;      // records ahead
constexpr std::uint64_t kMaxSpan = std::numeric_limits<std::uint32_t>::max();

}  // namespace

void EventMerger::take_until(std::uint64_t watermark_ns, std::vector<rcached_event>& out) {
  std::uint64_t first = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t last = 0;
  due_.clear();
  for (std::size_t i = 0; i < held_.size(); ++i) {
    const std::uint64_t time = held_[i].time_ns;
    if (time > watermark_ns) continue;
    first = std::min(first, time);
    last = std::max(last, time);
    due_.push_back({0, static_cast<std::uint32_t>(i)});
  }
  if (!due_.empty()) {
    sort_due(first, last);
    out.reserve(out.size() + due_.size());
    for (std::size_t i = 0; i < due_.size(); ++i) {
      if (i + kPrefetch < due_.size()) __builtin_prefetch(&held_[due_[i + kPrefetch].position]);
      out.push_back(held_[due_[i].position]);
    }
    delivered_until_ns_ = std::max(delivered_until_ns_, last);
    std::erase_if(held_,
                  [watermark_ns](const rcached_event& event) { return event.time_ns <= watermark_ns; });
  }
  oldest_ns_ = held_.empty() ? 0 : std::numeric_limits<std::uint64_t>::max();
  for (const rcached_event& event : held_) oldest_ns_ = std::min<std::uint64_t>(oldest_ns_, event.time_ns);
}

void EventMerger::sort_due(std::uint64_t first_ns, std::uint64_t last_ns) {
  if (last_ns - first_ns > kMaxSpan || due_.size() < kFewRecords) {
    std::stable_sort(due_.begin(), due_.end(), [this](const Due& a, const Due& b) {
      return held_[a.position].time_ns < held_[b.position].time_ns;
    });
    return;
  }
  for (Due& due : due_) due.time = static_cast<std::uint32_t>(held_[due.position].time_ns - first_ns);
  const auto bits = static_cast<unsigned>(std::bit_width(last_ns - first_ns));
  for (unsigned shift = 0; shift < bits; shift += kDigitBits) radix_pass(shift);
}

// Stable.
void EventMerger::radix_pass(unsigned shift) {
  counts_.assign(kDigits, 0);
  for (const Due& due : due_) ++counts_[due.time >> shift & (kDigits - 1)];
  std::exclusive_scan(counts_.begin(), counts_.end(), counts_.begin(), 0u);
  sorted_.resize(due_.size());
  for (const Due& due : due_) sorted_[counts_[due.time >> shift & (kDigits - 1)]++] = due;
  due_.swap(sorted_);
}

}  // namespace rcached
