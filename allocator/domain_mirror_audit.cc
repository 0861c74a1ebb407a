// SPDX-License-Identifier: Apache-2.0
// The part of DomainMirror that compares itself with kernel memory and takes over what is there.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "allocator/domain_mirror.h"

namespace rcached {
namespace {

void append(Pfns& pfns, const Magazine& magazine) {
  pfns.insert(pfns.end(), magazine.known().begin(), magazine.known().end());
}

}  // namespace

DomainMirror::Drift DomainMirror::compare(const CpuContents& contents) const {
  Drift drift;
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    const Rcache& rcache = model_.rcache(order);
    drift.loaded += rcache.loaded(contents.cpu).slots_apart(contents.orders[order].loaded);
    drift.prev += rcache.prev(contents.cpu).slots_apart(contents.orders[order].prev);
  }
  return drift;
}

// The two depots as sequences of magazines: one that only the kernel or only the mirror has counts once, though those
// below it have other positions.
DomainMirror::Drift DomainMirror::compare(const DepotSlice& slice, DepotComparison& so_far) const {
  const auto depot = model_.rcache(slice.order).depot();
  const std::int64_t capacity = model_.profile().magazine_capacity;
  std::int64_t ranges = 0;
  std::int64_t next = std::min(so_far.next.value_or(std::ssize(depot) - 1), std::ssize(depot) - 1);
  for (auto kernel = slice.magazines.rbegin(); kernel != slice.magazines.rend(); ++kernel) {
    if (next >= 0 && depot[static_cast<std::size_t>(next)].slots_apart(*kernel) == 0) {
      --next;
      so_far.only_kernel = 0;
      continue;
    }
    const auto same = model_.find_in_depot(slice.order, *kernel);
    if (!same) {
      ranges += std::ssize(*kernel);
      ++so_far.only_kernel;
      continue;
    }
    const std::int64_t only_mirror = std::abs(next - static_cast<std::int64_t>(*same));
    ranges += std::max<std::int64_t>(only_mirror - so_far.only_kernel, 0) * capacity;
    ranges += depot[*same].slots_apart(*kernel);
    so_far.only_kernel = 0;
    next = static_cast<std::int64_t>(*same) - 1;
  }
  if (slice.last) ranges += std::max<std::int64_t>(next + 1 - so_far.only_kernel, 0) * capacity;
  so_far.next = next;
  Drift drift;
  drift.depot = static_cast<std::uint64_t>(ranges);
  return drift;
}

Pfns DomainMirror::adopt(const CpuContents& contents) {
  Pfns before;
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    const CpuContents::Order& kernel = contents.orders[order];
    const Rcache& rcache = model_.rcache(order);
    const bool used = !kernel.loaded.empty() || !kernel.prev.empty();
    if (!used && contents.cpu >= rcache.cpus()) continue;
    append(before, rcache.loaded(contents.cpu));
    append(before, rcache.prev(contents.cpu));
    if (!rcache.prev(contents.cpu).holds_exactly(kernel.prev)) {
      model_.replace(CacheLocation::prev(order, contents.cpu), kernel.prev);
    }
    if (!rcache.loaded(contents.cpu).holds_exactly(kernel.loaded)) {
      model_.replace(CacheLocation::loaded(order, contents.cpu), kernel.loaded);
    }
    // The second may have taken pfns that the first had for a moment; both are as read now.
    CpuReading& last = reading(contents.cpu, order);
    last.loaded = static_cast<std::uint16_t>(kernel.loaded.size());
    last.prev = static_cast<std::uint16_t>(kernel.prev.size());
    last.ever = true;
    last.valid = true;
    last.difference.agree(loss_epoch_);
    if (used) model_.see_cpu(order, contents.cpu);
  }
  return displaced(std::move(before));
}

// Those of `pfns` that are outstanding.
Pfns DomainMirror::displaced(Pfns pfns) {
  std::erase_if(pfns, [&](std::uint64_t pfn) {
    const Range* range = model_.find(pfn);
    return range == nullptr || range->cached();
  });
  return pfns;
}

