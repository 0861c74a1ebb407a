// SPDX-License-Identifier: Apache-2.0
#include "allocator/iova_tree.h"

#include <gtest/gtest.h>

namespace rcached {
namespace {

constexpr std::uint64_t kLimit32 = (1ull << 20) - 1;
constexpr std::uint64_t kLimit48 = (1ull << 36) - 1;

TEST(IovaTree, AllocatesFromTheTopAligned) {
  IovaTree tree({});
  EXPECT_EQ(tree.alloc(1, kLimit32), kLimit32);
  EXPECT_EQ(tree.alloc(1, kLimit32), kLimit32 - 1);
  EXPECT_EQ(tree.alloc(4, kLimit32), (1u << 20) - 8);   // aligned to 4: two granules are wasted
  EXPECT_EQ(tree.alloc(3, kLimit32), (1u << 20) - 12);  // 3 is aligned to 4 as well
  EXPECT_EQ(tree.alloc(1, kLimit48), kLimit48);
  EXPECT_EQ(tree.size(), 5u);
}

TEST(IovaTree, PfnZeroIsNeverAllocated) {
  IovaTree tree({});
  for (std::uint64_t pfn = 7; pfn >= 1; --pfn) EXPECT_EQ(tree.alloc(1, 7), pfn);
  EXPECT_EQ(tree.alloc(1, 7), 0u);
}

TEST(IovaTree, FreeFindsTheRangeThatContainsThePfn) {
  IovaTree tree({});
  const std::uint64_t pfn = tree.alloc(8, kLimit32);
  EXPECT_FALSE(tree.free(pfn - 1));
  EXPECT_TRUE(tree.free(pfn + 3));
  EXPECT_FALSE(tree.free(pfn));
  EXPECT_EQ(tree.size(), 0u);
}

TEST(IovaTree, AFailedSizeIsRememberedUntilA32BitRangeIsFreed) {
  IovaTree tree({.dma_32bit_pfn = 16});
  const std::uint64_t pfn = tree.alloc(8, 15);
  EXPECT_EQ(pfn, 8u);
  EXPECT_EQ(tree.alloc(8, 15), 0u);  // 0..7 is not free: pfn 0 is not handed out
  EXPECT_EQ(tree.alloc(4, 15), 4u);
  EXPECT_TRUE(tree.free(8));
  EXPECT_EQ(tree.alloc(8, 15), 8u);
}

// The search starts at the cached node and does not see a gap above it; since 5.11 it tries again from the
// limit.
TEST(IovaTree, GapsAboveTheCachedNodeAreFoundByTheRetryOnly) {
  for (const bool retries : {false, true}) {
    // all requests below are "64-bit"
    IovaTree tree({.dma_32bit_pfn = 4, .retries_above_cached_node = retries});
    for (std::uint64_t pfn = 15; pfn >= 8; --pfn) ASSERT_EQ(tree.alloc(1, 15), pfn);
    for (std::uint64_t pfn = 7; pfn >= 1; --pfn) ASSERT_EQ(tree.alloc(1, 7), pfn);
    ASSERT_TRUE(tree.free(12));
    ASSERT_TRUE(tree.free(13));
    // Freeing moves the cached node up; one more allocation moves it down to 13 again.
    EXPECT_EQ(tree.alloc(1, 15), 13u);
    ASSERT_TRUE(tree.free(14));
    ASSERT_EQ(tree.alloc(1, 15), 14u);
    EXPECT_EQ(tree.alloc(1, 15), 12u);
    EXPECT_EQ(tree.alloc(1, 15), 0u);
    EXPECT_EQ(tree.size(), 15u);
  }
  // A lower limit pulls the cached node below a gap.
  for (const bool retries : {false, true}) {
    IovaTree tree({.dma_32bit_pfn = 4, .retries_above_cached_node = retries});
    ASSERT_EQ(tree.alloc(4, 7), 4u);  // cached node: 4..7
    ASSERT_EQ(tree.alloc(2, 5), 2u);  // cached node: 2..3
    ASSERT_EQ(tree.alloc(1, 5), 1u);  // cached node: 1
    EXPECT_EQ(tree.alloc(4, 31), retries ? 28u : 0u);
  }
}

TEST(IovaTree, ReserveWidensWhatItOverlaps) {
  struct Case {
    std::uint64_t lo, hi;
    bool new_range;
    std::size_t ranges;
  };
  IovaTree tree({});
  const Case steps[] = {
      {10, 19, true, 1}, {12, 15, false, 1},  // within
      {5, 12, false, 1},                      // widened downwards: 5..19
      {15, 25, true, 2},                      // the rest above: 20..25
      {30, 39, true, 3}, {18, 45, true, 4},   // 26..29 joins 30..39 downwards, 40..45 is new
      {1, 50, true, 5},
  };
  for (const Case& step : steps) {
    EXPECT_EQ(tree.reserve(step.lo, step.hi), step.new_range) << step.lo;
    EXPECT_EQ(tree.size(), step.ranges) << step.lo;
  }
  // 1..50 is covered without gaps: nothing fits below 51.
  EXPECT_EQ(tree.alloc(1, 50), 0u);
}

}  // namespace
}  // namespace rcached
