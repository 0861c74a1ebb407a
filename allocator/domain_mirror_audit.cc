// SPDX-License-Identifier: Apache-2.0
// The part of DomainMirror that compares itself with kernel memory and takes over what is there.
#include <algorithm>
#include <utility>

#include "allocator/domain_mirror.h"

namespace rcached {
namespace {

// Slots of the kernel's magazine that the mirror has otherwise.
std::uint64_t slots_apart(const Magazine* mirror, const Pfns& kernel) {
  if (mirror == nullptr) return kernel.size();
  const std::uint64_t size = mirror->size();
  std::uint64_t apart =
      std::max<std::uint64_t>(size, kernel.size()) - std::min<std::uint64_t>(size, kernel.size());
  for (std::uint64_t slot = mirror->unknown(); slot < std::min<std::uint64_t>(size, kernel.size()); ++slot) {
    if (mirror->known()[slot - mirror->unknown()] != kernel[slot]) ++apart;
  }
  return apart;
}

bool holds_exactly(const Magazine& mirror, const Pfns& kernel) {
  return mirror.unknown() == 0 && slots_apart(&mirror, kernel) == 0;
}

}  // namespace

DomainMirror::Drift DomainMirror::compare(const CpuContents& contents) const {
  Drift drift;
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    const Rcache::Cpu* magazines = model_.rcache(order).find_cpu(contents.cpu);
    drift.loaded +=
        slots_apart(magazines == nullptr ? nullptr : &magazines->loaded, contents.orders[order].loaded);
    drift.prev += slots_apart(magazines == nullptr ? nullptr : &magazines->prev, contents.orders[order].prev);
  }
  return drift;
}

DomainMirror::Drift DomainMirror::compare(const DepotSlice& slice) const {
  Drift drift;
  const std::vector<Magazine>& depot = model_.rcache(slice.order).depot();
  const std::uint64_t size = depot.size();
  if (size != slice.depot_size) {
    const std::uint64_t magazines =
        size > slice.depot_size ? size - slice.depot_size : slice.depot_size - size;
    drift.depot += magazines * model_.profile().magazine_capacity;
  }
  for (std::size_t i = 0; i < slice.magazines.size() && slice.first + i < size; ++i) {
    drift.depot += slots_apart(&depot[slice.first + i], slice.magazines[i]);
  }
  return drift;
}

Pfns DomainMirror::adopt(const CpuContents& contents) {
  Pfns before;
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    const CpuContents::Order& kernel = contents.orders[order];
    Rcache& rcache = model_.rcache(order);
    const bool used = !kernel.loaded.empty() || !kernel.prev.empty();
    if (!used && rcache.find_cpu(contents.cpu) == nullptr) continue;
    Rcache::Cpu& magazines = rcache.cpu(contents.cpu);
    for (const Magazine* magazine : {&magazines.loaded, &magazines.prev}) {
      before.insert(before.end(), magazine->known().begin(), magazine->known().end());
    }
    if (!holds_exactly(magazines.prev, kernel.prev))
      model_.replace(magazines.prev, order, contents.cpu, kernel.prev);
    if (!holds_exactly(magazines.loaded, kernel.loaded)) {
      model_.replace(magazines.loaded, order, contents.cpu, kernel.loaded);
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
  Rcache& rcache = model_.rcache(order);
  for (std::size_t i = slice.depot_size; i < rcache.depot().size(); ++i) {
    const Magazine& top = rcache.depot()[i];
    before.insert(before.end(), top.known().begin(), top.known().end());
    if (top.unknown() == 0) {
      set_aside_[next_set_aside_++ % kSetAside] = {order, {top.known().begin(), top.known().end()}};
    }
  }
  if (rcache.depot().size() != slice.depot_size) model_.resize_depot(order, slice.depot_size, true);
  for (std::size_t i = 0; i < slice.magazines.size() && slice.first + i < rcache.depot().size(); ++i) {
    const Pfns& kernel = slice.magazines[i];
    Magazine& magazine = rcache.depot()[slice.first + i];
    // Depots hold only full magazines; anything else was read while it left.
    if (kernel.size() != model_.profile().magazine_capacity || holds_exactly(magazine, kernel)) continue;
    before.insert(before.end(), magazine.known().begin(), magazine.known().end());
    model_.replace(magazine, order, 0, kernel);
  }
  DepotReading& last = depot_readings_[order];
  last.magazines = slice.depot_size;
  last.ever = true;
  last.valid = true;
  last.difference.agree(loss_epoch_);
  return displaced(std::move(before));
}

bool DomainMirror::has_unknown_slots(std::uint16_t cpu) const {
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    const Rcache::Cpu* magazines = model_.rcache(order).find_cpu(cpu);
    if (magazines != nullptr && (magazines->loaded.unknown() != 0 || magazines->prev.unknown() != 0))
      return true;
  }
  return false;
}

bool DomainMirror::has_unknown_slots_in_depot(std::uint8_t order) const {
  const std::vector<Magazine>& depot = model_.rcache(order).depot();
  return std::any_of(depot.begin(), depot.end(), [](const Magazine& m) { return m.unknown() != 0; });
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
