// SPDX-License-Identifier: Apache-2.0
#include "daemon/source/event_merger.h"

#include <algorithm>

namespace rcached {

EventMerger::EventMerger(std::size_t cpus) : queues_(cpus) { heap_.reserve(cpus); }

void EventMerger::add(std::size_t cpu, const rcached_event& event) {
  auto& events = queues_[cpu].events;
  if (event.time_ns < delivered_until_ns_) ++late_;
  // Records are nearly always in order: searching from the back needs one comparison.
  auto place = events.end();
  const auto head = events.begin() + static_cast<std::ptrdiff_t>(queues_[cpu].head);
  while (place != head && std::prev(place)->time_ns > event.time_ns) --place;
  events.insert(place, event);
  ++held_;
}

void EventMerger::take_until(std::uint64_t watermark_ns, std::vector<rcached_event>& out) {
  const auto front = [this](std::size_t cpu) -> const rcached_event& {
    return queues_[cpu].events[queues_[cpu].head];
  };
  // std heap functions keep the largest on top; the earliest record must be there. CPU number breaks ties.
  const auto later = [&](std::size_t a, std::size_t b) {
    return front(a).time_ns != front(b).time_ns ? front(a).time_ns > front(b).time_ns : a > b;
  };
  const auto has_due = [&](std::size_t cpu) {
    return queues_[cpu].head < queues_[cpu].events.size() && front(cpu).time_ns <= watermark_ns;
  };

  heap_.clear();
  for (std::size_t cpu = 0; cpu < queues_.size(); ++cpu)
    if (has_due(cpu)) heap_.push_back(cpu);
  std::make_heap(heap_.begin(), heap_.end(), later);
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const std::size_t cpu = heap_.back();
    // The run of this CPU up to the next CPU's record needs no heap operation.
    const std::uint64_t until =
        heap_.size() > 1 ? std::min<std::uint64_t>(watermark_ns, front(heap_.front()).time_ns) : watermark_ns;
    do {
      out.push_back(front(cpu));
      ++queues_[cpu].head;
      --held_;
    } while (queues_[cpu].head < queues_[cpu].events.size() && front(cpu).time_ns < until);
    if (has_due(cpu))
      std::push_heap(heap_.begin(), heap_.end(), later);
    else
      heap_.pop_back();
  }
  for (Queue& queue : queues_) {
    queue.events.erase(queue.events.begin(), queue.events.begin() + static_cast<std::ptrdiff_t>(queue.head));
    queue.head = 0;
  }
  delivered_until_ns_ = std::max<std::uint64_t>(delivered_until_ns_, out.empty() ? 0 : out.back().time_ns);
}

std::uint64_t EventMerger::oldest_ns() const {
  std::uint64_t oldest = 0;
  for (const Queue& queue : queues_) {
    if (queue.head == queue.events.size()) continue;
    const std::uint64_t time = queue.events[queue.head].time_ns;
    if (oldest == 0 || time < oldest) oldest = time;
  }
  return oldest;
}

}  // namespace rcached
