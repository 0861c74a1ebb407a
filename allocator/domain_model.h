// SPDX-License-Identifier: Apache-2.0
// DomainModel: the state of one struct iova_domain: the rcaches of all orders, the table of allocated ranges,
// the reserved intervals, and the balance sheet over them. It offers the transitions a range can make; which
// one to make is the Mirror's decision.
//
//   (nothing) --add_range--> outstanding --insert / cache--> cached --take--> outstanding --remove_range-->
//   (nothing)
//                                  cached --release (whole magazine)--> (nothing)
//
// Invariants, kept by every public call and verified by find_inconsistency():
//   * tree_ranges = outstanding + cached in cpu rcaches + cached in depots + reserved;
//   * a pfn is in at most one magazine slot, and exactly then its range names that magazine (whose order may be
//     lower than the order of its extent: 7.2 frees fewer granules than it allocated);
//   * depots hold only full magazines, at most depot_capacity + kDepotSlack of them when bounded.
// tree_ranges is counted at the tree's own events (insert, erase, first sight), never derived from the parts,
// so that `unaccounted` in the snapshot is a real check.
//
// Mirrors iova.c 4.15 and later (see rcache.h for the rcache part; reserve_iova with __adjust_overlap_range).
// Units: pfn and size in granules. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "allocator/contents.h"
#include "allocator/kernel_profile.h"
#include "allocator/range_table.h"
#include "allocator/rcache.h"
#include "allocator/snapshot.h"

namespace rcached {

// A place in the caches: a magazine, and for a cached pfn its slot.
struct CacheLocation {
  RcacheSource source = RcacheSource::none;  // loaded or prev (of cpu), or depot
  std::uint8_t order = 0;
  std::uint16_t cpu = 0;
  std::size_t depot_index = 0;
  std::int32_t slot = Magazine::kNone;

  static CacheLocation loaded(std::uint8_t order, std::uint16_t cpu) {
    return {RcacheSource::loaded, order, cpu, 0, Magazine::kNone};
  }
  static CacheLocation prev(std::uint8_t order, std::uint16_t cpu) {
    return {RcacheSource::prev, order, cpu, 0, Magazine::kNone};
  }
  static CacheLocation depot(std::uint8_t order, std::size_t index) {
    return {RcacheSource::depot, order, 0, index, Magazine::kNone};
  }
};

class DomainModel {
 public:
  // Magazines that a bounded depot may hold beyond its capacity: a pop on another CPU can be reported after
  // the push that it made room for.
  static constexpr std::uint32_t kDepotSlack = 8;
  // Sanity limit for adopted depots, in magazines.
  static constexpr std::uint32_t kMaxDepot = 1u << 17;

  explicit DomainModel(const KernelProfile& profile);

  const KernelProfile& profile() const { return profile_; }
  static std::uint8_t order_index(std::uint64_t size);

  // --- the tree. `size` 0 counts as 1. A Range is valid until the next call that adds or removes one.
  const Range* find(std::uint64_t pfn) const { return ranges_.find(pfn); }
  // pfn must not be there, and be from 1 to RangeTable::kMaxPfn; outstanding
  const Range& add_range(std::uint64_t pfn, std::uint64_t size);
  void remove_range(std::uint64_t pfn);  // must be outstanding; no counter
  // A range allocated again with another size (the mirror missed that it had gone): stays outstanding.
  void restate_range(const Range& range, std::uint64_t size);
  // An outstanding range is allocated again under this order (its free was missed, or it was fresh).
  void reallocate(const Range& range, std::uint8_t order);
  // The alloc of an outstanding range is still to come.
  void mark_fresh(const Range& range) { own(range).fresh = true; }
  void reserve(std::uint64_t lo, std::uint64_t hi);

