// SPDX-License-Identifier: Apache-2.0
#include "allocator/domain_model.h"

#include <gtest/gtest.h>

#include "allocator/test_support.h"

namespace rcached {
namespace {

class DomainModelTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kCapacity = 3;
  const CacheLocation kLoaded = CacheLocation::loaded(0, 0);

  void cache(std::uint64_t pfn, std::uint8_t order = 0, std::uint16_t cpu = 0) {
    const Range& range = model_.add_range(pfn, std::uint64_t{1} << order);
    if (model_.insert_without_depot(range, order, cpu)) return;
    model_.push_loaded_to_depot(order, cpu);
    ASSERT_TRUE(model_.insert_without_depot(range, order, cpu));
  }
  DomainSnapshot sheet() const {
    EXPECT_EQ(model_.find_inconsistency(), "");
    DomainSnapshot snapshot;
    model_.fill(snapshot);
    return snapshot;
  }
  // tree, outstanding, cpu cached, depot cached, reserved
  void expect_sheet(std::uint64_t tree, std::uint64_t outstanding, std::uint64_t cpu, std::uint64_t depot,
                    std::uint64_t reserved = 0) const {
    const DomainSnapshot snapshot = sheet();
    EXPECT_EQ(snapshot.tree_ranges, tree);
    EXPECT_EQ(snapshot.outstanding, outstanding);
    EXPECT_EQ(snapshot.cpu_cached, cpu);
    EXPECT_EQ(snapshot.depot_cached, depot);
    EXPECT_EQ(snapshot.reserved, reserved);
    EXPECT_EQ(snapshot.unaccounted, 0);
  }

