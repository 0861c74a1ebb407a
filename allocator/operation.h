// SPDX-License-Identifier: Apache-2.0
// Operation: one step of the kernel's IOVA allocator as the model sees it. The daemon translates events
// into operations; the Simulator produces them; the Mirror applies them. Plain value type.
//
// Every operation describes the state after the kernel function returned. Nested calls come first: the
// tree_alloc of a missing alloc precedes that alloc, the magazine_free of a depot overflow precedes its free.
// Units: pfn and size in granules; times in nanoseconds of one monotonic clock.
#pragma once

#include <cstdint>

namespace rcached {

enum class OperationKind : std::uint8_t {
  alloc,          // alloc_iova_fast: pfn (0 = failed), size as asked, limit_pfn, served_by
  free,           // free_iova_fast / iova_rcache_insert: pfn, size, served_by, overflowed
  tree_alloc,     // alloc_iova: pfn (0 = no space below the limit), size, duration_ns
  tree_free,      // free_iova: pfn
  magazine_free,  // iova_magazine_free_pfns: pfn = bottom element, size = elements, cause, order if known,
                  // duration_ns
  cpu_flush,      // free_cpu_cached_iovas: target_cpu is empty now in all orders
  reclaim,        // iova_depot_work_func ran: order, fill.depot = what is left
  reserve,        // reserve_iova: [pfn, pfn_hi]
  domain_init,    // init_iova_domain: the domain is new and empty
  domain_put,     // put_iova_domain: everything in it is gone
  fq_drain,       // fq_flush_timeout: duration_ns, size = ranges it freed on this CPU
};

enum class ServedBy : std::uint8_t { cache, tree };
enum class MagazineFreeCause : std::uint8_t { overflow, reclaim, flush };

// Fill of one (cpu, order) and of that order's depot, as read in the probe after the operation.
struct Fill {
  std::uint16_t loaded = 0;
  std::uint16_t prev = 0;
  std::uint32_t depot = 0;  // magazines
  friend bool operator==(const Fill&, const Fill&) = default;
};

inline constexpr std::uint8_t kOrderUnknown = 0xff;

struct Operation {
  std::uint64_t time_ns = 0;
  std::uint64_t pfn = 0;
  union {                         // one of them, by kind
    std::uint64_t limit_pfn = 0;  // alloc
    std::uint64_t pfn_hi;         // reserve
    std::uint64_t
        duration_ns;  // tree_alloc, magazine_free, reclaim, fq_drain; 0: the entry of the call was missed
  };
  std::uint32_t size = 0;
  std::uint16_t cpu = 0;
  std::uint16_t target_cpu = 0;
  Fill fill;
  OperationKind kind = OperationKind::alloc;
  ServedBy served_by = ServedBy::cache;
  MagazineFreeCause cause = MagazineFreeCause::overflow;
  std::uint8_t order = kOrderUnknown;  // magazine_free, reclaim
  bool overflowed = false;
  bool has_fill = false;        // loaded, prev and depot are valid
  bool has_depot_fill = false;  // at least depot is valid
  bool after_loss = false;      // operations of this CPU were lost just before
};
static_assert(sizeof(Operation) == 48);  // millions a second are copied

}  // namespace rcached
