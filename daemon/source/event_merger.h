// SPDX-License-Identifier: Apache-2.0
// EventMerger: joins the rings of all CPUs into one stream ordered by time.
//
// A ring is almost ordered: an interrupt may put its record before the one it interrupted. And a record may
// be committed later than its timestamp. So records are held back until a watermark (DrainWatermark):
// everything older has been read by then. A record that is still late is delivered immediately and counted.
//
// One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bpf/event.h"

namespace rcached {

class EventMerger {
 public:
  explicit EventMerger(std::size_t cpus);

  // A record read from the ring of `cpu` (an index below the constructor's count).
  void add(std::size_t cpu, const rcached_event& event);

  // Appends every held record with time <= watermark to `out`, in time order (ring order within a CPU where
  // times are equal).
  void take_until(std::uint64_t watermark_ns, std::vector<rcached_event>& out);

  std::size_t held() const { return held_; }
  // Time of the oldest held record; 0 when there is none.
  std::uint64_t oldest_ns() const;
  // Records that arrived after newer ones had been delivered.
  std::uint64_t late() const { return late_; }

 private:
  struct Queue {
    std::vector<rcached_event> events;  // from `head` on, ordered by time
    std::size_t head = 0;
  };

  std::vector<Queue> queues_;
  std::vector<std::size_t> heap_;  // scratch of take_until
  std::size_t held_ = 0;
  std::uint64_t late_ = 0;
  std::uint64_t delivered_until_ns_ = 0;
};

}  // namespace rcached
