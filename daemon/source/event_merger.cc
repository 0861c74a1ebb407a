// SPDX-License-Identifier: Apache-2.0
#include "daemon/source/event_merger.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <span>

namespace rcached {
namespace {

constexpr unsigned kMaxBucketBits = 16;   // the table of buckets stays in the CPU's cache
constexpr std::size_t kFewRecords = 512;  // sorting fewer by comparison is faster
constexpr std::size_t kFullBucket = 32;   // the same for the records of a bucket
constexpr std::size_t kPrefetch = 8;      // records ahead
constexpr std::size_t kSlice = 256;       // records passed on at a time: 14 KiB
constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kMaxSpan = std::numeric_limits<std::uint32_t>::max();

// Of a few records that are nearly in order. Stable.
template <typename Iterator>
void insertion_sort(Iterator begin, Iterator end) {
  for (Iterator next = begin + 1; next < end; ++next) {
    const auto record = *next;
    Iterator hole = next;
    for (; hole != begin && (hole - 1)->time > record.time; --hole) *hole = *(hole - 1);
    *hole = record;
  }
}

}  // namespace

void EventMerger::take_until(std::uint64_t watermark_ns, const EventSink& sink) {
  find_due(watermark_ns);
  if (!due_.empty()) {
    sort_due();
    pass_on_due(sink);
    delivered_until_ns_ = std::max(delivered_until_ns_, last_due_ns_);
  }
  remove_due(watermark_ns);
}

void EventMerger::pass_on_due(const EventSink& sink) {
  slice_.resize(kSlice);
  for (std::size_t begin = 0; begin < due_.size(); begin += kSlice) {
    const std::size_t count = std::min(kSlice, due_.size() - begin);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t ahead = begin + i + kPrefetch;
      if (ahead < due_.size()) __builtin_prefetch(&at(due_[ahead].position));
      slice_[i] = at(due_[begin + i].position);
    }
    sink(std::span(slice_).first(count));
  }
}

void EventMerger::find_due(std::uint64_t watermark_ns) {
  due_.clear();
  first_due_ns_ = oldest_ns_ = kNever;
  last_due_ns_ = 0;
  std::uint32_t position = 0;
  const auto look_at = [&](const std::vector<rcached_event>& records) {
    for (const rcached_event& record : records) {
      const std::uint64_t time = record.time_ns;
      if (time > watermark_ns) {
        oldest_ns_ = std::min(oldest_ns_, time);
      } else {
        first_due_ns_ = std::min(first_due_ns_, time);
        last_due_ns_ = std::max(last_due_ns_, time);
        due_.push_back({static_cast<std::uint32_t>(time), position});
      }
      ++position;
    }
  };
  look_at(held_);
  held_due_ = due_.size();
  look_at(added_);
  if (oldest_ns_ == kNever) oldest_ns_ = 0;
}

// Stable.
void EventMerger::sort_due() {
  const std::uint64_t span = last_due_ns_ - first_due_ns_;
  if (span > kMaxSpan || due_.size() < kFewRecords) {
    std::stable_sort(due_.begin(), due_.end(), [this](const Due& a, const Due& b) {
      return at(a.position).time_ns < at(b.position).time_ns;
    });
    return;
  }
  const auto first = static_cast<std::uint32_t>(first_due_ns_);
  const auto bucket_bits = std::min(static_cast<unsigned>(std::bit_width(due_.size())), kMaxBucketBits);
  const auto span_bits = static_cast<unsigned>(std::bit_width(span));
  const unsigned shift = span_bits > bucket_bits ? span_bits - bucket_bits : 0;
  bucket_ends_.assign(std::size_t{1} << bucket_bits, 0);
  for (Due& due : due_) {
    due.time -= first;  // modulo 2^32: the span is smaller
    ++bucket_ends_[due.time >> shift];
  }
  std::exclusive_scan(bucket_ends_.begin(), bucket_ends_.end(), bucket_ends_.begin(), 0u);
  sorted_.resize(due_.size());
  for (const Due& due : due_) sorted_[bucket_ends_[due.time >> shift]++] = due;
  due_.swap(sorted_);
  if (shift == 0) return;
  std::uint32_t begin = 0;
  for (const std::uint32_t end : bucket_ends_) {
    if (end - begin > kFullBucket) {
      std::stable_sort(due_.begin() + begin, due_.begin() + end,
                       [](const Due& a, const Due& b) { return a.time < b.time; });
    } else if (end - begin > 1) {
      insertion_sort(due_.begin() + begin, due_.begin() + end);
    }
    begin = end;
  }
}

void EventMerger::remove_due(std::uint64_t watermark_ns) {
  const auto is_due = [watermark_ns](const rcached_event& event) { return event.time_ns <= watermark_ns; };
  if (held_due_ == held_.size())
    held_.clear();
  else if (held_due_ != 0)
    std::erase_if(held_, is_due);
  if (due_.size() != held_due_) std::erase_if(added_, is_due);
  if (held_.empty())
    held_.swap(added_);
  else
    held_.insert(held_.end(), added_.begin(), added_.end());
  added_.clear();
}

}  // namespace rcached
