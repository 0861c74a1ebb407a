// SPDX-License-Identifier: Apache-2.0
#include "allocator/magazine.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

namespace rcached {
namespace {

Magazine with(std::initializer_list<std::uint64_t> pfns, std::uint32_t unknown = 0) {
  Magazine magazine;
  magazine.add_unknown(unknown);
  for (const std::uint64_t pfn : pfns) magazine.push(pfn, 8);
  return magazine;
}

std::vector<std::uint64_t> contents(const Magazine& magazine) {
  return {magazine.known().begin(), magazine.known().end()};
}

TEST(Magazine, PopScansFromTheTopAndTheTopFillsTheHole) {
  struct Case {
    std::initializer_list<std::uint64_t> before;
    std::uint64_t max_pfn;
    std::uint64_t popped;  // 0 = none
    std::vector<std::uint64_t> after;
  };
  const Case cases[] = {
      {{}, 100, 0, {}},
      {{10}, 100, 10, {}},
      {{10, 20, 30}, 100, 30, {10, 20}},
      {{10, 20, 30}, 30, 30, {10, 20}},          // the bound itself is allowed
      {{10, 20, 30}, 29, 20, {10, 30}},          // 30 moves into the slot of 20
      {{10, 20, 30, 40}, 15, 10, {40, 20, 30}},  // found at the bottom
      {{10, 50, 20, 60, 40}, 30, 20, {10, 50, 40, 60}},
      {{10, 20, 30}, 9, 0, {10, 20, 30}},  // everything is above the limit
  };
  for (const Case& c : cases) {
    Magazine magazine = with(c.before);
    const std::int32_t slot = magazine.find_pop(c.max_pfn);
    if (c.popped == 0) {
      EXPECT_EQ(slot, Magazine::kNone);
    } else {
      ASSERT_GE(slot, 0);
      EXPECT_EQ(magazine.take(slot), c.popped);
    }
    EXPECT_EQ(contents(magazine), c.after);
  }
}

TEST(Magazine, UnknownSlotsLieBelowTheKnownOnes) {
  Magazine magazine = with({50, 60}, 3);
  EXPECT_EQ(magazine.size(), 5u);
  EXPECT_EQ(magazine.bottom(), 0u);
  EXPECT_EQ(magazine.find_pop(70), 1);
  EXPECT_EQ(magazine.find_pop(55), 0);
  EXPECT_EQ(magazine.find_pop(40), Magazine::kUnknown);
  magazine.take_unknown();  // the top, 60, fills the slot of the unknown one
  EXPECT_EQ(magazine.unknown(), 2u);
  EXPECT_EQ(contents(magazine), (std::vector<std::uint64_t>{60, 50}));
}

TEST(Magazine, FindsAndReplaces) {
  Magazine magazine = with({1, 2, 3});
  EXPECT_EQ(magazine.find(2), 1);
  EXPECT_EQ(magazine.find(9), Magazine::kNone);
  magazine.replace(1, 9);
  EXPECT_EQ(contents(magazine), (std::vector<std::uint64_t>{1, 9, 3}));
  EXPECT_EQ(magazine.drop_lowest_known(), 1u);
  EXPECT_EQ(magazine.drop_top(), 3u);
  EXPECT_EQ(magazine.bottom(), 9u);
  magazine.clear();
  EXPECT_TRUE(magazine.empty());
  EXPECT_EQ(magazine, Magazine());
}

}  // namespace
}  // namespace rcached
