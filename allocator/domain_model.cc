// SPDX-License-Identifier: Apache-2.0
#include "allocator/domain_model.h"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

namespace rcached {

DomainModel::DomainModel(const KernelProfile& profile)
    : profile_(profile), rcaches_{Rcache(profile, 0), Rcache(profile, 1), Rcache(profile, 2),
                                  Rcache(profile, 3), Rcache(profile, 4), Rcache(profile, 5)} {
  static_assert(kCachedOrders == 6);
}

std::uint8_t DomainModel::order_index(std::uint64_t size) {
  return static_cast<std::uint8_t>(std::min(order_of(size), kCachedOrders));
}

const Range& DomainModel::add_range(std::uint64_t pfn, std::uint64_t size) {
  if (reserved_.erase(pfn) != 0) --tree_ranges_;  // taken for reserved by add_found(), and wrongly so
  Range& range = ranges_.insert(pfn);
  range.size = static_cast<std::uint32_t>(std::max<std::uint64_t>(size, 1));
  range.alloc_order = order_index(size);
  ++tree_ranges_;
  ++outstanding_[range.alloc_order];
  return range;
}

void DomainModel::leave_outstanding(Range& range) {
  --outstanding_[range.alloc_order];
  if (range.before_start) --before_start_;
  range.before_start = false;
  range.fresh = false;
}

// Out of every table but the counters.
void DomainModel::forget_range(std::uint64_t pfn) {
  ranges_.erase(pfn);
  if (!widened_.empty()) widened_.erase(pfn);
  if (walking_ && !removed_since_.contains(pfn)) removed_since_.insert(pfn);
}

void DomainModel::remove_range(std::uint64_t pfn) {
  leave_outstanding(*ranges_.find(pfn));
  --tree_ranges_;
  forget_range(pfn);
}

void DomainModel::restate_range(const Range& range, std::uint64_t size) {
  Range& restated = own(range);
  leave_outstanding(restated);
  restated.size = static_cast<std::uint32_t>(std::max<std::uint64_t>(size, 1));
  mark_outstanding(restated, order_index(size));
}

void DomainModel::reallocate(const Range& range, std::uint8_t order) {
  leave_outstanding(own(range));
  mark_outstanding(own(range), order);
}

// reserve_iova walks the nodes by address. A node that overlaps from above is widened downwards; what sticks
// out above the node goes on as the rest; a rest that lies within a node needs nothing more.
void DomainModel::reserve(std::uint64_t lo, std::uint64_t hi) {
  if (lo > hi) return;
  struct Node {
    std::uint64_t lo, hi, pfn;
    bool allocated;
  };
  std::vector<Node> overlapping;
  for (const auto& [low, high] : reserved_) {
    if (low > hi) break;
    if (lo <= high) overlapping.push_back({low, high, low, false});
  }
  ranges_.for_each([&](const Range& range) {
    const auto wide = widened_.find(range.pfn);
    const std::uint64_t low = wide == widened_.end() ? range.pfn : wide->second;
    const std::uint64_t high = range.pfn + range.size - 1;
    if (lo <= high && hi >= low) overlapping.push_back({low, high, range.pfn, true});
  });
  std::sort(overlapping.begin(), overlapping.end(), [](const Node& a, const Node& b) { return a.lo < b.lo; });
  for (const Node& node : overlapping) {
    if (lo < node.lo) {
      if (node.allocated) {
        widened_[node.pfn] = lo;
      } else {
        reserved_.erase(node.lo);
        reserved_[lo] = node.hi;
      }
    }
    if (hi <= node.hi) return;
    lo = node.hi + 1;
  }
  reserved_[lo] = hi;
  ++tree_ranges_;
}

std::optional<CacheLocation> DomainModel::locate(const Range& range) const {
  if (!range.cached()) return std::nullopt;
  const std::uint8_t order = range.magazine.order();
  const Rcache& rcache = rcaches_[order];
  const Rcache::Place& place = rcache.place(range.magazine);
  CacheLocation at;
  if (place.in_depot()) {
    at = CacheLocation::depot(order, place.depot_index);
  } else if (rcache.loaded(place.cpu).id() == range.magazine) {
    at = CacheLocation::loaded(order, place.cpu);
  } else {
    at = CacheLocation::prev(order, place.cpu);
  }
  at.slot = magazine_at(at).find(range.pfn);
  return at;
}

const Magazine& DomainModel::magazine_at(const CacheLocation& at) const {
  const Rcache& rcache = rcaches_[at.order];
  if (at.source == RcacheSource::depot) return rcache.depot()[at.depot_index];
  return at.source == RcacheSource::prev ? rcache.prev(at.cpu) : rcache.loaded(at.cpu);
}

// Calls change(magazine); a CPU's magazine is made if there is none.
template <typename Change>
void DomainModel::edit(const CacheLocation& at, Change&& change) {
  Rcache& rcache = rcaches_[at.order];
  if (at.source == RcacheSource::loaded) rcache.provide_loaded(at.cpu);
  if (at.source == RcacheSource::prev) rcache.provide_prev(at.cpu);
  rcache.edit(magazine_at(at), change);
}

// The magazine, out of its cache.
Magazine DomainModel::taken(const CacheLocation& at) {
  Rcache& rcache = rcaches_[at.order];
  if (at.source == RcacheSource::depot) return rcache.take_from_depot(at.depot_index);
  return at.source == RcacheSource::prev ? rcache.take_prev(at.cpu) : rcache.take_loaded(at.cpu);
}

void DomainModel::select(std::uint8_t order, std::uint16_t cpu, RcacheSource source) {
  rcaches_[order].select(cpu, source);
  if (source == RcacheSource::depot) ++counters_[order].depot_pops;
}

void DomainModel::pop(std::uint8_t order, std::uint16_t cpu, const RcachePeek& next) {
  select(order, cpu, next.source);
  Rcache& rcache = rcaches_[order];
  rcache.edit(rcache.loaded(cpu), [&](Magazine& loaded) { loaded.take(next.slot); });
  mark_outstanding(*ranges_.find(next.pfn), order);
}

bool DomainModel::insert_without_depot(const Range& range, std::uint8_t order, std::uint16_t cpu) {
  const Magazine* magazine = rcaches_[order].insert_without_depot(cpu, range.pfn);
  if (magazine == nullptr) return false;
  mark_cached(own(range), magazine->id());
  return true;
}

void DomainModel::push_loaded_to_depot(std::uint8_t order, std::uint16_t cpu) {
  Rcache& rcache = rcaches_[order];
  if (beyond_slack(rcache)) {
    orphan(CacheLocation::depot(order, rcache.depot().size() - 1));
  }
  rcache.push_loaded_to_depot(cpu);
  ++counters_[order].depot_pushes;
}

void DomainModel::take(const Range& range, const CacheLocation& at) {
  if (at.source == RcacheSource::depot) return orphan(at);
  edit(at, [&](Magazine& magazine) { magazine.take(at.slot); });
  mark_outstanding(own(range), at.order);
}

void DomainModel::erase(const Range& range, const CacheLocation& at) {
  edit(at, [&](Magazine& magazine) { magazine.erase(at.slot); });
  mark_outstanding(own(range), at.order);
}

void DomainModel::drop_top(const CacheLocation& at) {
  edit(at, [&](Magazine& magazine) { mark_outstanding(*ranges_.find(magazine.drop_top()), at.order); });
}

void DomainModel::pop_exchanged(std::uint8_t order, std::uint16_t cpu, const RcachePeek& next,
                                const Range& range, const CacheLocation& at) {
  // The pop may change the kind of place that `at` names, but not the magazine.
  const MagazineId there = range.magazine;
  Rcache& rcache = rcaches_[order];
  select(order, cpu, next.source);
  rcache.edit(rcache.loaded(cpu), [&](Magazine& loaded) { loaded.take(next.slot); });
  const Magazine& magazine = rcache.magazine(there);
  rcache.edit(magazine, [&](Magazine& m) { m.replace(m.find(range.pfn), next.pfn); });
  ranges_.find(next.pfn)->magazine = there;
  mark_outstanding(own(range), at.order);
}

void DomainModel::shift_down(const Range& range, const CacheLocation& at, std::uint16_t cpu) {
  std::uint64_t lowest = 0;
  edit(CacheLocation::loaded(at.order, cpu), [&](Magazine& loaded) { lowest = loaded.drop_lowest_known(); });
  edit(at, [&](Magazine& magazine) {
    magazine.erase(at.slot);
    magazine.push(lowest, profile_.magazine_capacity);
    ranges_.find(lowest)->magazine = magazine.id();
  });
  mark_outstanding(own(range), at.order);
}

void DomainModel::pop_from_depot(std::uint8_t order, std::uint16_t cpu, std::size_t index) {
  Rcache& rcache = rcaches_[order];
  if (rcache.prev(cpu).empty()) rcache.swap(cpu);
  orphan(CacheLocation::loaded(order, cpu));
  rcache.load_from_depot(cpu, index);
  ++counters_[order].depot_pops;
}

void DomainModel::take_unknown(std::uint8_t order, std::uint16_t cpu, std::uint64_t pfn, std::uint64_t size,
                               bool popped) {
  edit(CacheLocation::loaded(order, cpu), [&](Magazine& magazine) {
    if (popped) {
      magazine.take_unknown();
    } else {
      magazine.drop_unknown(1);
    }
  });
  --tree_ranges_;  // the anonymous range; add_range counts it again under its name
  const Range* range = find(pfn);
  reallocate(range == nullptr ? add_range(pfn, size) : *range, order);
}

void DomainModel::mark_outstanding(Range& range, std::uint8_t order) {
  range.magazine = MagazineId();
  range.alloc_order = order;
  ++outstanding_[order];
}

void DomainModel::mark_cached(Range& range, MagazineId magazine) {
  leave_outstanding(range);
  range.magazine = magazine;
}

void DomainModel::release(const CacheLocation& at) {
  Magazine magazine = taken(at);
  release(magazine, at.order);
}

void DomainModel::release(Magazine& magazine, std::uint8_t order) {
  counters_[order].tree_frees += magazine.size();
  tree_ranges_ -= magazine.size();
  for (const std::uint64_t pfn : magazine.known()) forget_range(pfn);
  magazine.clear();
}

void DomainModel::orphan(const CacheLocation& at) {
  Magazine magazine = taken(at);
  orphan(magazine, at.order);
}

void DomainModel::orphan(Magazine& magazine, std::uint8_t order) {
  forget_unknown(magazine, magazine.unknown());
  for (const std::uint64_t pfn : magazine.known()) mark_outstanding(*ranges_.find(pfn), order);
  magazine.clear();
}

void DomainModel::forget_unknown(Magazine& magazine, std::uint32_t count) {
  magazine.drop_unknown(count);
  tree_ranges_ -= count;
}

std::uint32_t DomainModel::resize(const CacheLocation& at, std::uint32_t target) {
  target = std::min(target, profile_.magazine_capacity);
  const std::uint32_t size = magazine_at(at).size();
  if (size == target) return 0;
  edit(at, [&](Magazine& magazine) {
    if (size < target) {
      magazine.add_unknown(target - size);
      tree_ranges_ += target - size;
      return;
    }
    forget_unknown(magazine, std::min(magazine.unknown(), size - target));
    while (magazine.size() > target) mark_outstanding(*ranges_.find(magazine.drop_lowest_known()), at.order);
  });
  return size < target ? target - size : size - target;
}

std::uint32_t DomainModel::resize_depot(std::uint8_t order, std::uint32_t target, bool add_at_top) {
  Rcache& rcache = rcaches_[order];
  target = std::min(target, rcache.bounded() ? rcache.depot_capacity() : kMaxDepot);
  const auto size = static_cast<std::uint32_t>(rcache.depot().size());
  for (std::uint32_t i = size; i < target; ++i) {
    rcache.add_to_depot(i, profile_.magazine_capacity);
    tree_ranges_ += profile_.magazine_capacity;
  }
  if (size < target && !add_at_top) rcache.rotate_depot(size);
  while (rcache.depot().size() > target) orphan(CacheLocation::depot(order, rcache.depot().size() - 1));
  return size < target ? target - size : size - target;
}

void DomainModel::see_cpu(std::uint8_t order, std::uint16_t cpu) {
  std::vector<bool>& seen = seen_[order];
  if (cpu >= seen.size()) seen.resize(std::size_t{cpu} + 1);
  seen[cpu] = true;
}

void DomainModel::fill(DomainSnapshot& snapshot) const {
  snapshot.tree_ranges = tree_ranges_;
  snapshot.reserved = reserved_.size();
  snapshot.outstanding_before_start = before_start_;
  for (std::uint8_t order = 0; order <= kCachedOrders; ++order) {
    OrderSnapshot& out = snapshot.orders[order];
    out = counters_[order];
    out.outstanding = outstanding_[order];
    snapshot.outstanding += out.outstanding;
    if (order == kCachedOrders) continue;
    const Rcache& rcache = rcaches_[order];
    out.depot_magazines = static_cast<std::uint32_t>(rcache.depot().size());
    snapshot.depot_cached += rcache.depot_cached();
    for (std::size_t cpu = 0; cpu < std::max(seen_[order].size(), rcache.cpus()); ++cpu) {
      const std::uint32_t loaded = rcache.loaded(static_cast<std::uint16_t>(cpu)).size();
      const std::uint32_t prev = rcache.prev(static_cast<std::uint16_t>(cpu)).size();
      const bool seen = cpu < seen_[order].size() && seen_[order][cpu];
      if (!seen && loaded + prev == 0) continue;
      out.cpu_cached += loaded + prev;
      out.cpu_capacity += 2ull * profile_.magazine_capacity;
      if (loaded + prev != 0) ++out.cpus_holding;
      snapshot.cpu_fills.push_back({static_cast<std::uint16_t>(cpu), order,
                                    static_cast<std::uint16_t>(loaded), static_cast<std::uint16_t>(prev)});
    }
    snapshot.cpu_cached += out.cpu_cached;
  }
  std::sort(snapshot.cpu_fills.begin(), snapshot.cpu_fills.end(), [](const CpuFill& a, const CpuFill& b) {
    return a.cpu != b.cpu ? a.cpu < b.cpu : a.order < b.order;
  });
  snapshot.unaccounted = static_cast<std::int64_t>(tree_ranges_) -
                         static_cast<std::int64_t>(snapshot.outstanding + snapshot.cpu_cached +
                                                   snapshot.depot_cached + snapshot.reserved);
}

std::string DomainModel::find_inconsistency() const {
  DomainSnapshot sheet;
  fill(sheet);
  if (sheet.unaccounted != 0) return "balance sheet: unaccounted " + std::to_string(sheet.unaccounted);
  std::array<std::uint64_t, kCachedOrders + 1> outstanding{};
  std::uint64_t cached = 0;
  std::uint64_t before_start = 0;
  std::string problem;
  ranges_.for_each([&](const Range& range) {
    if (range.before_start) ++before_start;
    if (range.cached() && range.before_start) problem = "a cached range was mapped before the start";
    if (range.cached()) {
      ++cached;
    } else {
      ++outstanding[range.alloc_order];
    }
  });
  if (before_start != before_start_) return "ranges mapped before the start are not counted right";
  if (outstanding != outstanding_) return "outstanding counters differ from the range table";
  std::uint64_t slots = 0;
  std::unordered_set<std::uint64_t> seen;
  const auto check = [&](const Magazine& magazine, bool depot) {
    if (magazine.size() > profile_.magazine_capacity) problem = "a magazine holds more than its capacity";
    if (depot && magazine.size() != profile_.magazine_capacity) problem = "a depot magazine is not full";
    for (const std::uint64_t pfn : magazine.known()) {
      ++slots;
      if (!seen.insert(pfn).second) problem = "pfn " + std::to_string(pfn) + " is in two slots";
      const Range* range = ranges_.find(pfn);
      if (range == nullptr || range->magazine != magazine.id()) {
        problem = "pfn " + std::to_string(pfn) + " is in a magazine but its range says otherwise";
      }
    }
  };
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    const Rcache& rcache = rcaches_[order];
    for (std::size_t cpu = 0; cpu < rcache.cpus(); ++cpu) {
      for (const Magazine* magazine :
           {&rcache.loaded(static_cast<std::uint16_t>(cpu)), &rcache.prev(static_cast<std::uint16_t>(cpu))}) {
        check(*magazine, false);
        if (magazine->id().is_none()) continue;
        const Rcache::Place& place = rcache.place(magazine->id());
        if (place.in_depot() || place.cpu != cpu) problem = "a magazine is not where its place says";
      }
    }
    std::uint64_t unknown = 0;
    for (std::size_t index = 0; index < rcache.depot().size(); ++index) {
      const Magazine& magazine = rcache.depot()[index];
      check(magazine, true);
      if (rcache.place(magazine.id()).depot_index != index)
        problem = "a magazine is not where its place says";
      unknown += magazine.unknown();
    }
    if (unknown != rcache.unknown_in_depot()) problem = "unknown slots of a depot are not counted right";
    if (rcache.bounded() && rcache.depot().size() > std::size_t{rcache.depot_capacity()} + kDepotSlack) {
      problem = "a bounded depot is beyond its slack";
    }
  }
  if (problem.empty() && slots != cached) problem = "cached ranges without a slot";
  return problem;
}

}  // namespace rcached
