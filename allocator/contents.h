// SPDX-License-Identifier: Apache-2.0
// Contents: what one domain's rcaches, depots and tree hold, pfn for pfn, as read out of the kernel's memory
// (daemon/source/kernel_reader.h) or out of the model (DomainModel::contents). The mirror is seeded, audited
// and repaired with them, piece by piece: a piece is what could be read at one instant.
//
// Mirrors struct iova_magazine, iova_rcache, iova_domain.rbroot of drivers/iommu/iova.c, 4.15 and later. A
// NULL magazine is an empty one. Units: pfn in granules; times in nanoseconds of the operations' clock. Plain
// values.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "allocator/kernel_profile.h"

namespace rcached {

using Pfns = std::vector<std::uint64_t>;  // of one magazine, bottom to top

// When the kernel was looked at: all of the piece was true at some time in [begin_ns, end_ns].
struct ReadingTime {
  std::uint64_t begin_ns = 0;
  std::uint64_t end_ns = 0;
  friend bool operator==(const ReadingTime&, const ReadingTime&) = default;
};

// loaded and prev of one CPU, all orders.
struct CpuContents {
  struct Order {
    Pfns loaded;
    Pfns prev;
    friend bool operator==(const Order&, const Order&) = default;
  };
  ReadingTime time;
  std::uint16_t cpu = 0;
  std::uint16_t magazines = 0;  // allocated ones (not NULL), empty or not
  // Read from another CPU, so that this one was not interrupted: it may have been in the middle of an operation.
  bool remote = false;
  std::array<Order, kCachedOrders> orders;
};

// Some magazines of one order's depot. Positions count from the bottom (0), so they stay while others are
// pushed and popped above. The slices of one reading come from the top down.
struct DepotSlice {
  ReadingTime time;
  std::uint8_t order = 0;
  std::uint32_t depot_size = 0;  // magazines in all of the depot at the time of the reading
  std::uint32_t first = 0;       // position of magazines.front()
  std::vector<Pfns> magazines;   // bottom to top
  bool last = true;              // no more slices come of this reading of the depot
};

struct TreeRange {
  std::uint64_t lo = 0;
  std::uint64_t hi = 0;  // included
  friend bool operator==(const TreeRange&, const TreeRange&) = default;
};

// Every range with from <= lo <= to, ascending. The anchor is not a range.
struct TreeSlice {
  ReadingTime time;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::vector<TreeRange> ranges;
};

// All of a domain. From the model, unknown slots (see magazine.h) are pfn 0.
struct DomainContents {
  std::vector<CpuContents> cpus;  // by cpu
  std::array<std::vector<Pfns>, kCachedOrders> depots;
  std::vector<TreeRange> tree;
};

}  // namespace rcached
