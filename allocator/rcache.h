// SPDX-License-Identifier: Apache-2.0
// Rcache: one order's IOVA cache of one domain: the magazines `loaded` and `prev` of every CPU and the depot.
// Mirrors struct iova_rcache with __iova_rcache_get, __iova_rcache_insert, free_cpu_cached_iovas,
// free_global_cached_iovas (>= 5.11) and iova_depot_work_func (>= 6.7) of drivers/iommu/iova.c, 4.15 and
// later.
//
// Invariants: the depot is LIFO (back = top) and holds only full magazines; a pop looks only into `loaded`; a
// loaded/prev swap or a depot pop is kept even when the pop then fails on its limit.
//
// The whole calls get() and insert() are what the kernel does, for the Simulator. The Mirror needs to look
// before it leaps (the kernel tells it which pfn came), so the steps are public too. Magazines taken out of
// the cache are handed to the caller, who owns their pfns (tree work is not done here).
//
// Every magazine has an id, and the cache knows where it is: what holds the id of a pfn's magazine finds the pfn in
// O(capacity), and a move of a magazine touches none of its pfns. Storage grows to the highest CPU seen; 64 bytes for
// a CPU that never cached. References are valid until the next call that changes the cache. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "allocator/kernel_profile.h"
#include "allocator/magazine.h"

namespace rcached {

// Which magazine a pop works on: what the kernel makes `loaded` before it pops.
enum class RcacheSource : std::uint8_t { none, loaded, prev, depot };

// What get() would do, without doing it.
struct RcachePeek {
  RcacheSource source = RcacheSource::none;
  std::int32_t slot = Magazine::kNone;  // in that magazine; Magazine::kUnknown = an unknown slot
  std::uint64_t pfn = 0;                // 0 unless slot >= 0
};

// What get() did. `source` is kept even when pfn is 0 (miss on the limit).
struct RcacheGet {
  std::uint64_t pfn = 0;
  RcacheSource source = RcacheSource::none;
};

enum class InsertOutcome : std::uint8_t {
  pushed,       // into loaded (possibly after a swap)
  depot_push,   // loaded went to the depot, a new loaded holds the pfn
  overflow,     // <= 6.6, depot full: loaded was set aside for the tree, a new loaded holds the pfn
  no_magazine,  // no memory for a magazine: nothing changed, the pfn belongs to the tree
};

class Rcache {
 public:
  struct Place {
    static constexpr std::uint32_t kNotInDepot = ~0u;
    std::uint32_t depot_index = kNotInDepot;  // 0 = bottom
    std::uint16_t cpu = 0;                    // that has it, or had it before it went to the depot

    bool in_depot() const { return depot_index != kNotInDepot; }
  };

  explicit Rcache(const KernelProfile& profile, std::uint8_t order = 0)
      : order_(order),
        capacity_(profile.magazine_capacity),
        depot_capacity_(profile.depot_capacity),
        bounded_(profile.depot == DepotKind::bounded) {}

  // --- the kernel's calls
  RcacheGet get(std::uint16_t cpu, std::uint64_t max_pfn);
  // `set_aside` receives the overflowed magazine when the outcome is overflow.
  InsertOutcome insert(std::uint16_t cpu, std::uint64_t pfn, bool magazine_available, Magazine& set_aside);

  // --- their steps
  RcachePeek peek(std::uint16_t cpu, std::uint64_t max_pfn) const;
  // Makes the peeked magazine `loaded`: swap, or depot pop in place of the empty loaded.
  void select(std::uint16_t cpu, RcacheSource source);
  // Steps 1 and 2 of insert: push to loaded, else swap and push. The magazine that has it; nullptr if both are full.
  const Magazine* insert_without_depot(std::uint16_t cpu, std::uint64_t pfn);
  // Step 3: the full loaded goes to the depot, whatever the depot's size; loaded is empty then.
  void push_loaded_to_depot(std::uint16_t cpu);
  // The magazine leaves the cache.
  Magazine take_loaded(std::uint16_t cpu);
  Magazine take_prev(std::uint16_t cpu);
  Magazine take_from_depot(std::size_t index);

