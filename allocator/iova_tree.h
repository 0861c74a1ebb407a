// SPDX-License-Identifier: Apache-2.0
// IovaTree: the tree of allocated ranges of one domain with the kernel's top-down allocator, for the
// Simulator. Mirrors __alloc_and_insert_iova_range, __cached_rbnode_insert_update / delete_update,
// iova_find_limit, remove_iova and reserve_iova of drivers/iommu/iova.c, 4.15 and later; the retry from above
// the cached node since 5.11. The cached nodes decide which gaps are found, so they are kept as the kernel
// keeps them.
//
// Units: pfns (granules). The anchor at the top of the address space is not a range. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "allocator/contents.h"

namespace rcached {

class IovaTree {
 public:
  struct Options {
    std::uint64_t start_pfn = 1;               // dma-iommu never hands out pfn 0
    std::uint64_t dma_32bit_pfn = 1ull << 20;  // first pfn beyond 4 GiB, for a granule of 4 KiB
    bool retries_above_cached_node = true;     // >= 5.11
  };

  explicit IovaTree(const Options& options);

  // The highest free range of `size` granules with all its pfns <= limit_pfn, aligned to the size rounded up
  // to a power of two, as far as the cached nodes let the kernel find it. 0 = none.
  std::uint64_t alloc(std::uint64_t size, std::uint64_t limit_pfn);
  // Removes the range that contains pfn; false when there is none.
  bool free(std::uint64_t pfn);
  // May widen ranges that overlap. Returns whether a new range was inserted.
  bool reserve(std::uint64_t lo, std::uint64_t hi);

  // All ranges, ascending.
  std::vector<TreeRange> ranges() const;
  std::size_t size() const { return nodes_.size() - 1; }
  const Options& options() const { return options_; }

 private:
  using Nodes = std::map<std::uint64_t, std::uint64_t>;  // low -> high

  Nodes::iterator cached_node_for(std::uint64_t high_pfn);
  void rekey(Nodes::iterator node, std::uint64_t low);

  Options options_;
  Nodes nodes_;
  // Low pfns of the nodes where the next search starts; the anchor at first.
  std::uint64_t cached_node_;
  std::uint64_t cached32_node_;
  std::uint64_t max32_alloc_size_;  // a 32-bit request of this size or more is known to fail
};

}  // namespace rcached
