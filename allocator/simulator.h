// SPDX-License-Identifier: Apache-2.0
// Simulator: one domain's allocator that decides by itself: the reference for the Mirror's tests and the
// engine of synthetic load. It reports every step as the probes would: in kernel order, nested calls first,
// with the fill of (cpu, order) and depot after each alloc and free.
//
// Mirrors alloc_iova_fast, free_iova_fast, alloc_iova, free_iova, reserve_iova, free_cpu_cached_iovas,
// free_global_cached_iovas, iova_depot_work_func, init_iova_domain and put_iova_domain of
// drivers/iommu/iova.c for the generations of KernelProfile. The retry of the tree allocator came with 5.11,
// like flush_empties_depot, which stands for it here. It shares Rcache with the Mirror; its tree, its table
// of ranges and its counters are its own, so that the two can be compared.
//
// Units: pfn and size in granules. Times are the caller's (set_time). Not thread-safe; the sink is called
// inside the calls and must not call back.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "allocator/iova_tree.h"
#include "allocator/kernel_profile.h"
#include "allocator/operation.h"
#include "allocator/rcache.h"
#include "allocator/snapshot.h"

namespace rcached {

class Simulator {
 public:
  using Sink = std::function<void(const Operation&)>;

  struct Range {
    std::uint32_t size = 0;               // extent of the node
    std::uint8_t order = kCachedOrders;   // of its last alloc; kCachedOrders = beyond the cacheable ones
    std::uint8_t cached = kOrderUnknown;  // order under which it is cached, kOrderUnknown when outstanding
  };

  static constexpr std::uint64_t k32BitLimit = (1ull << 20) - 1;  // highest pfn below 4 GiB
  static constexpr std::uint64_t k48BitLimit = (1ull << 36) - 1;

  // Reports domain_init. All CPUs are online.
  Simulator(const KernelProfile& profile, std::uint16_t cpus, Sink sink, std::uint64_t now_ns = 0);

  void set_time(std::uint64_t now_ns) { now_ns_ = now_ns; }

  // alloc_iova_fast. 0 = nothing free below the limit.
  std::uint64_t alloc(std::uint16_t cpu, std::uint32_t size, std::uint64_t limit_pfn = k48BitLimit,
                      bool flush_rcache = true);
  // free_iova_fast. The pfn must be outstanding (otherwise nothing happens); the size may differ from the
  // alloc's.
  void free(std::uint16_t cpu, std::uint64_t pfn, std::uint32_t size);
  // alloc_iova and free_iova by callers that do without the cache.
  std::uint64_t tree_alloc(std::uint16_t cpu, std::uint32_t size, std::uint64_t limit_pfn = k48BitLimit);
  void tree_free(std::uint16_t cpu, std::uint64_t pfn);
  void reserve(std::uint64_t lo, std::uint64_t hi);
  // One run of iova_depot_work_func for every order (unbounded depots; nothing otherwise).
  void reclaim_tick(std::uint16_t cpu, std::uint32_t online_cpus);
  void cpu_offline(std::uint16_t cpu);
  void cpu_online(std::uint16_t cpu) { online_[cpu] = true; }
  // GFP_ATOMIC fails the next time a free needs a magazine.
  void fail_next_magazine_allocation() { fail_magazine_ = true; }
  // fq_flush_timeout and put_iova_domain: reported only.
  void fq_drain(std::uint16_t cpu, std::uint64_t duration_ns);
  void put();

  std::uint16_t cpus() const { return static_cast<std::uint16_t>(online_.size()); }
  bool online(std::uint16_t cpu) const { return online_[cpu]; }
  std::uint32_t online_cpus() const;
  const KernelProfile& profile() const { return profile_; }
  // The truth, for comparison.
  const Rcache& rcache(std::uint8_t order) const { return rcaches_[order]; }
  const std::unordered_map<std::uint64_t, Range>& ranges() const { return ranges_; }
  std::uint64_t tree_ranges() const { return tree_.size(); }
  std::vector<TreeRange> tree() const { return tree_.ranges(); }
  std::uint64_t reserved() const { return reserved_; }
  // Counters only; gauges are 0. Index kCachedOrders = sizes beyond the cacheable ones.
  const OrderSnapshot& counters(std::uint8_t index) const { return counters_[index]; }
  std::uint64_t rcache_flushes() const { return rcache_flushes_; }

 private:
  std::uint64_t alloc_from_tree(std::uint16_t cpu, std::uint32_t size, std::uint64_t limit_pfn);
  void free_to_tree(std::uint16_t cpu, std::uint64_t pfn);
  void free_magazine(std::uint16_t cpu, const Magazine& magazine, std::uint8_t order,
                     MagazineFreeCause cause);
  void flush_cpu(std::uint16_t cpu, std::uint16_t target);
  void flush_depots(std::uint16_t cpu);
  Operation operation(OperationKind kind, std::uint16_t cpu) const;
  void report(const Operation& operation);
  void report_with_fill(Operation operation, std::uint8_t order);

  KernelProfile profile_;
  Sink sink_;
  std::vector<bool> online_;
  std::array<Rcache, kCachedOrders> rcaches_;
  IovaTree tree_;
  std::unordered_map<std::uint64_t, Range> ranges_;  // allocated, by pfn
  std::uint64_t reserved_ = 0;
  std::array<OrderSnapshot, kCachedOrders + 1> counters_{};
  std::uint64_t rcache_flushes_ = 0;
  std::uint64_t now_ns_;
  bool fail_magazine_ = false;
};

}  // namespace rcached
