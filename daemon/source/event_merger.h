// SPDX-License-Identifier: Apache-2.0
// EventMerger: joins the rings of all CPUs into one stream ordered by time.
//
// A ring is almost ordered: an interrupt may put its record before the one it interrupted. And a record may
// be committed later than its timestamp. So records are held back until a watermark (DrainWatermark):
// everything older has been read by then. A record that is still late is delivered immediately and counted.
//
// What is due is sorted into buckets of time, about one record each: the cost of a record does not depend on the number
// of CPUs.
//
// One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bpf/event.h"
#include "daemon/source/event_source.h"

namespace rcached {

class EventMerger {
 public:
  // A record read from a ring; those of one ring in the order of the ring.
  void add(const rcached_event& event) {
    if (event.time_ns < delivered_until_ns_) ++late_;
    added_.push_back(event);
  }

  // Passes on every held record with time <= watermark, in time order (in the order they were added, where times are
  // equal). The sink must not use the merger.
  void take_until(std::uint64_t watermark_ns, const EventSink& sink);

  std::size_t held() const { return held_.size() + added_.size(); }
  // Time of the oldest held record after the last take_until; 0 when there was none.
  std::uint64_t oldest_ns() const { return oldest_ns_; }
  // Records that arrived after newer ones had been delivered.
  std::uint64_t late() const { return late_; }

 private:
  struct Due {
    std::uint32_t time;      // ns since the first that is due
    std::uint32_t position;  // in held_, then in added_
  };

  const rcached_event& at(std::uint32_t position) const {
    return position < held_.size() ? held_[position] : added_[position - held_.size()];
  }
  void find_due(std::uint64_t watermark_ns);
  void sort_due();
  void pass_on_due(const EventSink& sink);
  void remove_due(std::uint64_t watermark_ns);

  // Two generations: mostly what is due is all that is held, and nothing that was added since, so that no record moves.
  std::vector<rcached_event> held_;   // by the last take_until
  std::vector<rcached_event> added_;  // since then
  std::vector<Due> due_;
  std::vector<Due> sorted_;  // scratch of sort_due
  std::vector<std::uint32_t> bucket_ends_;
  std::vector<rcached_event> slice_;  // of pass_on_due
  std::uint64_t first_due_ns_ = 0, last_due_ns_ = 0;
  std::size_t held_due_ = 0;  // of those in held_
  std::uint64_t oldest_ns_ = 0;
  std::uint64_t late_ = 0;
  std::uint64_t delivered_until_ns_ = 0;
};

}  // namespace rcached