Pfns DomainMirror::adopt(const DepotSlice& slice) {
  Pfns before;
  const std::uint8_t order = slice.order;
  depots_adopted_ = true;
  const Rcache& rcache = model_.rcache(order);
  DepotReading& last = depot_readings_[order];
  if (!last.adopting) {
    if (rcache.depot().size() < slice.depot_size) model_.resize_depot(order, slice.depot_size, false);
    last.surplus = static_cast<std::uint32_t>(rcache.depot().size() -
                                              std::min<std::size_t>(rcache.depot().size(), slice.depot_size));
  }
  for (std::size_t i = slice.magazines.size(); i-- > 0;) {
    const Pfns& kernel = slice.magazines[i];
    const std::size_t index = last.surplus + slice.first + i;
    // Depots hold only full magazines; anything else was read while it left.
    if (index >= rcache.depot().size() || kernel.size() != model_.profile().magazine_capacity) continue;
    if (model_.place_in_depot(order, index, kernel, before)) ++last.surplus;
  }
  if (slice.last) {
    // The depot may have shrunk since the first slice.
    for (std::size_t i = 0; i < std::min<std::size_t>(last.surplus, rcache.depot().size()); ++i) {
      const Magazine& gone = rcache.depot()[i];
      append(before, gone);
      if (gone.unknown() == 0) {
        set_aside_[next_set_aside_++ % kSetAside] = {order, {gone.known().begin(), gone.known().end()}};
      }
    }
    model_.drop_lowest(order, std::exchange(last.surplus, 0));
  }
  last.magazines = slice.depot_size;
  last.ever = true;
  last.valid = true;
  last.difference.agree(loss_epoch_);
  last.adopting = !slice.last;
  return displaced(std::move(before));
}

void DomainMirror::end_depot(std::uint8_t order) {
  depot_readings_[order].adopting = false;
  model_.drop_lowest(order, std::exchange(depot_readings_[order].surplus, 0));
}

bool DomainMirror::has_cached(std::uint16_t cpu) const {
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    const Rcache& rcache = model_.rcache(order);
    if (rcache.loaded(cpu).size() != 0 || rcache.prev(cpu).size() != 0) return true;
  }
  return false;
}

bool DomainMirror::has_unknown_slots(std::uint16_t cpu) const {
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    const Rcache& rcache = model_.rcache(order);
    if (rcache.loaded(cpu).unknown() != 0 || rcache.prev(cpu).unknown() != 0) return true;
  }
  return false;
}

bool DomainMirror::has_unknown_slots_in_depot(std::uint8_t order) const {
  return model_.rcache(order).unknown_in_depot() != 0;
}

void DomainMirror::finish_audit(const Drift& found, std::uint32_t loss_epoch, std::uint64_t now_ns) {
  const bool was_in_doubt = in_doubt();
  ++audit_.audits;
  audit_.last_audit_ns = now_ns;
  if (found.sum() != 0) {
    ++audit_.repairs;
    audit_.last_repair_ns = now_ns;
  }
  audit_.drift.loaded += found.loaded;
  audit_.drift.prev += found.prev;
  audit_.drift.depot += found.depot;
  audit_.drift.tree += found.tree;
  audit_.drift.fq += found.fq;
  seeded_ = true;
  trusted_epoch_ = loss_epoch;
  if (found.sum() != 0 && loss_epoch_ == 0) loss_epoch_ = trusted_epoch_ = 1;
  if (!was_in_doubt || in_doubt()) return;
  ++audit_.resyncs;
  audit_.resynced_ns = now_ns;
  // Halves of calls whose other half was lost must not be taken for those of calls to come.
  pending_tree_frees_.fill({});
  frees_first_ = 0;
  overtaken_.clear();
  early_releases_.fill({});
  set_aside_.fill({});
  cpu_states_.clear();
}

void DomainMirror::fill_audit(DomainSnapshot& snapshot) const {
  snapshot.audit = audit_;
  snapshot.space32 = space32_;
  if (fq_pending_) {  // two clocks: the queue may have been read a moment later than the last operation
    snapshot.fq_pending = std::min(*fq_pending_, snapshot.outstanding);
  }
  if (!cpu_magazines_) return;
  std::uint64_t magazines = *cpu_magazines_;
  for (std::uint8_t order = 0; order < kCachedOrders; ++order)
    magazines += model_.rcache(order).depot().size();
  snapshot.memory = MemorySnapshot{magazines * model_.profile().magazine_bytes,
                                   snapshot.tree_ranges * model_.profile().range_bytes, cpu_magazines_ns_};
}

}  // namespace rcached