  DomainModel model_{test::scaled(kProfile61, kCapacity, 2)};
};

TEST_F(DomainModelTest, ARangeStaysInTheTreeWhileItIsCached) {
  model_.add_range(100, 4);
  model_.add_range(200, 64);
  expect_sheet(2, 2, 0, 0);
  EXPECT_EQ(sheet().orders[2].outstanding, 1u);
  EXPECT_EQ(sheet().orders[kCachedOrders].outstanding, 1u);
  ASSERT_TRUE(model_.insert_without_depot(*model_.find(100), 2, 5));
  expect_sheet(2, 1, 1, 0);
  model_.remove_range(200);
  expect_sheet(1, 0, 1, 0);
  const Range& range = *model_.find(100);
  model_.take(range, *model_.locate(range));
  expect_sheet(1, 1, 0, 0);
}

TEST_F(DomainModelTest, ThePfnMayEnterALowerOrderThanItsNode) {
  const Range& range = model_.add_range(64, 16);
  ASSERT_TRUE(model_.insert_without_depot(range, 1, 0));
  EXPECT_EQ(range.size, 16u);
  EXPECT_EQ(range.magazine.order(), 1);
  EXPECT_EQ(sheet().orders[1].cpu_cached, 1u);
  EXPECT_EQ(sheet().orders[4].cpu_cached, 0u);
}

TEST_F(DomainModelTest, GaugesCountTheCpusSeen) {
  cache(1);
  cache(2, 0, 7);
  model_.see_cpu(0, 3);
  const DomainSnapshot snapshot = sheet();
  EXPECT_EQ(snapshot.orders[0].cpus_holding, 2u);
  EXPECT_EQ(snapshot.orders[0].cpu_capacity, 3u * 2 * kCapacity);
  ASSERT_EQ(snapshot.cpu_fills.size(), 3u);
  EXPECT_EQ(snapshot.cpu_fills[0], (CpuFill{0, 0, 1, 0}));
  EXPECT_EQ(snapshot.cpu_fills[1], (CpuFill{3, 0, 0, 0}));
  EXPECT_EQ(snapshot.cpu_fills[2], (CpuFill{7, 0, 1, 0}));
}

TEST_F(DomainModelTest, LocatesInLoadedPrevAndDepot) {
  for (std::uint64_t pfn = 1; pfn <= 8; ++pfn) cache(pfn);  // prev 1 2 3, depot [4 5 6], loaded 7 8
  struct Case {
    std::uint64_t pfn;
    RcacheSource source;
    std::int32_t slot;
  };
  for (const Case& c :
       {Case{7, RcacheSource::loaded, 0}, Case{2, RcacheSource::prev, 1}, Case{6, RcacheSource::depot, 2}}) {
    const auto at = model_.locate(*model_.find(c.pfn));
    ASSERT_TRUE(at);
    EXPECT_EQ(at->source, c.source);
    EXPECT_EQ(at->slot, c.slot);
  }
  EXPECT_FALSE(model_.locate(model_.add_range(50, 1)));
}

TEST_F(DomainModelTest, TakingFromADepotMagazineOrphansAllOfIt) {
  for (std::uint64_t pfn = 1; pfn <= 8; ++pfn) cache(pfn);
  expect_sheet(8, 0, 5, 3);
  const Range& range = *model_.find(5);
  model_.take(range, *model_.locate(range));
  expect_sheet(8, 3, 5, 0);
}

TEST_F(DomainModelTest, ReleasingAMagazineEmptiesItToTheTree) {
  for (std::uint64_t pfn = 1; pfn <= 3; ++pfn) cache(pfn, 2);
  model_.release(CacheLocation::loaded(2, 0));
  expect_sheet(0, 0, 0, 0);
  EXPECT_EQ(sheet().orders[2].tree_frees, 3u);
  EXPECT_EQ(model_.find(1), nullptr);
}

TEST_F(DomainModelTest, UnknownSlotsCountInTheTreeAndGetNames) {
  EXPECT_EQ(model_.resize(kLoaded, 2), 2u);
  expect_sheet(2, 0, 2, 0);
  model_.take_unknown(0, 0, 77, 1, true);  // never seen before
  expect_sheet(2, 1, 1, 0);
  model_.add_range(88, 1);
  model_.take_unknown(0, 0, 88, 1, true);  // counted as outstanding already: the double goes
  expect_sheet(2, 2, 0, 0);
}

TEST_F(DomainModelTest, WhatBadFreesLeaveInAMagazineIsASlotOfUnknownContents) {
  model_.replace(kLoaded, {5, 0, 5});  // freed twice, and pfn 0, which was never allocated
  expect_sheet(3, 0, 3, 0);
  EXPECT_EQ(model_.magazine_at(kLoaded).unknown(), 2u);
  EXPECT_EQ(model_.find(0), nullptr);
  model_.replace(kLoaded, {});
  expect_sheet(1, 1, 0, 0);
}

TEST_F(DomainModelTest, ARangeThatBeginsAtPfn0IsReserved) {
  model_.add_found({0, 9}, false, true);
  model_.add_found({0, 9}, false, true);
  model_.add_found({10, 10}, false, true);
  expect_sheet(2, 1, 0, 0, 1);
}

TEST_F(DomainModelTest, ResizeDropsUnknownSlotsFirstThenTheLowestKnown) {
  cache(1);
  cache(2);
  model_.resize(kLoaded, 3);
  EXPECT_EQ(model_.resize(kLoaded, 1), 2u);
  expect_sheet(2, 1, 1, 0);
  EXPECT_EQ(model_.magazine_at(kLoaded).bottom(), 2u);
  EXPECT_FALSE(model_.find(1)->cached());
  EXPECT_EQ(model_.resize(kLoaded, 1000), kCapacity - 1);  // never beyond the capacity
}

TEST_F(DomainModelTest, DepotsAreAdoptedAndBounded) {
  EXPECT_EQ(model_.resize_depot(0, 1, false), 1u);
  expect_sheet(3, 0, 0, 3);
  EXPECT_EQ(model_.resize_depot(0, 4'000'000'000u, true), 1u);
  expect_sheet(6, 0, 0, 6);
  EXPECT_EQ(model_.resize_depot(0, 0, true), 2u);
  expect_sheet(0, 0, 0, 0);
  // Pushes may pass the bound for a moment, but not for ever.
  for (std::uint64_t pfn = 1; pfn <= 100; ++pfn) cache(pfn);
  EXPECT_EQ(model_.rcache(0).depot().size(), 2u + DomainModel::kDepotSlack);
  EXPECT_EQ(sheet().tree_ranges, 100u);
}

TEST_F(DomainModelTest, ReserveAsTheKernelDoes) {
  model_.reserve(10, 19);
  expect_sheet(1, 0, 0, 0, 1);
  model_.reserve(5, 15);  // widened
  expect_sheet(1, 0, 0, 0, 1);
  model_.reserve(12, 30);  // 20..30
  expect_sheet(2, 0, 0, 0, 2);
  model_.reserve(9, 3);  // nothing
  expect_sheet(2, 0, 0, 0, 2);
  // An allocated range that overlaps is widened as well, and stays one range.
  model_.add_range(40, 8);
  model_.reserve(36, 43);
  expect_sheet(3, 1, 0, 0, 2);
  model_.reserve(37, 38);  // within what was widened
  expect_sheet(3, 1, 0, 0, 2);
  model_.remove_range(40);
  model_.reserve(37, 38);
  expect_sheet(3, 0, 0, 0, 3);
}

TEST_F(DomainModelTest, InconsistenciesAreFound) {
  model_.add_range(1, 1);
  auto& rcache = const_cast<Rcache&>(model_.rcache(0));
  rcache.insert_without_depot(0, 1);
  EXPECT_NE(model_.find_inconsistency(), "");
  rcache.take_loaded(0);
  EXPECT_EQ(model_.find_inconsistency(), "");
  rcache.add_to_depot(0, 0);
  EXPECT_NE(model_.find_inconsistency(), "");
}

}  // namespace
}  // namespace rcached
