// SPDX-License-Identifier: Apache-2.0
// The part of DomainMirror that deals with the fill read in the probes: adoption at first sight, comparison
// and correction. See readings.h for when a difference is corrected.
#include <algorithm>
#include <bit>
#include <cstdlib>
#include <utility>

#include "allocator/domain_mirror.h"

namespace rcached {
namespace {

std::uint64_t distance(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : b - a; }

}  // namespace

CpuReading& DomainMirror::reading(std::uint16_t cpu, std::uint8_t order) {
  if (cpu >= cpu_readings_.size()) cpu_readings_.resize(std::bit_ceil(std::size_t{cpu} + 1));
  return cpu_readings_[cpu][order];
}

void DomainMirror::invalidate_reading(std::uint16_t cpu, std::uint8_t order) {
  CpuReading& last = reading(cpu, order);
  last.valid = false;
  last.difference.agree(loss_epoch_);
}

void DomainMirror::invalidate_depot_reading(std::uint8_t order) {
  depot_readings_[order].valid = false;
  depot_readings_[order].difference.agree(loss_epoch_);
}

// The model has changed on the word of an operation elsewhere. As long as nothing was lost that word is good
// and the last reading is out of date. After a loss it is the model that is likelier to have had the pfn in
// the wrong place: then the reading stands and the difference is corrected in time.
void DomainMirror::cpu_moved_unread(std::uint16_t cpu, std::uint8_t order) {
  CpuReading& last = reading(cpu, order);
  if (!in_doubt()) return invalidate_reading(cpu, order);
  if (last.valid) observe(last.difference, 1, last_time_ns_);
}

void DomainMirror::depot_moved_unread(std::uint8_t order) {
  DepotReading& last = depot_readings_[order];
  if (!in_doubt()) return invalidate_depot_reading(order);
  if (last.valid) observe(last.difference, 1, last_time_ns_);
}

// First sight in a domain that is older than the mirror: what must the kernel have held *before* this
// operation, so that the fill after it is as read? Then the operation is applied as any other. Where several
// answers fit, the one without a depot move is taken; the rest is adopted after the operation (check_fill).
void DomainMirror::adopt_before(const Operation& op, std::uint8_t order) {
  if (known_from_start() || !op.has_fill) return;
  const CpuReading& last = reading(op.cpu, order);
  const DepotReading& last_depot = depot_readings_[order];
  if (last.ever && last_depot.ever) return;

  const std::uint32_t capacity = model_.profile().magazine_capacity;
  const Rcache& rcache = model_.rcache(order);
  const auto depot = static_cast<std::uint32_t>(rcache.depot().size());
  const bool cached = op.pfn != 0 && op.served_by == ServedBy::cache;
  const bool allocated = cached && op.kind == OperationKind::alloc;
  const bool freed = cached && op.kind == OperationKind::free;
  if (!last.ever) {
    std::uint32_t loaded = op.fill.loaded;
    std::uint32_t prev = op.fill.prev;
    if (allocated) {
      const bool popped =
          loaded + 1 == capacity && prev == 0 && last_depot.ever && depot == op.fill.depot + 1;
      loaded = popped ? 0 : loaded + 1;
    } else if (op.kind ==
               OperationKind::alloc) {  // a depot pop is kept when all of the magazine is above the limit
      const bool popped = loaded == capacity && prev == 0 && last_depot.ever && depot == op.fill.depot + 1;
      if (popped) loaded = 0;
    } else if (freed && loaded == 1 && prev == capacity) {
      const bool pushed = last_depot.ever && depot + 1 == op.fill.depot;
      const bool overflowed = op.overflowed && !cpu_state(op.cpu).overflow_resolved;
      loaded = pushed || overflowed ? capacity : 0;
    } else if (freed && loaded != 0) {
      --loaded;
    }
    model_.resize(CacheLocation::loaded(order, op.cpu), loaded);
    model_.resize(CacheLocation::prev(order, op.cpu), prev);
  }
  if (!last_depot.ever) {
    std::uint32_t before = op.fill.depot;
    const std::uint32_t loaded = rcache.loaded(op.cpu).size();
    const std::uint32_t prev = rcache.prev(op.cpu).size();
    const bool full = loaded == capacity && prev == capacity;
    if (allocated && loaded + prev == 0) ++before;
    if (freed && full && !op.overflowed && before != 0) --before;
    model_.resize_depot(order, before, false);
  }
}

void DomainMirror::check_fill(const Operation& op, std::uint8_t order) {
  model_.see_cpu(order, op.cpu);
  if (!op.has_fill) {
    invalidate_reading(op.cpu, order);
    if (op.has_depot_fill) check_depot(order, op.fill.depot, op.time_ns);
    return;
  }
  CpuReading& last = reading(op.cpu, order);
  const std::uint32_t capacity = model_.profile().magazine_capacity;
  last.loaded = static_cast<std::uint16_t>(std::min<std::uint32_t>(op.fill.loaded, capacity));
  last.prev = static_cast<std::uint16_t>(std::min<std::uint32_t>(op.fill.prev, capacity));
  last.valid = true;
  const bool first = !last.ever && !known_from_start();
  last.ever = true;
  const Rcache& rcache = model_.rcache(order);
  if (rcache.loaded(op.cpu).size() == last.loaded && rcache.prev(op.cpu).size() == last.prev) {
    last.difference.agree(loss_epoch_);
  } else if (first) {
    model_.resize(CacheLocation::loaded(order, op.cpu), last.loaded);
    model_.resize(CacheLocation::prev(order, op.cpu), last.prev);
    last.difference.agree(loss_epoch_);
  } else {
    observe(last.difference, 1, op.time_ns);
    if (last.difference.due_at_reading(op.time_ns, loss_epoch_)) correct_cpu(op.cpu, order);
  }
  check_depot(order, op.fill.depot, op.time_ns);
}

void DomainMirror::check_depot(std::uint8_t order, std::uint32_t magazines, std::uint64_t now_ns) {
  const Rcache& rcache = model_.rcache(order);
  DepotReading& last = depot_readings_[order];
  if (last.adopting) return;
  last.magazines = std::min(magazines, rcache.bounded() ? rcache.depot_capacity() : DomainModel::kMaxDepot);
  last.valid = true;
  const bool first = !last.ever && !known_from_start();
  last.ever = true;
  const std::int64_t amount = std::int64_t{last.magazines} - static_cast<std::int64_t>(rcache.depot().size());
  if (amount == 0) {
    last.difference.agree(loss_epoch_);
  } else if (first) {
    model_.resize_depot(order, last.magazines, false);
    last.difference.agree(loss_epoch_);
  } else {
    observe(last.difference, amount, now_ns);
    if (last.difference.due_at_reading(now_ns, loss_epoch_)) {
      const std::int64_t least = last.difference.least();
      correct_depot(order, least);
      if (amount != least) observe(last.difference, amount - least, now_ns);
    }
  }
}

// Makes the magazines as read. A swap that the mirror missed is recognised by the sizes.
void DomainMirror::correct_cpu(std::uint16_t cpu, std::uint8_t order) {
  CpuReading& last = reading(cpu, order);
  const std::uint64_t loaded = model_.rcache(order).loaded(cpu).size();
  const std::uint64_t prev = model_.rcache(order).prev(cpu).size();
  const std::uint64_t straight = distance(loaded, last.loaded) + distance(prev, last.prev);
  const std::uint64_t swapped = distance(prev, last.loaded) + distance(loaded, last.prev);
  if (known_from_start()) {  // before that it is no drift but ignorance
    drift_.corrected_loaded += distance(loaded, last.loaded);
    drift_.corrected_prev += distance(prev, last.prev);
  }
  if (swapped < straight) model_.swap(order, cpu);
  model_.resize(CacheLocation::loaded(order, cpu), last.loaded);
  model_.resize(CacheLocation::prev(order, cpu), last.prev);
  last.difference.agree(loss_epoch_);
}

// A missing magazine was pushed unseen, so it lies on top; one too many was popped unseen, so it lay on top.
void DomainMirror::correct_depot(std::uint8_t order, std::int64_t amount) {
  const auto size = static_cast<std::int64_t>(model_.rcache(order).depot().size());
  const std::uint32_t moved =
      model_.resize_depot(order, static_cast<std::uint32_t>(std::max<std::int64_t>(size + amount, 0)), true);
  if (known_from_start()) drift_.corrected_depot += std::uint64_t{moved} * model_.profile().magazine_capacity;
  depot_readings_[order].difference.agree(loss_epoch_);
}

void DomainMirror::observe(Difference& difference, std::int64_t amount, std::uint64_t now_ns) {
  difference.observe(amount, now_ns);
  differences_ = true;
}

// Most of the time nothing differs, and nothing is looked at.
bool DomainMirror::correct_differences(std::uint64_t now_ns) {
  if (!differences_) return false;
  bool corrected = false;
  bool left = false;
  const auto due = [&](const auto& last) {
    if (!last.valid || !last.difference.stands()) return false;
    const bool now = last.difference.due_at_rest(now_ns, loss_epoch_);
    (now ? corrected : left) = true;
    return now;
  };
  for (std::size_t cpu = 0; cpu < cpu_readings_.size(); ++cpu) {
    for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
      if (due(cpu_readings_[cpu][order])) correct_cpu(static_cast<std::uint16_t>(cpu), order);
    }
  }
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    DepotReading& last = depot_readings_[order];
    if (!due(last)) continue;
    const auto size = static_cast<std::int64_t>(model_.rcache(order).depot().size());
    correct_depot(order, std::int64_t{last.magazines} - size);
  }
  differences_ = left;
  return corrected;
}

void DomainMirror::mark_loss() {
  ++loss_epoch_;
  audit_.last_loss_ns = last_time_ns_;
  correct_differences(last_time_ns_);
}

void DomainMirror::fill_drift(DriftSnapshot& drift) const {
  for (std::size_t cpu = 0; cpu < cpu_readings_.size(); ++cpu) {
    for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
      const CpuReading& last = cpu_readings_[cpu][order];
      if (!last.valid) continue;
      const Rcache& rcache = model_.rcache(order);
      drift.ranges += distance(rcache.loaded(static_cast<std::uint16_t>(cpu)).size(), last.loaded);
      drift.ranges += distance(rcache.prev(static_cast<std::uint16_t>(cpu)).size(), last.prev);
    }
  }
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    const DepotReading& last = depot_readings_[order];
    if (!last.valid) continue;
    drift.ranges +=
        distance(model_.rcache(order).depot().size(), last.magazines) * model_.profile().magazine_capacity;
  }
}

}  // namespace rcached
