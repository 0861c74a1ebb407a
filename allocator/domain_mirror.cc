// SPDX-License-Identifier: Apache-2.0
// The dispatch, the snapshot and the allocations. Frees are in domain_mirror_free.cc, fills in
// domain_mirror_fill.cc.
#include "allocator/domain_mirror.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace rcached {
namespace {

// What the tree holds for an allocation of op.size granules.
std::uint64_t extent_of(const Operation& op, const KernelProfile& profile) {
  const std::uint64_t size = std::max<std::uint64_t>(op.size, 1);
  return profile.alloc_rounds_size && size < kMaxCachedSize ? std::bit_ceil(size) : size;
}

// The bound that alloc_iova_fast gives to iova_rcache_get; it wraps there as well.
std::uint64_t max_pfn_of(const Operation& op, std::uint64_t extent) { return op.limit_pfn + 1 - extent; }

}  // namespace

DomainMirror::DomainMirror(const KernelProfile& profile, std::uint64_t id, bool observed_from_birth)
    : id_(id), from_birth_(observed_from_birth), model_(profile) {}

void DomainMirror::reset(bool observed_from_birth) {
  const bool blind = blind_;
  *this = DomainMirror(model_.profile(), id_, observed_from_birth);
  blind_ = blind;
}

void DomainMirror::apply(const Operation& op) {
  const bool senseless = op.pfn > RangeTable::kMaxPfn;  // no address is that high: what it really was is lost
  if (op.after_loss || senseless) mark_loss();
  last_time_ns_ = op.time_ns;
  if (senseless) return;
  ++operations_;
  switch (op.kind) {
    case OperationKind::alloc:
      return apply_alloc(op);
    case OperationKind::free:
      return apply_free(op);
    case OperationKind::tree_alloc:
      return apply_tree_alloc(op);
    case OperationKind::tree_free:
      return apply_tree_free(op);
    case OperationKind::magazine_free:
      return apply_magazine_free(op);
    case OperationKind::cpu_flush:
      return apply_cpu_flush(op);
    case OperationKind::reclaim:
      if (op.order < kCachedOrders && (op.has_depot_fill || op.has_fill)) {
        check_depot(op.order, op.fill.depot, op.time_ns);
      }
      return;
    case OperationKind::reserve:
      return model_.reserve(op.pfn, op.pfn_hi);
    case OperationKind::domain_init:
      return reset(true);
    case OperationKind::domain_put:
      return reset(from_birth_);
    case OperationKind::fq_drain:
      return apply_fq_drain(op);
  }
}

void DomainMirror::apply_fq_drain(const Operation& op) {
  ++flush_queue_.drains;
  flush_queue_.drained_ranges += op.size;
  flush_queue_.duration_ns += op.duration_ns;
  flush_queue_.longest_ns = std::max(flush_queue_.longest_ns, op.duration_ns);
  flush_queue_.largest = std::max<std::uint64_t>(flush_queue_.largest, op.size);
  auto& cpus = flush_queue_.cpus;
  auto cpu = std::find_if(cpus.begin(), cpus.end(), [&](const auto& entry) { return entry.cpu >= op.cpu; });
  if (cpu == cpus.end() || cpu->cpu != op.cpu) cpu = cpus.insert(cpu, {op.cpu, 0, 0});
  ++cpu->drains;
  cpu->drained_ranges += op.size;
}

DomainMirror::CpuState& DomainMirror::cpu_state(std::uint16_t cpu) {
  if (cpu >= cpu_states_.size()) cpu_states_.resize(std::bit_ceil(std::size_t{cpu} + 1));
  return cpu_states_[cpu];
}

Confidence DomainMirror::confidence() const {
  return in_doubt()            ? Confidence::lossy
         : !known_from_start() ? Confidence::partial
         : loss_epoch_ != 0    ? Confidence::resynced
                               : Confidence::exact;
}

DomainSnapshot DomainMirror::snapshot() const {
  DomainSnapshot snapshot;
  snapshot.id = id_;
  snapshot.confidence = confidence();
  model_.fill(snapshot);
  fill_audit(snapshot);
  snapshot.rcache_flushes = rcache_flushes_;
  snapshot.flush_queue = flush_queue_;
  snapshot.tree_allocation = tree_allocation_;
  snapshot.depot_overflow = depot_overflow_;
  snapshot.loss_marks = loss_epoch_;
  snapshot.prediction = prediction_;
  snapshot.drift = drift_;
  fill_drift(snapshot.drift);
  return snapshot;
}

