// SPDX-License-Identifier: Apache-2.0
// RangeTable: the allocated ranges of a domain by their lowest pfn. A hash table without long pauses: it grows and
// shrinks by one segment of at most kMaxCapacity ranges at a time, and gives the memory of what was erased back.
//
// Extendible hashing: some bits of the hash select a segment in the directory, the upper ones the slot in it; a segment
// is a plain table with linear probing. One that is full grows by a quarter, and splits at its largest size; two that
// have become small merge. No call moves more than two segments' entries and one directory (24 bytes for about 1,300
// ranges). 18 to 26 bytes for each range in large tables.
//
// Pointers and references are valid until the next insert() or erase(). pfn 0 cannot be stored. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "allocator/magazine.h"

namespace rcached {

// A range of the tree, 16 bytes: there are millions of them.
struct Range {
  static constexpr unsigned kPfnBits = 56;  // more than any address has

  std::uint64_t pfn : kPfnBits = 0;  // the lowest; 0: a free slot of the table
  // Order it was last allocated with; kCachedOrders = beyond the cacheable ones.
  std::uint8_t alloc_order : 3 = 0;
  bool before_start : 1 = false;  // outstanding since before the mirror saw the domain
  bool fresh : 1 = false;         // put there by a tree_alloc whose alloc is still to come
  std::uint8_t marked : 3 = 0;    // RangeTable::mark()
  std::uint32_t size = 0;         // extent of the node
  MagazineId magazine;            // the one it is cached in; none: outstanding

  bool cached() const { return !magazine.is_none(); }
};
static_assert(sizeof(Range) == 16);

class RangeTable {
 public:
  static constexpr std::uint32_t kMaxCapacity = 2048;  // ranges of a segment
  static constexpr std::uint64_t kMaxPfn = (std::uint64_t{1} << Range::kPfnBits) - 1;

  RangeTable();
  ~RangeTable();
  RangeTable(RangeTable&& other) noexcept;
  RangeTable& operator=(RangeTable&& other) noexcept;

  // nullptr if it is not there.
  Range* find(std::uint64_t pfn) {
    const std::uint64_t h = hash(pfn);
    const Place& place = directory_[index_of(h)];
    for (std::uint32_t slot = slot_of(place.capacity, h);; slot = next(place.capacity, slot)) {
      Range& range = place.slots[slot];
      if (range.pfn == pfn) return pfn == 0 ? nullptr : &range;
      if (range.pfn == 0) return nullptr;
    }
  }
  const Range* find(std::uint64_t pfn) const { return const_cast<RangeTable*>(this)->find(pfn); }
  bool contains(std::uint64_t pfn) const { return find(pfn) != nullptr; }

  // Loads what find(pfn) will look at into the CPU's cache.
  void prefetch(std::uint64_t pfn) const {
    const std::uint64_t h = hash(pfn);
    const Place& place = directory_[index_of(h)];
    const Range* slot = &place.slots[slot_of(place.capacity, h)];
    __builtin_prefetch(slot, 1);
    __builtin_prefetch(slot + 3, 1);  // a search takes about four steps, which may reach into the next line
  }

  // A new range; pfn must not be there, and be from 1 to kMaxPfn.
  Range& insert(std::uint64_t pfn);
  // Whether it was there.
  bool erase(std::uint64_t pfn);

  // --- marks: to find out which of the ranges that were there at a time have not been met since, without a pass over all
  // of them. begin_marks() takes the mark from every range, in O(1). A range that is not marked after six calls of it
  // counts as marked after the seventh.
  void begin_marks();
  // Marks a range of this table. New ones are marked.
  void mark(Range& range);
  // Calls visit(range) for those without a mark, and marks them.
  template <typename Visit>
  void take_unmarked(Visit&& visit) {
    for (std::size_t at = 0; unmarked_ != 0 && at < directory_.size(); ++at) {
      Segment& segment = *directory_[at].segment;
      if (at >> segment.depth != 0 || unmarked_of(segment) == 0) continue;
      for (std::uint32_t slot = 0; slot < segment.capacity; ++slot) {
        Range& range = segment.slots[slot];
        if (range.pfn == 0 || range.marked == mark_) continue;
        mark(range);
        visit(std::as_const(range));
      }
    }
  }

