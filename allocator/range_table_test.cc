// SPDX-License-Identifier: Apache-2.0
#include "allocator/range_table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace rcached {
namespace {

// What for_each() visits, by pfn.
std::unordered_map<std::uint64_t, std::uint32_t> sizes(const RangeTable& table) {
  std::unordered_map<std::uint64_t, std::uint32_t> found;
  table.for_each([&](const Range& range) {
    EXPECT_TRUE(found.emplace(range.pfn, range.size).second) << range.pfn << " was visited twice";
  });
  return found;
}

TEST(RangeTableTest, FindsWhatWasInserted) {
  RangeTable table;
  EXPECT_EQ(table.find(7), nullptr);
  EXPECT_EQ(table.find(0), nullptr);
  table.insert(7).size = 3;
  table.insert(RangeTable::kMaxPfn).size = 4;
  EXPECT_EQ(table.find(7)->size, 3u);
  EXPECT_EQ(table.find(RangeTable::kMaxPfn)->size, 4u);
  EXPECT_FALSE(table.contains(8));
  EXPECT_EQ(table.size(), 2u);
  EXPECT_TRUE(table.erase(7));
  EXPECT_FALSE(table.erase(7));
  EXPECT_EQ(table.find(7), nullptr);
  EXPECT_EQ(table.size(), 1u);
  EXPECT_EQ(table.find(0), nullptr);
}

TEST(RangeTableTest, ANewRangeIsBlank) {
  RangeTable table;
  table.insert(7).before_start = true;
  table.erase(7);
  const Range& range = table.insert(7);
  EXPECT_EQ(range.size, 0u);
  EXPECT_FALSE(range.before_start);
  EXPECT_FALSE(range.cached());
}

TEST(RangeTableTest, MovesWithItsRanges) {
  RangeTable table;
  for (std::uint64_t pfn = 1; pfn <= 5000; ++pfn) table.insert(pfn).size = 1;
  RangeTable other = std::move(table);
  table = RangeTable();
  EXPECT_EQ(other.size(), 5000u);
  EXPECT_TRUE(other.contains(4711));
  EXPECT_EQ(table.size(), 0u);
  EXPECT_FALSE(table.contains(4711));
}

// Against a map of the standard library, through growth and decline; pfns aligned as the kernel's are.
TEST(RangeTableTest, EqualsAMap) {
  for (const std::uint64_t alignment : {1, 32, 4096}) {
    SCOPED_TRACE(alignment);
    RangeTable table;
    std::unordered_map<std::uint64_t, std::uint32_t> expected;
    std::mt19937_64 random(alignment);
    for (const std::uint64_t target : {10'000, 100, 30'000, 0}) {
      while (expected.size() != target) {
        const bool grow = (expected.size() < target) == (random() % 4 != 0);
        std::uint64_t pfn = ((1ull << 36) - (random() % 200'000) - 1) * alignment;
        if (grow) {
          const auto size = static_cast<std::uint32_t>(random());
          if (expected.emplace(pfn, size).second) table.insert(pfn).size = size;
        } else {
          if (!expected.empty()) pfn = expected.begin()->first;
          ASSERT_EQ(table.erase(pfn), expected.erase(pfn) == 1);
        }
        const Range* range = table.find(pfn);
        const auto it = expected.find(pfn);
        ASSERT_EQ(range != nullptr, it != expected.end());
        if (range != nullptr) {
          ASSERT_EQ(range->size, it->second);
        }
        ASSERT_EQ(table.size(), expected.size());
      }
      ASSERT_EQ(sizes(table), expected);
    }
  }
}

TEST(RangeTableTest, ForEachMayChangeRanges) {
  RangeTable table;
  for (std::uint64_t pfn = 1; pfn <= 5000; ++pfn) table.insert(pfn);
  table.for_each([](Range& range) { range.size = static_cast<std::uint32_t>(range.pfn); });
  for (std::uint64_t pfn = 1; pfn <= 5000; ++pfn) ASSERT_EQ(table.find(pfn)->size, pfn);
}

// While a million ranges come, from the top of the address space down as in the kernel, and go again.
TEST(RangeTableTest, TakesLittleMemoryAndGivesItBack) {
  constexpr std::uint64_t kRanges = 1'000'000;
  RangeTable table;
  const std::size_t empty = table.bytes();
  for (std::uint64_t i = 0; i < kRanges; ++i) {
    table.insert((1ull << 36) - i);
    if (table.size() >= 10'000) {
      ASSERT_LE(table.bytes(), table.size() * 26) << table.size();
    }
  }
  for (std::uint64_t i = 0; i < kRanges; ++i) {
    ASSERT_TRUE(table.erase((1ull << 36) - i));
    if (table.size() >= 10'000) {
      ASSERT_LE(table.bytes(), table.size() * 40) << table.size();
    }
  }
  EXPECT_EQ(table.bytes(), empty);
}

// The bound behind "no long pauses": one call moves at most two segments.
TEST(RangeTableTest, GrowsInSmallSteps) {
  constexpr std::size_t kTwoSegments = 2 * RangeTable::kMaxCapacity * sizeof(Range);
  RangeTable table;
  std::size_t before = table.bytes();
  for (std::uint64_t i = 0; i < 300'000; ++i) {
    table.insert((1ull << 36) - (i * 32));
    const std::size_t now = table.bytes();
    ASSERT_LE(now > before ? now - before : before - now, kTwoSegments);
    before = now;
  }
}

std::set<std::uint64_t> unmarked(RangeTable& table) {
  std::set<std::uint64_t> found;
  table.take_unmarked([&](const Range& range) { EXPECT_TRUE(found.insert(range.pfn).second); });
  return found;
}

TEST(RangeTableTest, KnowsWhatHasNotBeenMarked) {
  RangeTable table;
  table.insert(1);
  table.begin_marks();
  table.insert(2);
  EXPECT_EQ(unmarked(table), std::set<std::uint64_t>{1}) << "a new one is marked";
  EXPECT_TRUE(unmarked(table).empty()) << "they are marked then";
  table.begin_marks();
  table.mark(*table.find(1));
  table.mark(*table.find(1));
  EXPECT_EQ(unmarked(table), std::set<std::uint64_t>{2});
}

// While segments grow, shrink, split and merge.
TEST(RangeTableTest, MarksStayWithTheirRanges) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    std::mt19937_64 random(seed);
    RangeTable table;
    std::set<std::uint64_t> there;
    for (int walk = 0; walk < 20; ++walk) {
      table.begin_marks();
      std::set<std::uint64_t> expected = there;
      const bool growing = random() % 2 == 0;
      for (int step = 0; step < 6000; ++step) {
        const std::uint64_t pfn = 1 + random() % 9000;
        switch (random() % 4) {
          case 0:
            if (growing && there.insert(pfn).second) table.insert(pfn);
            break;
          case 1:
            if (!growing && there.erase(pfn) != 0) table.erase(pfn);
            expected.erase(pfn);
            if (growing && there.contains(pfn)) table.mark(*table.find(pfn));
            break;
          default:
            if (!there.contains(pfn)) break;
            table.mark(*table.find(pfn));
            expected.erase(pfn);
        }
      }
      if (walk % 4 == 3) continue;  // abandoned
      std::erase_if(expected, [&](std::uint64_t pfn) { return !there.contains(pfn); });
      ASSERT_EQ(unmarked(table), expected) << "seed " << seed << ", walk " << walk;
    }
  }
}

}  // namespace
}  // namespace rcached