  // --- contents
  std::uint32_t magazine_capacity() const { return capacity_; }
  bool bounded() const { return bounded_; }
  std::uint32_t depot_capacity() const { return depot_capacity_; }
  bool depot_full() const { return bounded_ && depot_.size() >= depot_capacity_; }
  // CPUs that have storage; those above hold nothing.
  std::size_t cpus() const { return cpus_.size(); }
  // Empty if the CPU has none.
  const Magazine& loaded(std::uint16_t cpu) const { return cpu < cpus_.size() ? cpus_[cpu].loaded : none_; }
  const Magazine& prev(std::uint16_t cpu) const { return cpu < cpus_.size() ? cpus_[cpu].prev : none_; }
  // Bottom to top.
  std::span<const Magazine> depot() const { return depot_; }
  // Of a magazine that is in this cache.
  const Place& place(MagazineId id) const { return places_[id.number()]; }
  const Magazine& magazine(MagazineId id) const;

  // Load what an operation on this CPU will look at into the caches of the CPU that runs this: first the magazines, then,
  // when these are there, the top of the loaded one.
  void prefetch(std::uint16_t cpu) const {
    if (cpu < cpus_.size()) __builtin_prefetch(&cpus_[cpu], 1);
  }
  void prefetch_top(std::uint16_t cpu) const {
    if (cpu >= cpus_.size()) return;
    const auto known = cpus_[cpu].loaded.known();
    __builtin_prefetch(known.data() + known.size(), 1);
  }

  // Ranges cached in cpu rcaches and in the depot, counted from the magazines.
  std::uint64_t cpu_cached() const;
  std::uint64_t depot_cached() const;
  // Unknown slots of the depot. O(1).
  std::uint64_t unknown_in_depot() const { return unknown_in_depot_; }

  // --- what only the Mirror's corrections need
  void swap(std::uint16_t cpu);
  // The magazine at this position becomes loaded, in place of the empty loaded.
  void load_from_depot(std::uint16_t cpu, std::size_t index);
  // Makes a magazine of `unknown` slots at this position; those from there on move up.
  void add_to_depot(std::size_t index, std::uint32_t unknown);
  void swap_in_depot(std::size_t a, std::size_t b);
  // The magazines from this position on become the lowest.
  void rotate_depot(std::size_t index);
  // Calls change(magazine); the magazine is one of this cache, and keeps its place.
  template <typename Change>
  void edit(const Magazine& magazine, Change&& change) {
    auto& own = const_cast<Magazine&>(magazine);
    const bool in_depot = place(magazine.id_).in_depot();
    if (in_depot) unknown_in_depot_ -= own.unknown();
    change(own);
    if (in_depot) unknown_in_depot_ += own.unknown();
  }
  // The CPU's magazines, which exist from then on.
  const Magazine& provide_loaded(std::uint16_t cpu) { return with_id(own(cpu).loaded, cpu); }
  const Magazine& provide_prev(std::uint16_t cpu) { return with_id(own(cpu).prev, cpu); }

  // A CPU without storage equals an empty one. Storage details do not count.
  friend bool operator==(const Rcache& a, const Rcache& b);

 private:
  struct alignas(64) Cpu {  // one cache line
    Magazine loaded;
    Magazine prev;
  };
  static_assert(sizeof(Cpu) == 64);

  Cpu& own(std::uint16_t cpu) {
    if (cpu >= cpus_.size()) grow(cpu);
    return cpus_[cpu];
  }
  Magazine& with_id(Magazine& magazine, std::uint16_t cpu) {
    if (magazine.id_.is_none()) magazine.id_ = make_id(cpu);
    return magazine;
  }
  void grow(std::uint16_t cpu);
  MagazineId make_id(std::uint16_t cpu);
  Magazine take(Magazine&& magazine);
  Magazine leave_depot(std::size_t index);
  void renumber_depot(std::size_t from, std::size_t to);

  static const Magazine none_;

  std::uint8_t order_;
  std::uint32_t capacity_;
  std::uint32_t depot_capacity_;
  bool bounded_;
  std::vector<Place> places_;        // by number of the id
  std::vector<std::uint32_t> free_;  // numbers
  std::vector<Cpu> cpus_;
  std::vector<Magazine> depot_;
  std::uint64_t unknown_in_depot_ = 0;
};

}  // namespace rcached