void DomainMirror::apply_alloc(const Operation& op) {
  const std::uint8_t order = DomainModel::order_index(op.size);
  const std::uint64_t extent = extent_of(op, model_.profile());
  const std::uint64_t max_pfn = max_pfn_of(op, extent);
  const bool cacheable = order < kCachedOrders;
  if (cacheable) adopt_before(op, order);

  if (op.pfn == 0) {
    ++model_.counters(order).allocation_failures;
  } else {
    ++model_.counters(order).allocations;
  }
  if (cacheable && op.pfn != 0 && op.served_by == ServedBy::cache) {
    alloc_from_cache(op, order, extent, max_pfn);
  } else {
    if (cacheable) miss_in_cache(op, order, max_pfn);
    if (op.pfn != 0) alloc_from_tree(op, extent);
  }
  CpuState& state = cpu_state(op.cpu);
  if (state.flushed && model_.profile().flush_empties_depot) release_flushed_depots();
  state.tree_alloc_failed = false;
  state.flushed = false;
  if (cacheable) check_fill(op, order);
}

void DomainMirror::alloc_from_cache(const Operation& op, std::uint8_t order, std::uint64_t extent,
                                    std::uint64_t max_pfn) {
  const RcachePeek next = model_.rcache(order).peek(op.cpu, max_pfn);
  const bool predicted = next.slot >= 0;
  if (predicted) ++prediction_.predictions;
  if (predicted && next.pfn == op.pfn) {
    ++prediction_.hits;
    model_.pop(order, op.cpu, next);
    return;
  }

  const Range* range = model_.find(op.pfn);
  const auto at = range == nullptr ? std::nullopt : model_.locate(*range);
  if (at && at->order == order) {
    const Miss miss = resolve_found(op, next, *range, *at);
    if (!predicted) return;
    switch (miss) {
      case Miss::reordered:
        ++prediction_.miss_reordered;
        break;
      case Miss::depot_race:
        ++prediction_.miss_depot_race;
        break;
      case Miss::migration:
        ++prediction_.miss_migration;
        break;
    }
    return;
  }
  if (predicted) ++prediction_.miss_unknown;
  if (at) {  // cached under another order: it left that cache unseen
    withdraw(*range, *at);
  }
  resolve_not_found(op, next, order, extent);
}

// Would the fill that was read be right if the pop had taken place where the model expects it?
bool DomainMirror::fits_a_hit(const Operation& op, const RcachePeek& next, std::uint8_t order) const {
  if (!op.has_fill || next.slot < 0) return false;
  const Rcache& rcache = model_.rcache(order);
  const std::uint32_t loaded = rcache.loaded(op.cpu).size();
  const std::uint32_t prev = rcache.prev(op.cpu).size();
  switch (next.source) {
    case RcacheSource::loaded:
      return op.fill.loaded + 1u == loaded && op.fill.prev == prev;
    case RcacheSource::prev:
      return op.fill.loaded + 1u == prev && op.fill.prev == loaded;
    case RcacheSource::depot:
      return op.fill.loaded + 1u == rcache.magazine_capacity() && op.fill.prev == prev;
    case RcacheSource::none:
      break;
  }
  return false;
}

