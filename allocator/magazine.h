// SPDX-License-Identifier: Apache-2.0
// Magazine: a stack of pfns, the unit in which the rcache moves IOVAs between CPUs, depot and tree.
// Mirrors struct iova_magazine with iova_magazine_push / pop / full / empty of drivers/iommu/iova.c,
// 4.15 and later (older kernels do not scan for the limit). A NULL magazine (7.3) is an empty one.
//
// The Mirror may know that a magazine holds IOVAs without knowing which ones (it adopts fills it has read).
// Such *unknown* slots always lie below the known ones and are kept as a count: a magazine that is unknown
// throughout costs no memory. The Simulator never has any.
//
// A magazine in an Rcache has an id there, which the Rcache sets; comparisons look at the contents only.
//
// The capacity is the caller's (one profile, thousands of magazines): push() must not be called on a full
// magazine. pfn 0 is never stored. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rcached {

// Names a magazine of a domain: its order, and its number in the Rcache of that order. 4 bytes, because every cached
// range has one.
class MagazineId {
 public:
  MagazineId() = default;
  MagazineId(std::uint8_t order, std::uint32_t number) : value_((order + 1u) << kNumberBits | number) {}

  bool is_none() const { return value_ == 0; }
  std::uint8_t order() const { return static_cast<std::uint8_t>((value_ >> kNumberBits) - 1); }
  std::uint32_t number() const { return value_ & ((1u << kNumberBits) - 1); }
  friend bool operator==(const MagazineId&, const MagazineId&) = default;

 private:
  static constexpr unsigned kNumberBits = 28;
  std::uint32_t value_ = 0;
};

class Magazine {
 public:
  // What find_pop() met: the index of a known pfn (bottom = 0), or one of these.
  static constexpr std::int32_t kNone = -1;  // nothing at or below the limit
  // the topmost unknown slot; whether it obeys the limit is not known
  static constexpr std::int32_t kUnknown = -2;

  std::uint32_t size() const { return unknown_ + static_cast<std::uint32_t>(known_.size()); }
  bool empty() const { return unknown_ == 0 && known_.empty(); }
  std::uint32_t unknown() const { return unknown_; }
  // The known pfns, bottom to top.
  std::span<const std::uint64_t> known() const { return known_; }
  // 0 when empty or unknown.
  std::uint64_t bottom() const { return unknown_ != 0 || known_.empty() ? 0 : known_.front(); }

  // `capacity` only sizes the storage at the first push.
  void push(std::uint64_t pfn, std::uint32_t capacity) {
    if (known_.capacity() == 0) known_.reserve(capacity);
    known_.push_back(pfn);
  }

  // The first half of iova_magazine_pop: from the top, the first slot whose pfn is <= max_pfn.
  std::int32_t find_pop(std::uint64_t max_pfn) const {
    for (auto i = static_cast<std::int32_t>(known_.size()); i-- > 0;) {
      if (known_[static_cast<std::size_t>(i)] <= max_pfn) return i;
    }
    return unknown_ != 0 ? kUnknown : kNone;
  }

  // The second half: the slot's pfn leaves and the top element moves into the slot.
  std::uint64_t take(std::int32_t slot) {
    const auto index = static_cast<std::size_t>(slot);
    const std::uint64_t pfn = known_[index];
    known_[index] = known_.back();
    known_.pop_back();
    return pfn;
  }

  // The same for the topmost unknown slot: the top known element lands right above the remaining unknown
  // ones.
  void take_unknown() {
    --unknown_;
    if (known_.size() > 1) std::rotate(known_.begin(), known_.end() - 1, known_.end());
  }

  // The slot's pfn leaves and those above it keep their order: what a pop at the top was, seen after later
  // pushes.
  void erase(std::int32_t slot) { known_.erase(known_.begin() + slot); }

  // Index of a known pfn, or kNone.
  std::int32_t find(std::uint64_t pfn) const {
    const auto it = std::find(known_.begin(), known_.end(), pfn);
    return it == known_.end() ? kNone : static_cast<std::int32_t>(it - known_.begin());
  }

  // Slots that `pfns`, bottom to top, has otherwise. Unknown slots differ from nothing.
  std::uint32_t slots_apart(std::span<const std::uint64_t> pfns) const {
    const auto other = static_cast<std::uint32_t>(pfns.size());
    const std::uint32_t common = std::min(size(), other);
    std::uint32_t apart = std::max(size(), other) - common;
    for (std::uint32_t slot = unknown_; slot < common; ++slot) {
      if (known_[slot - unknown_] != pfns[slot]) ++apart;
    }
    return apart;
  }
  // No unknown slot, and no slot apart.
  bool holds_exactly(std::span<const std::uint64_t> pfns) const {
    return unknown_ == 0 && std::ranges::equal(known_, pfns);
  }

  // What only the Mirror's corrections need.
  void replace(std::int32_t slot, std::uint64_t pfn) { known_[static_cast<std::size_t>(slot)] = pfn; }
  void add_unknown(std::uint32_t count) { unknown_ += count; }
  void drop_unknown(std::uint32_t count) { unknown_ -= count; }
  std::uint64_t drop_lowest_known() {
    const std::uint64_t pfn = known_.front();
    known_.erase(known_.begin());
    return pfn;
  }
  std::uint64_t drop_top() {
    const std::uint64_t pfn = known_.back();
    known_.pop_back();
    return pfn;
  }
  // `unknown` slots below `pfns`.
  void assign(const std::vector<std::uint64_t>& pfns, std::uint32_t unknown) {
    known_ = pfns;
    unknown_ = unknown;
  }
  // Empty, and without storage.
  void clear() {
    known_ = {};
    unknown_ = 0;
  }

  // None if it is in no Rcache.
  MagazineId id() const { return id_; }

  friend bool operator==(const Magazine& a, const Magazine& b) {
    return a.unknown_ == b.unknown_ && a.known_ == b.known_;
  }

 private:
  friend class Rcache;
  std::vector<std::uint64_t> known_;
  std::uint32_t unknown_ = 0;
  MagazineId id_;
};

}  // namespace rcached
