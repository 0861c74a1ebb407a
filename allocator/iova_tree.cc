// SPDX-License-Identifier: Apache-2.0
#include "allocator/iova_tree.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <limits>
#include <utility>

namespace rcached {
namespace {

constexpr std::uint64_t kAnchor = std::numeric_limits<std::uint64_t>::max();

}  // namespace

IovaTree::IovaTree(const Options& options)
    : options_(options),
      cached_node_(kAnchor),
      cached32_node_(kAnchor),
      max32_alloc_size_(options.dma_32bit_pfn) {
  nodes_[kAnchor] = kAnchor;
}

IovaTree::Nodes::iterator IovaTree::cached_node_for(std::uint64_t high_pfn) {
  return nodes_.find(high_pfn <= options_.dma_32bit_pfn ? cached32_node_ : cached_node_);
}

std::uint64_t IovaTree::alloc(std::uint64_t size, std::uint64_t limit_pfn) {
  size = std::max<std::uint64_t>(size, 1);
  const std::uint64_t end = limit_pfn == kAnchor ? kAnchor : limit_pfn + 1;  // exclusive
  if (end <= options_.dma_32bit_pfn && size >= max32_alloc_size_) return 0;

  const std::uint64_t alignment = std::bit_ceil(size);
  auto node = cached_node_for(end);
  const std::uint64_t retry_pfn = node->second;
  std::uint64_t low = options_.start_pfn;
  std::uint64_t high = end;
  while (true) {
    // Gaps from the top: below `node`, above its predecessor.
    bool found = false;
    while (true) {
      high = std::min(high, node->first);
      if (high < size) break;
      const std::uint64_t pfn = (high - size) & ~(alignment - 1);
      if (pfn < low) break;
      if (node == nodes_.begin() || pfn > std::prev(node)->second) {
        found = true;
        break;
      }
      --node;
    }
    if (found) {
      const std::uint64_t pfn = (high - size) & ~(alignment - 1);
      nodes_[pfn] = pfn + size - 1;
      (pfn + size - 1 < options_.dma_32bit_pfn ? cached32_node_ : cached_node_) = pfn;
      return pfn;
    }
    // Once more from the limit down to where the search began.
    if (!options_.retries_above_cached_node || low != options_.start_pfn || retry_pfn >= end) break;
    high = end;
    low = retry_pfn + 1;
    node = nodes_.lower_bound(end);
  }
  max32_alloc_size_ = size;
  return 0;
}

bool IovaTree::free(std::uint64_t pfn) {
  auto node = nodes_.upper_bound(pfn);
  if (node == nodes_.begin()) return false;
  --node;
  if (node->first == kAnchor || pfn > node->second) return false;
  const std::uint64_t next = std::next(node)->first;
  const auto [low, high] = *node;
  if (low == cached32_node_ || (high < options_.dma_32bit_pfn && low >= cached32_node_))
    cached32_node_ = next;
  if (low < options_.dma_32bit_pfn) max32_alloc_size_ = options_.dma_32bit_pfn;
  if (low >= cached_node_) cached_node_ = next;
  nodes_.erase(node);
  return true;
}

void IovaTree::rekey(Nodes::iterator node, std::uint64_t low) {
  if (cached_node_ == node->first) cached_node_ = low;
  if (cached32_node_ == node->first) cached32_node_ = low;
  auto handle = nodes_.extract(node);
  handle.key() = low;
  nodes_.insert(std::move(handle));
}

bool IovaTree::reserve(std::uint64_t lo, std::uint64_t hi) {
  auto node = nodes_.upper_bound(lo);
  if (node != nodes_.begin() && std::prev(node)->second >= lo) --node;
  while (node->first != kAnchor && node->first <= hi) {  // overlaps
    const std::uint64_t node_hi = node->second;
    const auto next = std::next(node);
    if (lo < node->first) rekey(node, lo);
    if (hi <= node_hi) return false;
    lo = node_hi + 1;
    node = next;
  }
  nodes_[lo] = hi;
  return true;
}

std::vector<TreeRange> IovaTree::ranges() const {
  std::vector<TreeRange> ranges;
  ranges.reserve(size());
  for (auto node = nodes_.begin(); node != std::prev(nodes_.end()); ++node) {
    ranges.push_back({node->first, node->second});
  }
  return ranges;
}

}  // namespace rcached