DomainMirror::Miss DomainMirror::resolve_found(const Operation& op, const RcachePeek& next,
                                               const Range& range, const CacheLocation& at) {
  const Rcache& rcache = model_.rcache(at.order);
  const bool in_depot = at.source == RcacheSource::depot;
  const bool fits = next.source != at.source && fits_a_hit(op, next, at.order);
  if (!in_depot && at.cpu != op.cpu) {
    if (popped_before_the_push_was_reported(op, at)) {
      model_.push_loaded_to_depot(at.order, at.cpu);
      cpu_moved_unread(at.cpu, at.order);
      model_.select(at.order, op.cpu, RcacheSource::depot);
      pop_from_loaded(op, range, at.order);
      return Miss::depot_race;
    }
    if (fits_a_hit(op, next, at.order)) {
      model_.pop_exchanged(at.order, op.cpu, next, range, at);
    } else {  // the operation ran on the other CPU
      CacheLocation there = at;
      there.source = RcacheSource::loaded;
      if (at.source == RcacheSource::prev) model_.swap(at.order, at.cpu);
      withdraw(range, there);
    }
    return Miss::migration;
  }
  if (!in_depot) {  // deeper in loaded, or in prev
    if (at.source == RcacheSource::prev && next.source == RcacheSource::loaded && fits) {
      if (popped_before_the_frees_of_an_interrupt(op, range, at)) return Miss::reordered;
      model_.pop_exchanged(at.order, op.cpu, next, range, at);
      return Miss::depot_race;
    }
    if (at.source == RcacheSource::prev) model_.swap(at.order, op.cpu);
    pop_from_loaded(op, range, at.order);
    return at.source == next.source ? Miss::reordered : Miss::depot_race;
  }
  if (fits) {
    if (popped_before_the_frees_of_an_interrupt(op, range, at)) return Miss::reordered;
    model_.pop_exchanged(at.order, op.cpu, next, range, at);
    return Miss::depot_race;
  }
  if (adopted_with_its_pop(op, at)) {
    ++model_.counters(at.order).depot_pops;
    model_.orphan(at);
    return Miss::depot_race;
  }
  // A depot magazine was popped, perhaps another one than expected. The kernel does so only when loaded and
  // prev are empty.
  const bool expected = next.source == RcacheSource::depot && at.depot_index + 1 == rcache.depot().size();
  model_.pop_from_depot(at.order, op.cpu, at.depot_index);
  pop_from_loaded(op, range, at.order);
  return expected ? Miss::reordered : Miss::depot_race;
}

// The fill says that a depot magazine was popped, the pfn is in the full loaded magazine of another CPU: that
// CPU has pushed it, and this one popped it before the push was reported.
bool DomainMirror::popped_before_the_push_was_reported(const Operation& op, const CacheLocation& at) const {
  const std::uint32_t capacity = model_.profile().magazine_capacity;
  const Rcache& rcache = model_.rcache(at.order);
  return op.has_fill && op.fill.loaded + 1u == capacity && op.fill.prev == 0 &&
         at.source == RcacheSource::loaded && rcache.loaded(at.cpu).size() == capacity &&
         rcache.loaded(op.cpu).empty() && rcache.prev(op.cpu).empty();
}

// An interrupt between the pop and its report has freed so much that the magazine which was loaded then is
// prev or the top of the depot now. It took one pfn more than it could: its pfns above the popped one move
// down, and the first pfn of the magazine that followed belongs on its top.
bool DomainMirror::popped_before_the_frees_of_an_interrupt(const Operation& op, const Range& range,
                                                           const CacheLocation& at) {
  const Rcache& rcache = model_.rcache(at.order);
  const Magazine& loaded = rcache.loaded(op.cpu);
  const Magazine& then_loaded = model_.magazine_at(at);
  const bool on_top = at.source == RcacheSource::prev || at.depot_index + 1 == rcache.depot().size();
  if (!on_top || rcache.place(range.magazine).cpu != op.cpu ||
      then_loaded.size() != rcache.magazine_capacity() || loaded.unknown() != 0 || loaded.empty())
    return false;
  model_.shift_down(range, at, op.cpu);
  return true;
}

// The CPU's magazines were read out of kernel memory between the pop of a depot magazine and its report: all
// but the pfn that it returned has been found in loaded, and in the depot the magazine is an empty shell
// around it.
bool DomainMirror::adopted_with_its_pop(const Operation& op, const CacheLocation& at) const {
  const Rcache& rcache = model_.rcache(at.order);
  return op.has_fill && rcache.loaded(op.cpu).size() == op.fill.loaded &&
         rcache.prev(op.cpu).size() == op.fill.prev && model_.magazine_at(at).known().size() == 1;
}

// The depot was read between the pop of a magazine and its report: the magazine was set aside then, and now
// it is known where it went.
bool DomainMirror::take_from_set_aside(const Operation& op, std::uint8_t order) {
  if (!op.has_fill || op.fill.loaded + 1u != model_.profile().magazine_capacity) return false;
  for (SetAside& aside : set_aside_) {
    if (aside.order != order) continue;
    const auto slot = std::find(aside.pfns.begin(), aside.pfns.end(), op.pfn);
    if (slot == aside.pfns.end()) continue;
    *slot = aside.pfns.back();
    aside.pfns.pop_back();
    ++model_.counters(order).depot_pops;
    model_.replace(CacheLocation::loaded(order, op.cpu), aside.pfns);
    aside.pfns.clear();
    model_.reallocate(*model_.find(op.pfn), order);
    return true;
  }
  return false;
}

