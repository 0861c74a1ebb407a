// SPDX-License-Identifier: Apache-2.0
#include "allocator/domain_model.h"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

namespace rcached {

DomainModel::DomainModel(const KernelProfile& profile)
    : profile_(profile), rcaches_{Rcache(profile), Rcache(profile), Rcache(profile),
                                  Rcache(profile), Rcache(profile), Rcache(profile)} {
  static_assert(kCachedOrders == 6);
}

std::uint8_t DomainModel::order_index(std::uint64_t size) {
  return static_cast<std::uint8_t>(std::min(order_of(size), kCachedOrders));
}

Range& DomainModel::add_range(std::uint64_t pfn, std::uint64_t size) {
  if (reserved_.erase(pfn) != 0) --tree_ranges_;  // taken for reserved by add_found(), and wrongly so
  Range& range = ranges_.insert(pfn);
  range.size = static_cast<std::uint32_t>(std::max<std::uint64_t>(size, 1));
  range.alloc_order = order_index(size);
  range.seen = seen_value_;
  ++tree_ranges_;
  ++outstanding_[range.alloc_order];
  return range;
}

void DomainModel::leave_outstanding(Range& range) {
  --outstanding_[range.alloc_order];
  if (range.before_start) --before_start_;
  range.before_start = false;
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

void DomainModel::restate_range(Range& range, std::uint64_t size) {
  leave_outstanding(range);
  range.size = static_cast<std::uint32_t>(std::max<std::uint64_t>(size, 1));
  range.alloc_order = order_index(size);
  ++outstanding_[range.alloc_order];
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
  ranges_.for_each([&](std::uint64_t pfn, const Range& range) {
    const auto wide = widened_.find(pfn);
    const std::uint64_t low = wide == widened_.end() ? pfn : wide->second;
    const std::uint64_t high = pfn + range.size - 1;
    if (lo <= high && hi >= low) overlapping.push_back({low, high, pfn, true});
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

std::optional<CacheLocation> DomainModel::locate(std::uint64_t pfn, const Range& range) const {
  if (!range.cached()) return std::nullopt;
  CacheLocation at;
  at.order = range.where;
  const Rcache& rcache = rcaches_[range.where];
  const auto in_cpu = [&](std::uint16_t cpu) {
    const Rcache::Cpu* magazines = rcache.find_cpu(cpu);
    if (magazines == nullptr) return false;
    at.cpu = cpu;
    at.source = RcacheSource::loaded;
    at.slot = magazines->loaded.find(pfn);
    if (at.slot >= 0) return true;
    at.source = RcacheSource::prev;
    at.slot = magazines->prev.find(pfn);
    return at.slot >= 0;
  };
  if (in_cpu(range.cpu)) return at;
  at.source = RcacheSource::depot;
  for (at.depot_index = rcache.depot().size(); at.depot_index-- > 0;) {
    at.slot = rcache.depot()[at.depot_index].find(pfn);
    if (at.slot >= 0) return at;
  }
  at.depot_index = 0;
  for (std::size_t cpu = 0; cpu < rcache.cpus(); ++cpu) {
    if (in_cpu(static_cast<std::uint16_t>(cpu))) return at;
  }
  return std::nullopt;
}

Magazine& DomainModel::magazine_at(const CacheLocation& at) {
  Rcache& rcache = rcaches_[at.order];
  if (at.source == RcacheSource::depot) return rcache.depot()[at.depot_index];
  Rcache::Cpu& magazines = rcache.cpu(at.cpu);
  return at.source == RcacheSource::loaded ? magazines.loaded : magazines.prev;
}

void DomainModel::select(std::uint8_t order, std::uint16_t cpu, RcacheSource source) {
  rcaches_[order].select(cpu, source);
  if (source == RcacheSource::depot) ++counters_[order].depot_pops;
}

bool DomainModel::insert_without_depot(Range& range, std::uint64_t pfn, std::uint8_t order,
                                       std::uint16_t cpu) {
  if (!rcaches_[order].insert_without_depot(cpu, pfn)) return false;
  mark_cached(range, order, cpu);
  return true;
}

void DomainModel::push_loaded_to_depot(std::uint8_t order, std::uint16_t cpu) {
  Rcache& rcache = rcaches_[order];
  if (rcache.bounded() && rcache.depot().size() >= std::size_t{rcache.depot_capacity()} + kDepotSlack) {
    Magazine top = rcache.take_from_depot(rcache.depot().size() - 1);
    orphan(top, order);
  }
  rcache.push_loaded_to_depot(cpu);
  ++counters_[order].depot_pushes;
}

void DomainModel::take(Range& range, const CacheLocation& at) {
  if (at.source == RcacheSource::depot) {
    Magazine popped = rcaches_[at.order].take_from_depot(at.depot_index);
    orphan(popped, at.order);
    return;
  }
  magazine_at(at).take(at.slot);
  mark_outstanding(range, at.order);
}

void DomainModel::take_unknown(Magazine& magazine, std::uint64_t pfn, std::uint64_t size, std::uint8_t order,
                               bool popped) {
  if (popped) {
    magazine.take_unknown();
  } else {
    magazine.drop_unknown(1);
  }
  --tree_ranges_;  // the anonymous range; add_range counts it again under its name
  Range* range = find(pfn);
  reallocate(range == nullptr ? add_range(pfn, size) : *range, order);
}

void DomainModel::mark_outstanding(Range& range, std::uint8_t order) {
  range.where = Range::kOutstanding;
  range.alloc_order = order;
  ++outstanding_[order];
}

void DomainModel::reallocate(Range& range, std::uint8_t order) {
  leave_outstanding(range);
  mark_outstanding(range, order);
}

void DomainModel::mark_cached(Range& range, std::uint8_t order, std::uint16_t cpu) {
  leave_outstanding(range);
  range.where = order;
  range.cpu = cpu;
}

void DomainModel::release(Magazine& magazine, std::uint8_t order) {
  counters_[order].tree_frees += magazine.size();
  tree_ranges_ -= magazine.size();
  for (const std::uint64_t pfn : magazine.known()) forget_range(pfn);
  magazine.clear();
}

void DomainModel::orphan(Magazine& magazine, std::uint8_t order) {
  forget_unknown(magazine, magazine.unknown());
  for (const std::uint64_t pfn : magazine.known()) mark_outstanding(*find(pfn), order);
  magazine.clear();
}

void DomainModel::forget_unknown(Magazine& magazine, std::uint32_t count) {
  magazine.drop_unknown(count);
  tree_ranges_ -= count;
}

std::uint32_t DomainModel::resize(Magazine& magazine, std::uint8_t order, std::uint32_t target) {
  target = std::min(target, profile_.magazine_capacity);
  const std::uint32_t size = magazine.size();
  if (size <= target) {
    magazine.add_unknown(target - size);
    tree_ranges_ += target - size;
    return target - size;
  }
  forget_unknown(magazine, std::min(magazine.unknown(), size - target));
  while (magazine.size() > target) mark_outstanding(*find(magazine.drop_lowest_known()), order);
  return size - target;
}

std::uint32_t DomainModel::resize_depot(std::uint8_t order, std::uint32_t target, bool add_at_top) {
  Rcache& rcache = rcaches_[order];
  target = std::min(target, rcache.bounded() ? rcache.depot_capacity() : kMaxDepot);
  std::vector<Magazine>& depot = rcache.depot();
  const auto size = static_cast<std::uint32_t>(depot.size());
  if (size < target) {
    Magazine unknown;
    unknown.add_unknown(profile_.magazine_capacity);
    depot.insert(add_at_top ? depot.end() : depot.begin(), target - size, unknown);
    tree_ranges_ += std::uint64_t{target - size} * profile_.magazine_capacity;
    return target - size;
  }
  while (depot.size() > target) {
    orphan(depot.back(), order);
    depot.pop_back();
  }
  return size - target;
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
      const Rcache::Cpu* magazines = rcache.find_cpu(static_cast<std::uint16_t>(cpu));
      const std::uint32_t loaded = magazines == nullptr ? 0 : magazines->loaded.size();
      const std::uint32_t prev = magazines == nullptr ? 0 : magazines->prev.size();
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
  ranges_.for_each([&](std::uint64_t, const Range& range) {
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
  const auto check = [&](const Magazine& magazine, std::uint8_t order, bool depot) {
    if (magazine.size() > profile_.magazine_capacity) problem = "a magazine holds more than its capacity";
    if (depot && magazine.size() != profile_.magazine_capacity) problem = "a depot magazine is not full";
    for (const std::uint64_t pfn : magazine.known()) {
      ++slots;
      if (!seen.insert(pfn).second) problem = "pfn " + std::to_string(pfn) + " is in two slots";
      const Range* range = ranges_.find(pfn);
      if (range == nullptr || range->where != order) {
        problem = "pfn " + std::to_string(pfn) + " is in a magazine but its range says otherwise";
      }
    }
  };
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    const Rcache& rcache = rcaches_[order];
    for (std::size_t cpu = 0; cpu < rcache.cpus(); ++cpu) {
      check(rcache.find_cpu(static_cast<std::uint16_t>(cpu))->loaded, order, false);
      check(rcache.find_cpu(static_cast<std::uint16_t>(cpu))->prev, order, false);
    }
    for (const Magazine& magazine : rcache.depot()) check(magazine, order, true);
    if (rcache.bounded() && rcache.depot().size() > std::size_t{rcache.depot_capacity()} + kDepotSlack) {
      problem = "a bounded depot is beyond its slack";
    }
  }
  if (problem.empty() && slots != cached) problem = "cached ranges without a slot";
  return problem;
}

}  // namespace rcached
