// SPDX-License-Identifier: Apache-2.0
// A depot of the mirror that differs from the kernel's, compared and repaired slice by slice.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "allocator/domain_mirror.h"
#include "allocator/simulated_kernel.h"

namespace rcached::test {
namespace {

class DepotRepairTest : public testing::Test {
 protected:
  static constexpr std::uint64_t kCapacity = kProfile612.magazine_capacity;

  // `magazines` full ones with pfns of their own, bottom to top.
  static std::vector<Pfns> depot_of(std::size_t magazines, std::uint64_t first_pfn = 1) {
    std::vector<Pfns> depot(magazines);
    for (Pfns& pfns : depot) {
      for (std::uint64_t i = 0; i < kCapacity; ++i) pfns.push_back(first_pfn++);
    }
    return depot;
  }
  // The drift that a comparison finds.
  std::uint64_t drift(const std::vector<Pfns>& kernel) {
    std::uint64_t ranges = 0;
    DomainMirror::DepotComparison so_far;
    for (const DepotSlice& slice : slices_of(kernel)) ranges += mirror_.compare(slice, so_far).sum();
    return ranges;
  }
  void adopt(const std::vector<Pfns>& kernel) {
    for (const DepotSlice& slice : slices_of(kernel)) mirror_.adopt(slice);
    ASSERT_EQ(mirror_.model().find_inconsistency(), "");
    ASSERT_EQ(mirror_.model().contents().depots[0], kernel);
  }
  // Of the mirror, a pass after the other; the drift of the first.
  std::uint64_t repair(const std::vector<Pfns>& kernel) {
    const std::uint64_t found = drift(kernel);
    adopt(kernel);
    EXPECT_EQ(drift(kernel), 0u);
    return found;
  }
  std::uint64_t outstanding() const { return mirror_.snapshot().outstanding; }
  // All magazines that both have keep their pfns: `gone` ranges are outstanding after it.
  void expect_repair(const std::vector<Pfns>& mirrored, const std::vector<Pfns>& kernel, std::uint64_t found,
                     std::uint64_t gone) {
    mirror_ = DomainMirror(kProfile612, 1, true);
    adopt(mirrored);
    EXPECT_EQ(repair(kernel), found);
    EXPECT_EQ(outstanding(), gone);
  }

  DomainMirror mirror_{kProfile612, 1, true};
};

TEST_F(DepotRepairTest, AMagazineMissingAnywhereCountsOnce) {
  const auto kernel = depot_of(100);
  for (const std::ptrdiff_t missing : {0, 1, 50, 83, 84, 99}) {
    auto mirrored = kernel;
    mirrored.erase(mirrored.begin() + missing);
    expect_repair(mirrored, kernel, kCapacity, 0);
    expect_repair(kernel, mirrored, kCapacity, kCapacity);  // one too many
  }
}

TEST_F(DepotRepairTest, AMagazineInThePlaceOfAnotherCountsOnce) {
  const auto mirrored = depot_of(100);
  auto kernel = mirrored;
  kernel[50] = depot_of(1, 1'000'000).front();
  expect_repair(mirrored, kernel, kCapacity, kCapacity);
}

TEST_F(DepotRepairTest, OnePfnOtherwiseCountsOnce) {
  const auto mirrored = depot_of(100);
  auto kernel = mirrored;
  kernel[50][3] = 1'000'000;
  kernel[51][0] = 1'000'001;
  kernel[52][kCapacity - 1] = 1'000'002;
  expect_repair(mirrored, kernel, 3, 3);
}

TEST_F(DepotRepairTest, MagazinesOfUnknownContentsGetTheirs) {
  Operation read;
  read.kind = OperationKind::reclaim;
  read.order = 0;
  read.has_depot_fill = true;
  read.fill.depot = 100;
  mirror_ = DomainMirror(kProfile612, 1, false);
  mirror_.apply(read);
  EXPECT_EQ(mirror_.snapshot().depot_cached, 100 * kCapacity);
  EXPECT_EQ(repair(depot_of(100)), 0u);
  EXPECT_EQ(mirror_.snapshot().tree_ranges, 100 * kCapacity);
}

TEST_F(DepotRepairTest, AnyOrderIsRepaired) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    auto all = depot_of(1 + random() % 60);
    const auto some = [&] {
      std::shuffle(all.begin(), all.end(), random);
      std::vector<Pfns> depot(all.begin(),
                              all.begin() + static_cast<std::ptrdiff_t>(random() % (all.size() + 1)));
      if (random() % 2 == 0) std::ranges::sort(depot);
      return depot;
    };
    const auto mirrored = some();
    const auto kernel = some();
    mirror_ = DomainMirror(kProfile612, 1, true);
    adopt(mirrored);
    const std::uint64_t found = repair(kernel);
    EXPECT_EQ(found == 0, mirrored == kernel);
    std::uint64_t gone = 0;
    for (const Pfns& pfns : mirrored) gone += std::ranges::find(kernel, pfns) == kernel.end() ? kCapacity : 0;
    EXPECT_EQ(outstanding(), gone) << "the others keep their pfns";
  }
}

// Operations go on between the slices: pushes and pops at the top.
TEST_F(DepotRepairTest, TheTopStaysRightBetweenTheSlices) {
  auto kernel = depot_of(100);
  auto mirrored = kernel;
  mirrored.erase(mirrored.begin());
  adopt(mirrored);
  const auto slices = slices_of(kernel);
  for (const DepotSlice& slice : slices) {
    mirror_.adopt(slice);
    const auto depot = mirror_.model().rcache(0).depot();
    EXPECT_TRUE(depot.back().holds_exactly(kernel.back()));
    Operation read;
    read.kind = OperationKind::reclaim;
    read.order = 0;
    read.has_depot_fill = true;
    read.fill.depot = 100;
    read.after_loss = true;
    mirror_.apply(read);  // a depot that is being taken over is not corrected by its size
  }
  EXPECT_EQ(mirror_.model().contents().depots[0], kernel);
}

// The whole depot goes between the slices, and the magazines that were too many with it.
TEST_F(DepotRepairTest, TheDepotMayShrinkBetweenTheSlices) {
  const auto slices = slices_of(depot_of(20));
  for (const bool given_up : {false, true}) {
    mirror_ = DomainMirror(kProfile612, 1, true);
    adopt(depot_of(40));
    mirror_.adopt(slices.front());
    while (!mirror_.model().rcache(0).depot().empty()) {
      Operation freed;
      freed.kind = OperationKind::magazine_free;
      freed.cause = MagazineFreeCause::reclaim;
      freed.order = 0;
      freed.size = kCapacity;
      freed.pfn = mirror_.model().rcache(0).depot().back().bottom();
      mirror_.apply(freed);
    }
    if (given_up) {
      mirror_.end_depot(0);
    } else {
      mirror_.adopt(slices.back());
    }
    EXPECT_EQ(mirror_.model().find_inconsistency(), "");
  }
}

}  // namespace
}  // namespace rcached::test