// Takes a pfn out of a place that the operation has no reading of.
void DomainMirror::withdraw(const Range& range, const CacheLocation& at) {
  model_.take(range, at);
  if (at.source == RcacheSource::depot) {
    depot_moved_unread(at.order);
  } else {
    cpu_moved_unread(at.cpu, at.order);
  }
}

// Takes op.pfn out of loaded. When the fill says that nothing is left above its slot, the pfns above it were
// allocated unseen. Otherwise, pfns above it that are within the limit were freed after the pop, by an
// interrupt that was reported first: they keep their order.
void DomainMirror::pop_from_loaded(const Operation& op, const Range& range, std::uint8_t order) {
  CacheLocation at = CacheLocation::loaded(order, op.cpu);
  const Magazine& loaded = model_.magazine_at(at);
  at.slot = loaded.find(op.pfn);
  if (op.has_fill && loaded.unknown() + static_cast<std::uint32_t>(at.slot) == op.fill.loaded) {
    while (loaded.known().back() != op.pfn) {
      model_.drop_top(at);
      ++drift_.corrected_loaded;
    }
  }
  if (loaded.known().back() <= max_pfn_of(op, extent_of(op, model_.profile()))) {
    model_.erase(range, at);
  } else {
    model_.take(range, at);
  }
}

void DomainMirror::resolve_not_found(const Operation& op, const RcachePeek& next, std::uint8_t order,
                                     std::uint64_t extent) {
  if (take_from_set_aside(op, order)) return;
  if (next.slot == Magazine::kUnknown) {
    model_.select(order, op.cpu, next.source);
    return model_.take_unknown(order, op.cpu, op.pfn, extent, true);
  }
  if (next.source == RcacheSource::loaded && model_.rcache(order).loaded(op.cpu).unknown() != 0) {
    return model_.take_unknown(order, op.cpu, op.pfn, extent, false);
  }
  // The expected pfn was allocated unseen, this one freed unseen.
  if (fits_a_hit(op, next, order)) model_.pop(order, op.cpu, next);
  const Range* range = model_.find(op.pfn);
  model_.reallocate(range == nullptr ? model_.add_range(op.pfn, extent) : *range, order);
}

// get() failed: its swap or depot pop is kept. A pfn within the limit that the model expects is drift: the
// fill will tell. It also tells when the model's depot has got a magazine that was pushed after this get()
// but reported before.
void DomainMirror::miss_in_cache(const Operation& op, std::uint8_t order, std::uint64_t max_pfn) {
  if (cpu_state(op.cpu).flushed) return;  // get() ran before the flush, see note_flush()
  const RcachePeek next = model_.rcache(order).peek(op.cpu, max_pfn);
  if (next.slot >= 0) return;
  if (next.source == RcacheSource::depot && op.has_fill && op.fill.loaded == 0) return;
  model_.select(order, op.cpu, next.source);
}

void DomainMirror::alloc_from_tree(const Operation& op, std::uint64_t extent) {
  const std::uint8_t order = DomainModel::order_index(op.size);
  const Range* range = model_.find(op.pfn);
  if (range != nullptr && range->fresh) return model_.reallocate(*range, order);
  // The tree_alloc was lost.
  ++model_.counters(order).tree_allocations;
  if (range == nullptr) {
    model_.add_range(op.pfn, extent);
    return;
  }
  if (range->cached()) {
    release_early(*range);
    model_.add_range(op.pfn, extent);
  } else {
    model_.restate_range(*range, extent);
  }
}

void DomainMirror::apply_tree_alloc(const Operation& op) {
  const std::uint8_t order = DomainModel::order_index(op.size);
  if (op.duration_ns != 0) tree_allocation_.add(op.duration_ns);
  if (op.pfn == 0) {
    CpuState& state = cpu_state(op.cpu);
    state.tree_alloc_failed = true;
    state.failed_order = order;
    return;
  }
  ++model_.counters(order).tree_allocations;
  const Range* range = model_.find(op.pfn);
  if (range == nullptr) {
    range = &model_.add_range(op.pfn, op.size);
  } else if (range->cached()) {
    release_early(*range);
    range = &model_.add_range(op.pfn, op.size);
  } else {  // its free is still to be reported, or was lost
    if (overtaken_.name(op.pfn, range->size, range->alloc_order)) {
      ++model_.counters(range->alloc_order).tree_frees;
    }
    model_.restate_range(*range, op.size);
  }
  model_.mark_fresh(*range);
}

}  // namespace rcached