  // --- cpu rcaches and depots
  const Rcache& rcache(std::uint8_t order) const { return rcaches_[order]; }
  // O(magazine capacity). Nothing when not cached.
  std::optional<CacheLocation> locate(const Range& range) const;
  // Empty if there is none.
  const Magazine& magazine_at(const CacheLocation& at) const;
  // Makes the peeked magazine loaded and counts a depot pop.
  void select(std::uint8_t order, std::uint16_t cpu, RcacheSource source);
  // What the peek has found: cached -> outstanding.
  void pop(std::uint8_t order, std::uint16_t cpu, const RcachePeek& next);
  // outstanding -> cached by steps 1 and 2 of the insert; false when both magazines are full.
  bool insert_without_depot(const Range& range, std::uint8_t order, std::uint16_t cpu);
  // The full loaded magazine goes to the depot. Beyond the slack the top magazine is orphaned first.
  void push_loaded_to_depot(std::uint8_t order, std::uint16_t cpu);
  void swap(std::uint8_t order, std::uint16_t cpu) { rcaches_[order].swap(cpu); }

  // --- what the kernel did otherwise than the model expected
  // cached -> outstanding, the slot filled by the top element. In a depot magazine the whole magazine is
  // orphaned (it must have been popped unseen, and the depot holds only full ones).
  void take(const Range& range, const CacheLocation& at);
  // cached in a CPU's magazine -> outstanding; those above it keep their order.
  void erase(const Range& range, const CacheLocation& at);
  // The top of a CPU's magazine -> outstanding.
  void drop_top(const CacheLocation& at);
  // As pop(), but `range` was popped: the pfn of the peek is where that was thought to be.
  void pop_exchanged(std::uint8_t order, std::uint16_t cpu, const RcachePeek& next, const Range& range,
                     const CacheLocation& at);
  // `range` leaves a full magazine of this CPU or of the depot, those above it move down, and the lowest pfn of the
  // CPU's loaded magazine, which has no unknown slots, becomes its top.
  void shift_down(const Range& range, const CacheLocation& at, std::uint16_t cpu);
  // A depot magazine becomes loaded. An empty prev gets what was loaded, else that is orphaned. Counts a depot pop.
  void pop_from_depot(std::uint8_t order, std::uint16_t cpu, std::size_t index);
  // The topmost unknown slot of loaded turns out to hold `pfn`. A pfn that was not in the table becomes
  // a known outstanding range in its place; one that counted as outstanding already loses its double.
  // `popped`: by the scan of a pop, so that the top element fills the slot.
  void take_unknown(std::uint8_t order, std::uint16_t cpu, std::uint64_t pfn, std::uint64_t size,
                    bool popped);

  // --- whole magazines
  // To the tree: all its ranges are gone. Counts tree_frees. A depot magazine leaves the depot, another is empty then.
  void release(const CacheLocation& at);
  // Left the cache unseen (allocations that were not reported): known pfns become outstanding, unknown slots
  // are forgotten. Otherwise as release().
  void orphan(const CacheLocation& at);
  // Makes a CPU's magazine hold `target` ranges: missing ones are added as unknown slots at the bottom; too many
  // leave from the bottom, unknown slots first (known pfns become outstanding). Returns how many were added
  // or dropped.
  std::uint32_t resize(const CacheLocation& at, std::uint32_t target);
  // Adds unknown magazines (at the top or at the bottom) or orphans magazines from the top. Returns how many.
  std::uint32_t resize_depot(std::uint8_t order, std::uint32_t target, bool add_at_top);

