// SPDX-License-Identifier: Apache-2.0
// The part of DomainModel that takes in, and gives out, contents as they stand in kernel memory.
#include <algorithm>
#include <utility>

#include "allocator/domain_model.h"

namespace rcached {

void DomainModel::replace(Magazine& magazine, std::uint8_t order, std::uint16_t cpu, const Pfns& pfns) {
  orphan(magazine, order);
  Pfns known;
  known.reserve(pfns.size());
  // What a driver's bad frees leave: a pfn twice, for which the model has one place, or pfn 0, which no
  // allocation ever gave out.
  std::uint32_t unknown = 0;
  for (const std::uint64_t pfn : pfns) {
    if (pfn == 0) {
      ++unknown;
      continue;
    }
    Range* range = find(pfn);
    if (range == nullptr) range = &add_range(pfn, 1ull << order);
    if (const auto at = locate(pfn, *range)) {
      Magazine& other = magazine_at(*at);
      other.erase(at->slot);
      other.add_unknown(1);
      ++tree_ranges_;
      mark_outstanding(*range, at->order);
    } else if (range->cached()) {  // in `known`
      ++unknown;
      continue;
    }
    mark_cached(*range, order, cpu);
    known.push_back(pfn);
  }
  tree_ranges_ += unknown;
  magazine.assign(known, unknown);
}

void DomainModel::begin_tree_walk() {
  if (walking_) end_tree_walk();
  walking_ = true;
  seen_value_ = !seen_value_;
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
  if (Range* range = find(pfn); range != nullptr) {
    range->seen = seen_value_;
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
  if (holds(found.lo)) return;
  if (reserved || found.lo == 0) {  // no allocation begins at pfn 0
    reserved_[found.lo] = found.hi;
    ++tree_ranges_;
    return;
  }
  add_range(found.lo, found.hi - found.lo + 1).before_start = before_start;
  if (before_start) ++before_start_;
}

std::vector<std::uint64_t> DomainModel::end_tree_walk() {
  std::vector<std::uint64_t> unseen = std::move(reserved_unseen_);
  ranges_.for_each([&](std::uint64_t pfn, Range& range) {
    if (range.seen != seen_value_ && !range.cached()) unseen.push_back(pfn);
    range.seen = seen_value_;
  });
  walking_ = false;
  removed_since_ = {};
  reserved_unseen_.clear();
  return unseen;
}

void DomainModel::remove_vanished(std::uint64_t pfn) {
  if (reserved_.erase(pfn) != 0) {
    --tree_ranges_;
  } else if (const Range* range = find(pfn); range != nullptr && !range->cached()) {
    remove_range(pfn);
  }
}

bool DomainModel::has_unknown_slots() const {
  const auto unknown = [](const Magazine& magazine) { return magazine.unknown() != 0; };
  for (const Rcache& rcache : rcaches_) {
    for (std::size_t cpu = 0; cpu < rcache.cpus(); ++cpu) {
      const Rcache::Cpu& magazines = *rcache.find_cpu(static_cast<std::uint16_t>(cpu));
      if (unknown(magazines.loaded) || unknown(magazines.prev)) return true;
    }
    if (std::any_of(rcache.depot().begin(), rcache.depot().end(), unknown)) return true;
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
      const Rcache::Cpu& magazines = *rcache.find_cpu(static_cast<std::uint16_t>(cpu));
      contents.cpus[cpu].orders[order] = {pfns_of(magazines.loaded), pfns_of(magazines.prev)};
    }
    for (const Magazine& magazine : rcache.depot()) contents.depots[order].push_back(pfns_of(magazine));
  }
  for (std::size_t cpu = 0; cpu < contents.cpus.size(); ++cpu) {
    contents.cpus[cpu].cpu = static_cast<std::uint16_t>(cpu);
  }
  contents.tree.reserve(ranges_.size() + reserved_.size());
  for (const auto& [low, high] : reserved_) contents.tree.push_back({low, high});
  ranges_.for_each([&](std::uint64_t pfn, const Range& range) {
    const auto wide = widened_.find(pfn);
    contents.tree.push_back({wide == widened_.end() ? pfn : wide->second, pfn + range.size - 1});
  });
  std::sort(contents.tree.begin(), contents.tree.end(),
            [](const TreeRange& a, const TreeRange& b) { return a.lo < b.lo; });
  return contents;
}

}  // namespace rcached
