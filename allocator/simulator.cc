// SPDX-License-Identifier: Apache-2.0
#include "allocator/simulator.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace rcached {
namespace {

std::uint8_t order_index(std::uint64_t size) {
  return static_cast<std::uint8_t>(std::min(order_of(size), kCachedOrders));
}

}  // namespace

Simulator::Simulator(const KernelProfile& profile, std::uint16_t cpus, Sink sink, std::uint64_t now_ns)
    : profile_(profile),
      sink_(std::move(sink)),
      online_(cpus, true),
      rcaches_{Rcache(profile), Rcache(profile), Rcache(profile),
               Rcache(profile), Rcache(profile), Rcache(profile)},
      tree_(IovaTree::Options{.retries_above_cached_node = profile.flush_empties_depot}),
      now_ns_(now_ns) {
  report(operation(OperationKind::domain_init, 0));
}

std::uint64_t Simulator::alloc(std::uint16_t cpu, std::uint32_t size, std::uint64_t limit_pfn,
                               bool flush_rcache) {
  Operation op = operation(OperationKind::alloc, cpu);
  op.size = size;
  op.limit_pfn = limit_pfn;
  const std::uint8_t order = order_index(size);
  std::uint32_t extent = std::max(size, 1u);
  if (profile_.alloc_rounds_size && extent < kMaxCachedSize) extent = std::bit_ceil(extent);

  if (order < kCachedOrders) {
    const RcacheGet got = rcaches_[order].get(cpu, limit_pfn + 1 - extent);
    if (got.source == RcacheSource::depot) ++counters_[order].depot_pops;
    op.pfn = got.pfn;
    if (op.pfn != 0) {
      Range& range = ranges_.at(op.pfn);
      range.order = order;
      range.cached = kOrderUnknown;
    }
  }
  if (op.pfn == 0) {
    op.served_by = ServedBy::tree;
    op.pfn = alloc_from_tree(cpu, extent, limit_pfn);
    if (op.pfn == 0 && flush_rcache) {
      for (std::uint16_t target = 0; target < cpus(); ++target) {
        if (online_[target]) flush_cpu(cpu, target);
      }
      if (profile_.flush_empties_depot) flush_depots(cpu);
      op.pfn = alloc_from_tree(cpu, extent, limit_pfn);
    }
  }
  ++(op.pfn == 0 ? counters_[order].allocation_failures : counters_[order].allocations);
  report_with_fill(op, order);
  return op.pfn;
}

std::uint64_t Simulator::alloc_from_tree(std::uint16_t cpu, std::uint32_t size, std::uint64_t limit_pfn) {
  Operation op = operation(OperationKind::tree_alloc, cpu);
  op.size = size;
  op.pfn = tree_.alloc(size, limit_pfn);
  if (op.pfn != 0) {
    ++counters_[order_index(size)].tree_allocations;
    ranges_[op.pfn] = Range{size, order_index(size), kOrderUnknown};
  }
  report(op);
  return op.pfn;
}

std::uint64_t Simulator::tree_alloc(std::uint16_t cpu, std::uint32_t size, std::uint64_t limit_pfn) {
  return alloc_from_tree(cpu, std::max(size, 1u), limit_pfn);
}

void Simulator::free(std::uint16_t cpu, std::uint64_t pfn, std::uint32_t size) {
  const auto it = ranges_.find(pfn);
  if (it == ranges_.end() || it->second.cached != kOrderUnknown) return;
  Range& range = it->second;
  Operation op = operation(OperationKind::free, cpu);
  op.pfn = pfn;
  op.size = size;
  const std::uint8_t order = order_index(size);
  ++counters_[order].frees;
  if (order != range.order || (order == kCachedOrders && size != range.size))
    ++counters_[order].mismatched_frees;

  Magazine set_aside;
  InsertOutcome outcome = InsertOutcome::no_magazine;
  if (order < kCachedOrders) {
    const Rcache& rcache = rcaches_[order];
    const bool needs_magazine = rcache.loaded(cpu).size() == profile_.magazine_capacity &&
                                rcache.prev(cpu).size() == profile_.magazine_capacity;
    const bool available = !needs_magazine || !std::exchange(fail_magazine_, false);
    outcome = rcaches_[order].insert(cpu, pfn, available, set_aside);
  }
  if (outcome == InsertOutcome::no_magazine) {
    op.served_by = ServedBy::tree;
    free_to_tree(cpu, pfn);
  } else {
    range.cached = order;
  }
  if (outcome == InsertOutcome::depot_push) ++counters_[order].depot_pushes;
  if (outcome == InsertOutcome::overflow) {
    ++counters_[order].depot_overflows;
    op.overflowed = true;
    free_magazine(cpu, set_aside, order, MagazineFreeCause::overflow);
  }
  report_with_fill(op, order);
}