  // --- what was read out of kernel memory (contents.h)
  // The magazine holds exactly these pfns. Those that were in another slot leave an unknown one there; new
  // ones are added with the extent of the order; those that are no longer in it become outstanding.
  void replace(const CacheLocation& at, const Pfns& pfns);
  // Position in the depot of the magazine that holds the first or the last of these; nothing if there is none.
  std::optional<std::size_t> find_in_depot(std::uint8_t order, const Pfns& pfns) const;
  // This full magazine is at this position of the depot, or just above it; those above it have been placed. If it is
  // below, it changes places with the one that is there. If not, it takes the place of one of unknown contents, or is
  // added above the one that is there. Whether it was added. `replaced` gets the pfns of a magazine that held others.
  bool place_in_depot(std::uint8_t order, std::size_t index, const Pfns& pfns, Pfns& replaced);
  // The lowest magazines of the depot, at most all, are orphaned.
  void drop_lowest(std::uint8_t order, std::size_t count);
  // Between begin and end, `walk` tells the model which ranges the kernel's tree holds. A range that was
  // added since the begin counts as seen; one that was removed since is remembered, so that an old reading
  // does not bring it back.
  void begin_tree_walk();
  bool tree_walk_under_way() const { return walking_; }
  // Marks what is in the tree at [lo, hi] as seen and corrects its extent. What the table had to say about
  // it:
  enum class WalkedRange : std::uint8_t { known, known_with_another_extent, removed_meanwhile, unknown };
  WalkedRange walk(const TreeRange& range);
  // Adds a range the walk found: outstanding, or reserved.
  void add_found(const TreeRange& range, bool reserved, bool before_start);
  // Outstanding and reserved ranges that the walk did not come by. Ends it.
  std::vector<std::uint64_t> end_tree_walk();
  // Ends it without looking. Nothing if none is under way.
  void abandon_tree_walk();
  // An outstanding or reserved range that the kernel does not have.
  void remove_vanished(std::uint64_t pfn);
  bool holds(std::uint64_t pfn) const { return ranges_.contains(pfn) || reserved_.contains(pfn); }
  bool has_unknown_slots() const;
  DomainContents contents() const;

  // --- the balance sheet
  OrderSnapshot& counters(std::uint8_t index) { return counters_[index]; }  // never in the invariants
  const OrderSnapshot& counters(std::uint8_t index) const { return counters_[index]; }
  void see_cpu(std::uint8_t order, std::uint16_t cpu);
  std::uint64_t tree_ranges() const { return tree_ranges_; }
  std::uint64_t outstanding(std::uint8_t index) const { return outstanding_[index]; }
  std::uint64_t reserved() const { return reserved_.size(); }
  const RangeTable& ranges() const { return ranges_; }
  // Fills the balance sheet, the orders and cpu_fills. O(orders * CPUs seen + depot magazines).
  void fill(DomainSnapshot& snapshot) const;
  // Walks everything. Empty when all invariants hold, else what is wrong. For tests and debugging.
  std::string find_inconsistency() const;

 private:
  Range& own(const Range& range) { return const_cast<Range&>(range); }  // all are of ranges_
  void mark_cached(Range& range, MagazineId magazine);
  void mark_outstanding(Range& range, std::uint8_t order);
  void forget_unknown(Magazine& magazine, std::uint32_t count);
  void release(Magazine& magazine, std::uint8_t order);
  void orphan(Magazine& magazine, std::uint8_t order);
  void take_in(Magazine& magazine, std::uint8_t order, const Pfns& pfns);
  Magazine taken(const CacheLocation& at);
  static bool beyond_slack(const Rcache& rcache) {
    return rcache.bounded() && rcache.depot().size() >= std::size_t{rcache.depot_capacity()} + kDepotSlack;
  }
  template <typename Change>
  void edit(const CacheLocation& at, Change&& change);
  void leave_outstanding(Range& range);
  void forget_range(std::uint64_t pfn);

  KernelProfile profile_;
  std::array<Rcache, kCachedOrders> rcaches_;
  std::array<std::vector<bool>, kCachedOrders> seen_;
  RangeTable ranges_;
  std::map<std::uint64_t, std::uint64_t> reserved_;  // low -> high
  // pfn of an allocated range -> its low since a reserve widened it
  std::map<std::uint64_t, std::uint64_t> widened_;
  std::uint64_t tree_ranges_ = 0;
  std::array<std::uint64_t, kCachedOrders + 1> outstanding_{};
  std::array<OrderSnapshot, kCachedOrders + 1> counters_{};  // gauges stay 0 here
  std::uint64_t before_start_ = 0;

  bool walking_ = false;
  RangeTable removed_since_;  // while walking, only the pfns
  std::vector<std::uint64_t> reserved_unseen_;
};

}  // namespace rcached
