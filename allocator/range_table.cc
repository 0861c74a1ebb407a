// SPDX-License-Identifier: Apache-2.0
#include "allocator/range_table.h"

#include <algorithm>
#include <cassert>

namespace rcached {
namespace {

constexpr std::uint32_t kMinCapacity = 16;
constexpr std::uint32_t kMaxDepth = 24;

// Ranges that a segment takes before it grows: 27/32, about 4 probes to find one.
constexpr std::uint32_t limit(std::uint32_t capacity) { return capacity * 27 / 32; }
// Below this it shrinks.
constexpr std::uint32_t floor(std::uint32_t capacity) { return capacity / 2; }

}  // namespace

RangeTable::RangeTable() : directory_(1) { set(0, make(0, 0)); }
RangeTable::~RangeTable() { destroy(); }

RangeTable::RangeTable(RangeTable&& other) noexcept
    : directory_(std::exchange(other.directory_, {})),
      mask_(other.mask_),
      depth_(other.depth_),
      deepest_(other.deepest_),
      size_(other.size_),
      bytes_(other.bytes_),
      unmarked_(other.unmarked_),
      marks_(other.marks_),
      mark_(other.mark_) {}

RangeTable& RangeTable::operator=(RangeTable&& other) noexcept {
  std::swap(directory_, other.directory_);
  std::swap(mask_, other.mask_);
  std::swap(depth_, other.depth_);
  std::swap(deepest_, other.deepest_);
  std::swap(size_, other.size_);
  std::swap(bytes_, other.bytes_);
  std::swap(unmarked_, other.unmarked_);
  std::swap(marks_, other.marks_);
  std::swap(mark_, other.mark_);
  return *this;
}

void RangeTable::destroy() {
  for (std::size_t at = 0; at < directory_.size(); ++at) {
    const Segment* segment = directory_[at].segment;
    // The last of its places: none is left that a later step would look at.
    if (at + (std::size_t{1} << segment->depth) >= directory_.size()) delete segment;
  }
  directory_.clear();
}

std::uint32_t RangeTable::capacity_for(std::uint32_t size) {
  return std::max(kMinCapacity, (size * 4 / 3 + 3) & ~3u);
}

RangeTable::Segment* RangeTable::make(std::uint32_t size, std::uint32_t depth) {
  auto* segment = new Segment;
  segment->depth = depth;
  segment->capacity = capacity_for(size);
  segment->slots = std::make_unique<Range[]>(segment->capacity);
  bytes_ += sizeof(Segment) + (segment->capacity * sizeof(Range));
  return segment;
}

std::uint32_t RangeTable::free_slot(const Segment& segment, std::uint64_t pfn) {
  std::uint32_t slot = slot_of(segment.capacity, hash(pfn));
  while (segment.slots[slot].pfn != 0) slot = next(segment.capacity, slot);
  return slot;
}

void RangeTable::place(Segment& segment, const Range& range) {
  segment.slots[free_slot(segment, range.pfn)] = range;
  ++segment.size;
}

Range& RangeTable::insert(std::uint64_t pfn) {
  assert(pfn != 0 && pfn <= kMaxPfn && !contains(pfn));
  const std::uint64_t h = hash(pfn);
  const Segment& full = segment_of(h);
  if (full.size >= limit(full.capacity)) make_room(h);
  Segment& segment = segment_of(h);
  unmarked_of(segment);
  Range& range = segment.slots[free_slot(segment, pfn)];
  range = {};
  range.pfn = pfn;
  range.marked = mark_ & 7u;
  ++segment.size;
  ++size_;
  return range;
}

bool RangeTable::erase(std::uint64_t pfn) {
  const Range* range = find(pfn);
  if (range == nullptr) return false;
  const std::uint64_t h = hash(pfn);
  Segment& segment = segment_of(h);
  if (std::uint32_t& unmarked = unmarked_of(segment); range->marked != mark_) {
    --unmarked;
    --unmarked_;
  }
  // Ranges after the hole move into it, unless their own slot lies behind it.
  auto hole = static_cast<std::uint32_t>(range - segment.slots.get());
  const std::uint32_t capacity = segment.capacity;
  for (std::uint32_t slot = next(capacity, hole); segment.slots[slot].pfn != 0; slot = next(capacity, slot)) {
    const std::uint32_t home = slot_of(capacity, hash(segment.slots[slot].pfn));
    const bool stays = hole <= slot ? hole < home && home <= slot : hole < home || home <= slot;
    if (stays) continue;
    segment.slots[hole] = segment.slots[slot];
    hole = slot;
  }
  segment.slots[hole] = {};
  --segment.size;
  --size_;
  if (segment.size < floor(segment.capacity)) shrink(h);
  return true;
}

void RangeTable::begin_marks() {
  ++marks_;
  mark_ = mark_ == 7 ? 1 : static_cast<std::uint8_t>(mark_ + 1);
  unmarked_ = size_;
}

void RangeTable::mark(Range& range) {
  if (range.marked == mark_) return;
  range.marked = mark_ & 7u;
  --unmarked_of(segment_of(hash(range.pfn)));
  --unmarked_;
}

void RangeTable::count_unmarked(Segment& segment) const {
  segment.marks = marks_;
  segment.unmarked = 0;
  for (std::uint32_t slot = 0; slot < segment.capacity; ++slot) {
    const Range& range = segment.slots[slot];
    if (range.pfn != 0 && range.marked != mark_) ++segment.unmarked;
  }
}

void RangeTable::resize(std::uint64_t h, std::uint32_t capacity) {
  Segment& segment = segment_of(h);
  const auto old = std::exchange(segment.slots, std::make_unique<Range[]>(capacity));
  const std::uint32_t before = std::exchange(segment.capacity, capacity);
  bytes_ += (std::size_t{capacity} - before) * sizeof(Range);
  segment.size = 0;
  for (std::uint32_t slot = 0; slot < before; ++slot) {
    if (old[slot].pfn != 0) place(segment, old[slot]);
  }
  set(h, &segment);
}

void RangeTable::make_room(std::uint64_t h) {
  for (;;) {
    const Segment& segment = segment_of(h);
    if (segment.size < limit(segment.capacity)) return;
    const std::uint32_t larger = std::max(segment.capacity + kMinCapacity, segment.capacity * 5 / 4 & ~3u);
    if (larger <= kMaxCapacity || segment.depth == kMaxDepth) return resize(h, larger);
    split(h);
  }
}

void RangeTable::split(std::uint64_t h) {
  if (segment_of(h).depth == depth_) resize_directory(depth_ + 1);
  const std::unique_ptr<Segment> whole(&segment_of(h));
  bytes_ -= sizeof(Segment) + (whole->capacity * sizeof(Range));
  const std::uint64_t bit = bit_of(whole->depth);
  std::uint32_t upper = 0;
  for (std::uint32_t slot = 0; slot < whole->capacity; ++slot) {
    const std::uint64_t pfn = whole->slots[slot].pfn;
    if (pfn != 0 && (hash(pfn) & bit) != 0) ++upper;
  }
  Segment* halves[] = {make(whole->size - upper, whole->depth + 1), make(upper, whole->depth + 1)};
  for (std::uint32_t slot = 0; slot < whole->capacity; ++slot) {
    const Range& range = whole->slots[slot];
    if (range.pfn != 0) place(*halves[(hash(range.pfn) & bit) != 0 ? 1 : 0], range);
  }
  for (Segment* half : halves) count_unmarked(*half);
  set(h & ~bit, halves[0]);
  set(h | bit, halves[1]);
  if (halves[0]->depth == depth_) deepest_ += 2;
}

// Into every place of the directory with the segment's bits of `h`.
void RangeTable::set(std::uint64_t h, Segment* segment) {
  const std::size_t step = std::size_t{1} << segment->depth;
  for (std::size_t at = index_of(h) & (step - 1); at < directory_.size(); at += step) {
    directory_[at] = {segment, segment->slots.get(), segment->capacity, segment->depth};
  }
}

void RangeTable::resize_directory(std::uint32_t depth) {
  std::vector<Place> resized(std::size_t{1} << depth);
  for (std::size_t at = 0; at < resized.size(); ++at) resized[at] = directory_[at & mask_];
  directory_ = std::move(resized);
  depth_ = depth;
  mask_ = directory_.size() - 1;
  deepest_ = 0;
  for (std::size_t at = 0; at < directory_.size(); ++at) {
    if (directory_[at].depth == depth_) ++deepest_;
  }
}

void RangeTable::shrink(std::uint64_t h) {
  while (segment_of(h).depth != 0 && merge(h)) continue;
  const Segment& segment = segment_of(h);
  const std::uint32_t smaller = capacity_for(segment.size);
  if (smaller < segment.capacity) resize(h, smaller);
}

// With the other half of its last split, if the two leave room in one segment.
bool RangeTable::merge(std::uint64_t h) {
  const std::uint32_t depth = segment_of(h).depth;
  const std::uint64_t bit = bit_of(depth - 1);
  const Segment* halves[] = {&segment_of(h & ~bit), &segment_of(h | bit)};
  if (halves[0]->depth != halves[1]->depth) return false;
  const std::uint32_t size = halves[0]->size + halves[1]->size;
  if (size > floor(kMaxCapacity)) return false;
  Segment* whole = make(size, depth - 1);
  for (const Segment* half : halves) {
    for (std::uint32_t slot = 0; slot < half->capacity; ++slot) {
      if (half->slots[slot].pfn != 0) place(*whole, half->slots[slot]);
    }
    bytes_ -= sizeof(Segment) + (half->capacity * sizeof(Range));
  }
  if (depth == depth_) deepest_ -= 2;
  count_unmarked(*whole);
  set(h, whole);
  delete halves[0];
  delete halves[1];
  while (depth_ > 0 && deepest_ == 0) resize_directory(depth_ - 1);
  return true;
}

}  // namespace rcached