void Simulator::free_to_tree(std::uint16_t cpu, std::uint64_t pfn) {
  Operation op = operation(OperationKind::tree_free, cpu);
  op.pfn = pfn;
  ++counters_[ranges_.at(pfn).order].tree_frees;
  tree_.free(pfn);
  ranges_.erase(pfn);
  report(op);
}

void Simulator::tree_free(std::uint16_t cpu, std::uint64_t pfn) {
  const auto it = ranges_.find(pfn);
  if (it != ranges_.end() && it->second.cached == kOrderUnknown) free_to_tree(cpu, pfn);
}

void Simulator::free_magazine(std::uint16_t cpu, const Magazine& magazine, std::uint8_t order,
                              MagazineFreeCause cause) {
  Operation op = operation(OperationKind::magazine_free, cpu);
  op.cause = cause;
  op.pfn = magazine.bottom();
  op.size = magazine.size();
  if (cause == MagazineFreeCause::reclaim) op.order = order;
  counters_[order].tree_frees += magazine.size();
  for (const std::uint64_t pfn : magazine.known()) {
    tree_.free(pfn);
    ranges_.erase(pfn);
  }
  report(op);
}

void Simulator::flush_cpu(std::uint16_t cpu, std::uint16_t target) {
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    free_magazine(cpu, rcaches_[order].take_loaded(target), order, MagazineFreeCause::flush);
    free_magazine(cpu, rcaches_[order].take_prev(target), order, MagazineFreeCause::flush);
  }
  ++rcache_flushes_;
  Operation op = operation(OperationKind::cpu_flush, cpu);
  op.target_cpu = target;
  report(op);
}

// The array is emptied from its start, the list from its top.
void Simulator::flush_depots(std::uint16_t cpu) {
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    Rcache& rcache = rcaches_[order];
    while (!rcache.depot().empty()) {
      const Magazine magazine = rcache.take_from_depot(rcache.bounded() ? 0 : rcache.depot().size() - 1);
      free_magazine(cpu, magazine, order, MagazineFreeCause::flush);
    }
  }
}

void Simulator::reclaim_tick(std::uint16_t cpu, std::uint32_t online_cpus) {
  if (profile_.depot != DepotKind::unbounded) return;
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    Rcache& rcache = rcaches_[order];
    if (rcache.depot().size() > online_cpus) {
      const Magazine magazine = rcache.take_from_depot(rcache.depot().size() - 1);
      ++counters_[order].depot_reclaims;
      free_magazine(cpu, magazine, order, MagazineFreeCause::reclaim);
    }
    Operation op = operation(OperationKind::reclaim, cpu);
    op.order = order;
    op.has_depot_fill = true;
    op.fill.depot = static_cast<std::uint32_t>(rcache.depot().size());
    report(op);
  }
}

// The hotplug callback runs on a CPU that stays.
void Simulator::cpu_offline(std::uint16_t cpu) {
  online_[cpu] = false;
  const auto survivor = std::find(online_.begin(), online_.end(), true);
  flush_cpu(survivor == online_.end() ? cpu : static_cast<std::uint16_t>(survivor - online_.begin()), cpu);
}

std::uint32_t Simulator::online_cpus() const {
  return static_cast<std::uint32_t>(std::count(online_.begin(), online_.end(), true));
}

void Simulator::reserve(std::uint64_t lo, std::uint64_t hi) {
  if (lo > hi) return;
  if (tree_.reserve(lo, hi)) ++reserved_;
  Operation op = operation(OperationKind::reserve, 0);
  op.pfn = lo;
  op.pfn_hi = hi;
  report(op);
}

void Simulator::fq_drain(std::uint16_t cpu, std::uint64_t duration_ns) {
  Operation op = operation(OperationKind::fq_drain, cpu);
  op.duration_ns = duration_ns;
  report(op);
}

void Simulator::put() { report(operation(OperationKind::domain_put, 0)); }

Operation Simulator::operation(OperationKind kind, std::uint16_t cpu) const {
  Operation op;
  op.time_ns = now_ns_;
  op.kind = kind;
  op.cpu = cpu;
  return op;
}

void Simulator::report(const Operation& operation) { sink_(operation); }

void Simulator::report_with_fill(Operation operation, std::uint8_t order) {
  if (order < kCachedOrders) {
    operation.has_fill = true;
    operation.fill.loaded = static_cast<std::uint16_t>(rcaches_[order].loaded(operation.cpu).size());
    operation.fill.prev = static_cast<std::uint16_t>(rcaches_[order].prev(operation.cpu).size());
    operation.fill.depot = static_cast<std::uint32_t>(rcaches_[order].depot().size());
  }
  sink_(operation);
}

}  // namespace rcached
