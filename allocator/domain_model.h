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
//   * a pfn is in at most one magazine slot, and exactly then its range is in the state cached, under that
//   order
//     (which may be lower than the order of its extent: 7.2 frees fewer granules than it allocated);
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

// Where a cached pfn is.
struct CacheLocation {
  RcacheSource source = RcacheSource::none;  // loaded or prev (of cpu), or depot
  std::uint8_t order = 0;
  std::uint16_t cpu = 0;
  std::size_t depot_index = 0;
  std::int32_t slot = Magazine::kNone;
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

  // --- the tree. `size` 0 counts as 1.
  Range* find(std::uint64_t pfn) { return ranges_.find(pfn); }
  // pfn must not be 0 and not be there; outstanding
  Range& add_range(std::uint64_t pfn, std::uint64_t size);
  void remove_range(std::uint64_t pfn);  // must be outstanding; no counter
  // A range allocated again with another size (the mirror missed that it had gone): stays outstanding.
  void restate_range(Range& range, std::uint64_t size);
  void reserve(std::uint64_t lo, std::uint64_t hi);

  // --- cpu rcaches and depots
  Rcache& rcache(std::uint8_t order) { return rcaches_[order]; }
  const Rcache& rcache(std::uint8_t order) const { return rcaches_[order]; }
  // Searches the hinted CPU, then the depot from the top, then all CPUs. Nothing when not cached.
  std::optional<CacheLocation> locate(std::uint64_t pfn, const Range& range) const;
  Magazine& magazine_at(const CacheLocation& at);
  // Makes the peeked magazine loaded and counts a depot pop.
  void select(std::uint8_t order, std::uint16_t cpu, RcacheSource source);
  // outstanding -> cached by steps 1 and 2 of the insert; false when both magazines are full.
  bool insert_without_depot(Range& range, std::uint64_t pfn, std::uint8_t order, std::uint16_t cpu);
  // The full loaded magazine goes to the depot. Beyond the slack the top magazine is orphaned first.
  void push_loaded_to_depot(std::uint8_t order, std::uint16_t cpu);
  // cached -> outstanding, the slot filled by the top element. In a depot magazine the whole magazine is
  // orphaned (it must have been popped unseen, and the depot holds only full ones).
  void take(Range& range, const CacheLocation& at);
  // The topmost unknown slot of the magazine turns out to hold `pfn`. A pfn that was not in the table becomes
  // a known outstanding range in its place; one that counted as outstanding already loses its double.
  // `popped`: by the scan of a pop, so that the top element fills the slot.
  void take_unknown(Magazine& magazine, std::uint64_t pfn, std::uint64_t size, std::uint8_t order,
                    bool popped);
  // Cached pfn, already out of its slot -> outstanding.
  void mark_outstanding(Range& range, std::uint8_t order);
  // An outstanding range is allocated again under this order (its free was missed).
  void reallocate(Range& range, std::uint8_t order);

  // --- whole magazines
  // To the tree: all its ranges are gone. Counts tree_frees. Empty afterwards.
  void release(Magazine& magazine, std::uint8_t order);
  // Left the cache unseen (allocations that were not reported): known pfns become outstanding, unknown slots
  // are forgotten. Empty afterwards.
  void orphan(Magazine& magazine, std::uint8_t order);
  // Makes the magazine hold `target` ranges: missing ones are added as unknown slots at the bottom; too many
  // leave from the bottom, unknown slots first (known pfns become outstanding). Returns how many were added
  // or dropped.
  std::uint32_t resize(Magazine& magazine, std::uint8_t order, std::uint32_t target);
  // Adds unknown magazines (at the top or at the bottom) or orphans magazines from the top. Returns how many.
  std::uint32_t resize_depot(std::uint8_t order, std::uint32_t target, bool add_at_top);

  // --- what was read out of kernel memory (contents.h)
  // The magazine holds exactly these pfns. Those that were in another slot leave an unknown one there; new
  // ones are added with the extent of the order; those that are no longer in it become outstanding.
  void replace(Magazine& magazine, std::uint8_t order, std::uint16_t cpu, const Pfns& pfns);
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
  // An outstanding or reserved range that the kernel does not have.
  void remove_vanished(std::uint64_t pfn);
  bool holds(std::uint64_t pfn) const { return ranges_.contains(pfn) || reserved_.contains(pfn); }
  bool has_unknown_slots() const;
  DomainContents contents() const;

  // --- the balance sheet
  OrderSnapshot& counters(std::uint8_t index) { return counters_[index]; }
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
  void mark_cached(Range& range, std::uint8_t order, std::uint16_t cpu);
  void forget_unknown(Magazine& magazine, std::uint32_t count);
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
  bool seen_value_ = false;   // what Range::seen says of a range that was seen
  RangeTable removed_since_;  // while walking, only the pfns
  std::vector<std::uint64_t> reserved_unseen_;
};

}  // namespace rcached
