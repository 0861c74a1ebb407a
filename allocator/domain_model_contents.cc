// SPDX-License-Identifier: Apache-2.0
// The part of DomainModel that takes in, and gives out, contents as they stand in kernel memory.
#include <algorithm>
#include <utility>

#include "allocator/domain_model.h"

namespace rcached {

void DomainModel::replace(const CacheLocation& at, const Pfns& pfns) {
  if (pfns.empty() && magazine_at(at).empty()) return;
  edit(at, [&](Magazine& magazine) {
    orphan(magazine, at.order);
    take_in(magazine, at.order, pfns);
  });
}

// Into an empty magazine.
void DomainModel::take_in(Magazine& magazine, std::uint8_t order, const Pfns& pfns) {
  Pfns known;
  known.reserve(pfns.size());
  // What a driver's bad frees leave: a pfn twice, for which the model has one place, or pfn 0, which no
  // allocation ever gave out.
  std::uint32_t unknown = 0;
  for (const std::uint64_t pfn : pfns) {
    if (pfn == 0 || pfn > RangeTable::kMaxPfn) {
      ++unknown;
      continue;
    }
    const Range* range = find(pfn);
    if (range == nullptr) range = &add_range(pfn, 1ull << order);
    if (range->magazine == magazine.id()) {  // in `known`
      ++unknown;
      continue;
    }
    if (const auto other = locate(*range)) {
      edit(*other, [&](Magazine& left) {
        left.erase(other->slot);
        left.add_unknown(1);
      });
      ++tree_ranges_;
      mark_outstanding(own(*range), other->order);
    }
    mark_cached(own(*range), magazine.id());
    known.push_back(pfn);
  }
  tree_ranges_ += unknown;
  magazine.assign(known, unknown);
}

std::optional<std::size_t> DomainModel::find_in_depot(std::uint8_t order, const Pfns& pfns) const {
  if (pfns.empty()) return std::nullopt;
  for (const std::uint64_t pfn : {pfns.front(), pfns.back()}) {
    const Range* range = find(pfn);
    if (range == nullptr || !range->cached() || range->magazine.order() != order) continue;
    const Rcache::Place& place = rcaches_[order].place(range->magazine);
    if (place.in_depot()) return place.depot_index;
  }
  return std::nullopt;
}

bool DomainModel::place_in_depot(std::uint8_t order, std::size_t index, const Pfns& pfns, Pfns& replaced) {
  Rcache& rcache = rcaches_[order];
  if (rcache.depot()[index].holds_exactly(pfns)) return false;
  bool added = false;
  const auto same = find_in_depot(order, pfns);
  if (same && *same <= index) {
    rcache.swap_in_depot(index, *same);
  } else if (!rcache.depot()[index].known().empty() && !beyond_slack(rcache)) {
    rcache.add_to_depot(++index, profile_.magazine_capacity);
    tree_ranges_ += profile_.magazine_capacity;
    added = true;
  }
  const Magazine& magazine = rcache.depot()[index];
  if (magazine.holds_exactly(pfns)) return added;
  replaced.insert(replaced.end(), magazine.known().begin(), magazine.known().end());
  replace(CacheLocation::depot(order, index), pfns);
  return added;
}

void DomainModel::drop_lowest(std::uint8_t order, std::size_t count) {
  count = std::min(count, rcaches_[order].depot().size());
  if (count == 0) return;
  rcaches_[order].rotate_depot(count);
  for (; count > 0; --count) orphan(CacheLocation::depot(order, rcaches_[order].depot().size() - 1));
}

void DomainModel::begin_tree_walk() {
  walking_ = true;
  ranges_.begin_marks();
  removed_since_ = {};
  reserved_unseen_.clear();
  for (const auto& [low, high] : reserved_) reserved_unseen_.push_back(low);
}

DomainModel::WalkedRange DomainModel::walk(const TreeRange& found) {
  std::uint64_t pfn = found.lo;
  if (!widened_.empty()) {
    const auto wide = std::find_if(widened_.begin(), widened_.end(),
                                   [&](const auto& entry) { return entry.second == found.lo; });
    if (wide != widened_.end()) {
      pfn = wide->first;
    } else {
      widened_.erase(pfn);  // it is not, or not any more
    }
  }
  if (Range* range = ranges_.find(pfn); range != nullptr) {
    ranges_.mark(*range);
    const auto size = static_cast<std::uint32_t>(found.hi - pfn + 1);
    return std::exchange(range->size, size) == size ? WalkedRange::known
                                                    : WalkedRange::known_with_another_extent;
  }
  if (const auto reserved = reserved_.find(found.lo); reserved != reserved_.end()) {
    std::erase(reserved_unseen_, found.lo);
    return std::exchange(reserved->second, found.hi) == found.hi ? WalkedRange::known
                                                                 : WalkedRange::known_with_another_extent;
  }
  return removed_since_.contains(pfn) ? WalkedRange::removed_meanwhile : WalkedRange::unknown;
}

void DomainModel::add_found(const TreeRange& found, bool reserved, bool before_start) {
  if (holds(found.lo) || found.lo > RangeTable::kMaxPfn) return;
  if (reserved || found.lo == 0) {  // no allocation begins at pfn 0
    reserved_[found.lo] = found.hi;
    ++tree_ranges_;
    return;
  }
  own(add_range(found.lo, found.hi - found.lo + 1)).before_start = before_start;
  if (before_start) ++before_start_;
}

std::vector<std::uint64_t> DomainModel::end_tree_walk() {
  std::vector<std::uint64_t> unseen = std::move(reserved_unseen_);
  ranges_.take_unmarked([&](const Range& range) {
    if (!range.cached()) unseen.push_back(range.pfn);
  });
  abandon_tree_walk();
  return unseen;
}

void DomainModel::abandon_tree_walk() {
  walking_ = false;
  removed_since_ = {};
  reserved_unseen_.clear();
}

void DomainModel::remove_vanished(std::uint64_t pfn) {
  if (reserved_.erase(pfn) != 0) {
    --tree_ranges_;
  } else if (const Range* range = find(pfn); range != nullptr && !range->cached()) {
    remove_range(pfn);
  }
}

bool DomainModel::has_unknown_slots() const {
  for (const Rcache& rcache : rcaches_) {
    if (rcache.unknown_in_depot() != 0) return true;
    for (std::size_t cpu = 0; cpu < rcache.cpus(); ++cpu) {
      const auto id = static_cast<std::uint16_t>(cpu);
      if (rcache.loaded(id).unknown() != 0 || rcache.prev(id).unknown() != 0) return true;
    }
  }
  return false;
}

DomainContents DomainModel::contents() const {
  DomainContents contents;
  const auto pfns_of = [](const Magazine& magazine) {
    Pfns pfns(magazine.unknown(), 0);
    pfns.insert(pfns.end(), magazine.known().begin(), magazine.known().end());
    return pfns;
  };
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    const Rcache& rcache = rcaches_[order];
    if (contents.cpus.size() < rcache.cpus()) contents.cpus.resize(rcache.cpus());
    for (std::size_t cpu = 0; cpu < rcache.cpus(); ++cpu) {
      const auto id = static_cast<std::uint16_t>(cpu);
      contents.cpus[cpu].orders[order] = {pfns_of(rcache.loaded(id)), pfns_of(rcache.prev(id))};
    }
    for (const Magazine& magazine : rcache.depot()) contents.depots[order].push_back(pfns_of(magazine));
  }
  for (std::size_t cpu = 0; cpu < contents.cpus.size(); ++cpu) {
    contents.cpus[cpu].cpu = static_cast<std::uint16_t>(cpu);
  }
  contents.tree.reserve(ranges_.size() + reserved_.size());
  for (const auto& [low, high] : reserved_) contents.tree.push_back({low, high});
  ranges_.for_each([&](const Range& range) {
    const auto wide = widened_.find(range.pfn);
    contents.tree.push_back(
        {wide == widened_.end() ? std::uint64_t{range.pfn} : wide->second, range.pfn + range.size - 1});
  });
  std::sort(contents.tree.begin(), contents.tree.end(),
            [](const TreeRange& a, const TreeRange& b) { return a.lo < b.lo; });
  return contents;
}

}  // namespace rcached
