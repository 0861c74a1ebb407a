// SPDX-License-Identifier: Apache-2.0
// KernelProfile: everything that differs between generations of drivers/iommu/iova.c and that the
// model must know. The values come from the kernel's BTF (vendors change them), never from a version
// string; the named profiles below are for tests, the simulator and synthetic load.
//
// Immutable value type; safe to share between threads.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace rcached {

// Orders 0..5 (sizes 1..32 granules) have an rcache in every generation.
inline constexpr unsigned kCachedOrders = 6;
inline constexpr std::uint64_t kMaxCachedSize = 1u << (kCachedOrders - 1);

enum class DepotKind : std::uint8_t {
  bounded,    // <= 6.6: an array; when it is full a whole magazine is freed to the tree
  unbounded,  // >= 6.7: a list; a worker frees magazines above num_online_cpus()
};

struct KernelProfile {
  std::string_view name = "unknown";
  DepotKind depot = DepotKind::bounded;
  std::uint32_t magazine_capacity = 127;  // pfns in a magazine (iova_magazine.pfns[])
  std::uint32_t depot_capacity = 32;      // magazines; 0 for an unbounded depot
  bool alloc_rounds_size = true;        // >= 5.17: alloc_iova_fast rounds sizes below 32 up to a power of two
  bool flush_empties_depot = true;      // >= 5.11: the emergency flush also frees every depot
  std::uint32_t magazine_bytes = 1024;  // what the slab gives for a struct iova_magazine
  std::uint32_t range_bytes = 40;       // sizeof(struct iova)

  friend bool operator==(const KernelProfile&, const KernelProfile&) = default;
};

// The three generations of the kernels this project follows.
inline constexpr KernelProfile kProfile510{"bounded-128", DepotKind::bounded, 128, 32, false, false, 2048};
inline constexpr KernelProfile kProfile61{"bounded-127", DepotKind::bounded, 127, 32, true, true};
inline constexpr KernelProfile kProfile612{"unbounded-127", DepotKind::unbounded, 127, 0, true, true};

// order_base_2(size): 1 -> 0, 2 -> 1, 3..4 -> 2, ... Size 0 counts as 1. Above 32 the result is >= 6:
// such sizes bypass the rcache on both alloc and free.
constexpr unsigned order_of(std::uint64_t size) {
  return size <= 1 ? 0 : static_cast<unsigned>(std::bit_width(size - 1));
}

}  // namespace rcached