  std::size_t size() const { return size_; }
  // Of the heap.
  std::size_t bytes() const { return bytes_ + (directory_.capacity() * sizeof(Place)); }

  // Calls visit(range) for every range, in no particular order; it must not insert, erase or change the pfn.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    visit_all(*this, visit);
  }
  template <typename Visit>
  void for_each(Visit&& visit) {
    visit_all(*this, visit);
  }

 private:
  struct Segment {
    std::unique_ptr<Range[]> slots;
    std::uint32_t capacity = 0;
    std::uint32_t size = 0;
    std::uint32_t depth = 0;     // bits of the directory's index that all its entries share
    std::uint32_t unmarked = 0;  // of the marks below; of older ones: all are unmarked
    std::uint32_t marks = 0;     // RangeTable::marks_ when `unmarked` was counted
  };
  // A place of the directory, with what a search needs of its segment: one cache miss less.
  struct Place {
    Segment* segment;
    Range* slots;
    std::uint32_t capacity;
    std::uint32_t depth;
  };

  static constexpr std::uint32_t kIndexShift = 20;

  static std::uint64_t hash(std::uint64_t pfn) { return pfn * 0x9e3779b97f4a7c15u; }
  static std::uint32_t slot_of(std::uint32_t capacity, std::uint64_t hash) {
    return static_cast<std::uint32_t>((hash >> 32) * capacity >> 32);
  }
  static std::uint32_t next(std::uint32_t capacity, std::uint32_t slot) {
    return slot + 1 == capacity ? 0 : slot + 1;
  }
  std::size_t index_of(std::uint64_t hash) const { return hash >> kIndexShift & mask_; }
  static std::uint64_t bit_of(std::uint32_t depth) { return std::uint64_t{1} << (kIndexShift + depth); }

  template <typename Table, typename Visit>
  static void visit_all(Table& table, Visit& visit) {
    for (std::size_t at = 0; at < table.directory_.size(); ++at) {
      const Segment& segment = *table.directory_[at].segment;
      if (at >> segment.depth != 0) continue;  // it has been visited
      for (std::uint32_t slot = 0; slot < segment.capacity; ++slot) {
        Range& range = segment.slots[slot];
        if (range.pfn == 0) continue;
        if constexpr (std::is_const_v<Table>) {
          visit(std::as_const(range));
        } else {
          visit(range);
        }
      }
    }
  }

  static std::uint32_t free_slot(const Segment& segment, std::uint64_t pfn);
  static void place(Segment& segment, const Range& range);
  static std::uint32_t capacity_for(std::uint32_t size);
  Segment* make(std::uint32_t size, std::uint32_t depth);
  void resize(std::uint64_t hash, std::uint32_t capacity);
  void make_room(std::uint64_t hash);
  void split(std::uint64_t hash);
  void shrink(std::uint64_t hash);
  bool merge(std::uint64_t hash);
  void set(std::uint64_t hash, Segment* segment);
  void resize_directory(std::uint32_t depth);
  void destroy();

  std::uint32_t& unmarked_of(Segment& segment) const {
    if (segment.marks != marks_) {
      segment.marks = marks_;
      segment.unmarked = segment.size;
    }
    return segment.unmarked;
  }
  void count_unmarked(Segment& segment) const;

  Segment& segment_of(std::uint64_t hash) { return *directory_[index_of(hash)].segment; }

  std::vector<Place> directory_;  // 2^depth_; each segment at every index with its bits
  std::uint64_t mask_ = 0;        // 2^depth_ - 1
  std::uint32_t depth_ = 0;
  std::size_t deepest_ = 1;  // segments of depth depth_
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;  // of the segments
  std::size_t unmarked_ = 0;
  std::uint32_t marks_ = 0;  // calls of begin_marks()
  std::uint8_t mark_ = 0;    // what Range::marked says of a marked range: 1 to 7, or 0 before the first call
};

}  // namespace rcached
