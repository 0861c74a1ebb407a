// SPDX-License-Identifier: Apache-2.0
// The part of DomainMirror that deals with frees, one by one and in whole magazines.
#include <algorithm>
#include <utility>

#include "allocator/domain_mirror.h"

namespace rcached {

void DomainMirror::apply_free(const Operation& op) {
  const std::uint8_t order = DomainModel::order_index(op.size);
  const bool cacheable = order < kCachedOrders;
  ++model_.counters(order).frees;
  if (op.pfn == 0) return;
  if (cacheable) adopt_before(op, order);
  if (cacheable && op.served_by == ServedBy::cache) {
    free_to_cache(op, order);
  } else {
    free_to_tree(op);
  }
  if (cacheable) check_fill(op, order);
}

void DomainMirror::count_mismatch(std::uint32_t freed_size, std::uint8_t alloc_order, std::uint32_t extent) {
  const std::uint8_t order = DomainModel::order_index(freed_size);
  if (order != alloc_order || (order == kCachedOrders && freed_size != extent)) {
    ++model_.counters(order).mismatched_frees;
  }
}

void DomainMirror::free_to_cache(const Operation& op, std::uint8_t order) {
  if (op.overflowed) {
    CpuState& state = cpu_state(op.cpu);
    if (!std::exchange(state.overflow_resolved, false)) ++model_.counters(order).depot_overflows;
    const Rcache& rcache = model_.rcache(order);
    const std::uint32_t capacity = rcache.magazine_capacity();
    if (rcache.loaded(op.cpu).size() == capacity && rcache.prev(op.cpu).size() == capacity) {
      model_.release(CacheLocation::loaded(order, op.cpu));
    }
  }
  if (!overtaken_.empty() && was_overtaken(op, order)) return;
  const Range* range = model_.find(op.pfn);
  if (range == nullptr) {  // it was in the tree all along: first sight
    range = &model_.add_range(op.pfn, op.size);
  } else if (const auto at = model_.locate(*range)) {  // its alloc was lost
    withdraw(*range, *at);
  } else {
    count_mismatch(op.size, range->alloc_order, range->size);
  }
  if (model_.insert_without_depot(*range, order, op.cpu)) return;
  if (op.has_fill && depots_adopted_ && model_.rcache(order).loaded(op.cpu).known().empty() &&
      op.fill.depot <= model_.rcache(order).depot().size()) {
    // The depot was read out of kernel memory between the push and its report, and has the magazine already.
    ++model_.counters(order).depot_pushes;
    model_.orphan(CacheLocation::loaded(order, op.cpu));
  } else {
    model_.push_loaded_to_depot(order, op.cpu);
  }
  model_.insert_without_depot(*range, order, op.cpu);
}

// Its pfn has gone to the tree with its magazine (see OvertakenFrees). Where that magazine held nothing else it
// was a new one: what the mirror still has in loaded went to the depot before.
bool DomainMirror::was_overtaken(const Operation& op, std::uint8_t order) {
  const Rcache& rcache = model_.rcache(order);
  const bool already_gone = !op.has_fill || (op.fill.loaded == rcache.loaded(op.cpu).size() &&
                                             op.fill.prev == rcache.prev(op.cpu).size());
  const std::optional<OvertakenFree> free = overtaken_.take(op.pfn, op.cpu, order, already_gone);
  if (!free) return false;
  if (rcache.loaded(op.cpu).size() == rcache.magazine_capacity()) {
    model_.push_loaded_to_depot(order, op.cpu);
  }
  if (free->pfn != 0) {
    count_mismatch(op.size, free->alloc_order, free->extent);
    return true;
  }
  const Range* range = model_.find(op.pfn);
  if (range == nullptr) return true;
  if (const auto at = model_.locate(*range)) {
    withdraw(*range, *at);
  } else {
    count_mismatch(op.size, range->alloc_order, range->size);
  }
  ++model_.counters(range->alloc_order).tree_frees;
  model_.remove_range(op.pfn);
  return true;
}

DomainMirror::PendingTreeFree* DomainMirror::find_pending(std::uint64_t pfn, bool free_came_first) {
  for (std::size_t i = 1; i <= kPendingTreeFrees; ++i) {
    PendingTreeFree& pending = pending_tree_frees_[(next_pending_ - i) % kPendingTreeFrees];
    if (pending.pfn == pfn && pending.free_came_first == free_came_first) return &pending;
  }
  return nullptr;
}

void DomainMirror::add_pending(const PendingTreeFree& pending) {
  PendingTreeFree& place = pending_tree_frees_[next_pending_++ % kPendingTreeFrees];
  if (place.pfn != 0 && place.free_came_first) --frees_first_;
  if (pending.free_came_first) ++frees_first_;
  place = pending;
}

void DomainMirror::apply_tree_free(const Operation& op) {
  if (op.pfn == 0) return;
  PendingTreeFree* free = frees_first_ == 0 ? nullptr : find_pending(op.pfn, true);
  if (free != nullptr) {
    free->pfn = 0;
    --frees_first_;
    return;  // the range may have been allocated again meanwhile: leave it
  }
  PendingTreeFree pending{op.pfn, 0, kCachedOrders, false};
  if (const Range* range = model_.find(op.pfn); range != nullptr) {
    if (const auto at = model_.locate(*range)) withdraw(*range, *at);  // its alloc was lost
    pending.size = range->size;
    pending.alloc_order = range->alloc_order;
    model_.remove_range(op.pfn);
  }
  ++model_.counters(pending.alloc_order).tree_frees;
  add_pending(pending);
}

void DomainMirror::free_to_tree(const Operation& op) {
  if (PendingTreeFree* pending = find_pending(op.pfn, false); pending != nullptr) {
    if (pending->size != 0) count_mismatch(op.size, pending->alloc_order, pending->size);
    pending->pfn = 0;
    return;  // as above
  }
  // The tree_free was lost, or it is still to come.
  std::uint8_t order = DomainModel::order_index(op.size);
  if (const Range* range = model_.find(op.pfn); range != nullptr) {
    if (const auto at = model_.locate(*range)) {
      withdraw(*range, *at);
    } else {
      count_mismatch(op.size, range->alloc_order, range->size);
    }
    order = range->alloc_order;
    model_.remove_range(op.pfn);
  }
  ++model_.counters(order).tree_frees;
  add_pending({op.pfn, 0, order, true});
}

// --- magazines to the tree

void DomainMirror::release_at(const CacheLocation& at) {
  model_.release(at);
  if (at.source == RcacheSource::depot) {
    depot_moved_unread(at.order);
  } else {
    cpu_moved_unread(at.cpu, at.order);
  }
}

// The tree hands out a pfn that is cached: its whole magazine has gone to the tree, and another CPU was
// faster than the report of that. (After a loss there may be other reasons; then the fills bring back what
// was not gone.)
void DomainMirror::release_early(const Range& range) {
  const auto at = model_.locate(range);
  const std::uint64_t bottom = model_.magazine_at(*at).bottom();
  if (bottom != 0) early_releases_[next_early_++ % kEarlyReleases] = {bottom, at->order};
  release_at(*at);
}

bool DomainMirror::was_released_early(const Operation& op) {
  for (EarlyRelease& early : early_releases_) {
    if (early.bottom != op.pfn || op.pfn == 0) continue;
    early.bottom = 0;
    if (op.cause == MagazineFreeCause::overflow) {
      ++model_.counters(early.order).depot_overflows;
      cpu_state(op.cpu).overflow_resolved = true;
    } else if (op.cause == MagazineFreeCause::reclaim) {
      ++model_.counters(early.order).depot_reclaims;
    }
    return true;
  }
  return false;
}

void DomainMirror::apply_magazine_free(const Operation& op) {
  if (op.cause == MagazineFreeCause::flush) {
    note_flush(op.cpu);
    cpu_state(op.cpu).flush_reported = true;
  }
  if (op.size != 0 && op.duration_ns != 0 && op.cause == MagazineFreeCause::overflow) {
    depot_overflow_.add(op.duration_ns);
  }
  if (op.size == 0 || was_released_early(op)) return;
  const Range* range = model_.find(op.pfn);
  auto at = range == nullptr ? std::nullopt : model_.locate(*range);
  if (known_from_start() && !in_doubt()) note_overtaken(op, range, at);
  if (range != nullptr && !at) {  // its free is still to be reported, or was lost
    ++model_.counters(range->alloc_order).tree_frees;
    model_.remove_range(op.pfn);
  }
  if (op.cause == MagazineFreeCause::reclaim && op.order < kCachedOrders) {
    ++model_.counters(op.order).depot_reclaims;
    const Rcache& rcache = model_.rcache(op.order);
    const auto depot = rcache.depot();
    if ((!at || at->order != op.order) && !depot.empty()) {
      // The topmost whose bottom is not known, else the top.
      std::size_t index = depot.size() - 1;
      while (rcache.unknown_in_depot() != 0 && depot[index].unknown() == 0) --index;
      at = CacheLocation::depot(op.order, index);
    }
  }
  if (op.cause == MagazineFreeCause::overflow && at) {
    ++model_.counters(at->order).depot_overflows;
    cpu_state(op.cpu).overflow_resolved = true;
  }
  if (!at) return;
  release_at(*at);
  const bool from_depot = op.cause == MagazineFreeCause::reclaim ||
                          (op.cause == MagazineFreeCause::flush && model_.profile().flush_empties_depot);
  if (from_depot && at->source == RcacheSource::depot) invalidate_depot_reading(at->order);
}

// The magazine had more pfns than the mirror knows of, or one that counts as allocated: they were pushed by
// frees that are still to be reported. Few can be under way on one CPU; where more is missing it is drift.
void DomainMirror::note_overtaken(const Operation& op, const Range* range,
                                  const std::optional<CacheLocation>& at) {
  constexpr std::uint32_t kUnderWay = 4;
  if (range == nullptr || (at && at->source == RcacheSource::depot)) return;
  const std::uint32_t known = at ? model_.magazine_at(*at).size() : 0;
  if (op.size <= known || op.size - known > kUnderWay) return;
  OvertakenFree free{.order = range->alloc_order, .flusher = op.cpu};
  if (at) {
    free.order = at->order;
    free.cpu = at->cpu;
  } else {
    overtaken_.add({free.order, free.cpu, free.flusher, op.pfn, range->size, range->alloc_order});
  }
  for (std::uint32_t i = at ? known : 1; i < op.size; ++i) overtaken_.add(free);
}

// free_iova_fast never flushes and a CPU that goes offline has no alloc in progress, so a flush on a CPU
// whose tree_alloc has just failed is the emergency flush of alloc_iova_fast. Its get() came first: do its
// swap or depot pop now, before the magazines go.
void DomainMirror::note_flush(std::uint16_t cpu) {
  CpuState& state = cpu_state(cpu);
  if (!state.tree_alloc_failed || state.flushed) return;
  state.flushed = true;
  const std::uint8_t order = state.failed_order;
  if (order < kCachedOrders) model_.select(order, cpu, model_.rcache(order).peek(cpu, 0).source);
}

// The whole flush is reported when it is over. Each magazine has gone before that, under a report of its own,
// and its CPU has gone on since: what is in its magazines now was freed after the flush. Without such
// reports, and where the mirror could not tell which magazine it was, all that is there goes.
void DomainMirror::apply_cpu_flush(const Operation& op) {
  note_flush(op.cpu);
  overtaken_.set_cpu(op.cpu, op.target_cpu);
  ++rcache_flushes_;
  const bool reported = std::exchange(cpu_state(op.cpu).flush_reported, false) && !in_doubt();
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    if (op.target_cpu >= model_.rcache(order).cpus()) continue;
    for (const CacheLocation& at :
         {CacheLocation::loaded(order, op.target_cpu), CacheLocation::prev(order, op.target_cpu)}) {
      if (!reported || model_.magazine_at(at).unknown() != 0) model_.release(at);
    }
    invalidate_reading(op.target_cpu, order);
    reading(op.target_cpu, order).ever = true;
  }
}

// After an emergency flush that empties the depots. Known magazines went by their own magazine_free, what is
// left of them was pushed since; those that could not be recognised are still here. After a loss nothing is
// sure to have been recognised.
void DomainMirror::release_flushed_depots() {
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    const Rcache& rcache = model_.rcache(order);
    for (std::size_t i = rcache.depot().size(); i-- > 0;) {
      if (in_doubt() || rcache.depot()[i].unknown() != 0) release_at(CacheLocation::depot(order, i));
    }
    invalidate_depot_reading(order);
  }
}

}  // namespace rcached
