// SPDX-License-Identifier: Apache-2.0
#include "allocator/trend.h"

#include <gtest/gtest.h>

#include "allocator/diagnosis.h"

namespace rcached {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

Snapshot snapshot_of(std::initializer_list<std::uint64_t> ids) {
  Snapshot snapshot;
  for (const std::uint64_t id : ids) snapshot.domains.emplace_back().id = id;
  return snapshot;
}

TEST(Trend, LevelsHaveTheSlopeOfTheBestLineAndCountersTheirDifference) {
  Trend trend;
  Snapshot snapshot = snapshot_of({7});
  DomainSnapshot& domain = snapshot.domains[0];
  for (std::uint64_t second = 0; second <= 30; ++second) {
    domain.tree_ranges = 1000 + 5 * second;
    domain.outstanding = 5000 - 3 * second;                 // falls
    domain.cpu_cached = 500 + (second % 2 == 0 ? 0 : 100);  // swings
    domain.depot_cached = 127 * second;
    domain.orders[2].depot_magazines = static_cast<std::uint32_t>(second);
    domain.orders[0].allocations = 100 * second;
    domain.orders[kCachedOrders].allocations = 20 * second;
    domain.orders[1].frees = 50 * second;
    domain.orders[1].depot_overflows = second / 2;
    domain.depot_overflow.sum_ns = 1'000'000 * second;
    trend.observe(snapshot, 100 * kSecond + second * kSecond);
  }
  const auto rates = trend.rates(7);
  ASSERT_TRUE(rates);
  EXPECT_DOUBLE_EQ(rates->seconds, 30);
  EXPECT_NEAR(rates->tree_ranges, 5, 1e-9);
  EXPECT_NEAR(rates->outstanding, -3, 1e-9);
  EXPECT_NEAR(rates->cpu_cached, 0, 0.5) << "a swing is no growth";
  EXPECT_NEAR(rates->depot_cached, 127, 1e-9);
  EXPECT_NEAR(rates->depot_magazines[2], 1, 1e-9);
  EXPECT_EQ(rates->depot_magazines[3], 0);
  EXPECT_DOUBLE_EQ(rates->allocations, 120);
  EXPECT_DOUBLE_EQ(rates->uncacheable_allocations, 20);
  EXPECT_DOUBLE_EQ(rates->frees, 50);
  EXPECT_DOUBLE_EQ(rates->depot_overflows, 0.5);
  EXPECT_DOUBLE_EQ(rates->depot_overflow_seconds, 0.001);
}

TEST(Trend, LooksBackAMinuteOnly) {
  Trend trend;
  Snapshot snapshot = snapshot_of({1});
  for (std::uint64_t second = 0; second <= 300; ++second) {
    snapshot.domains[0].tree_ranges = second < 200 ? 10 * second : 2000;  // growth that ended 100 s ago
    trend.observe(snapshot, second * kSecond);
  }
  EXPECT_DOUBLE_EQ(trend.rates(1)->seconds, 60);
  EXPECT_EQ(trend.rates(1)->tree_ranges, 0);
}

TEST(Trend, FrequentSnapshotsAreThinnedOutAndTheLatestCounts) {
  Trend trend;
  Snapshot snapshot = snapshot_of({1});
  for (std::uint64_t tenth = 0; tenth <= 105; ++tenth) {
    snapshot.domains[0].orders[0].frees = 7 * tenth;
    trend.observe(snapshot, tenth * kSecond / 10);
  }
  EXPECT_DOUBLE_EQ(trend.rates(1)->seconds, 10.5);
  EXPECT_DOUBLE_EQ(trend.rates(1)->frees, 70);
}

TEST(Trend, RareSnapshotsStillHaveRates) {
  Trend trend;
  Snapshot snapshot = snapshot_of({1});
  for (std::uint64_t minute = 0; minute < 5; ++minute) {
    snapshot.domains[0].orders[0].frees = 120 * minute;
    trend.observe(snapshot, minute * 60 * kSecond);
  }
  EXPECT_DOUBLE_EQ(trend.rates(1)->frees, 2);
}

TEST(Trend, WhatIsNewOrGoneOrStartedAnewHasNone) {
  Trend trend;
  Snapshot snapshot = snapshot_of({1, 2});
  snapshot.domains[0].orders[0].frees = 10;
  trend.observe(snapshot, kSecond);
  EXPECT_FALSE(trend.rates(1)) << "one sample";
  EXPECT_FALSE(trend.rates(3)) << "never seen";
  trend.observe(snapshot, 2 * kSecond);
  EXPECT_TRUE(trend.rates(1));
  trend.observe(snapshot_of({2}), 3 * kSecond);
  EXPECT_FALSE(trend.rates(1)) << "gone";
  EXPECT_TRUE(trend.rates(2));
  trend.observe(snapshot, 4 * kSecond);
  snapshot.domains[0].orders[0].frees = 3;
  trend.observe(snapshot, 5 * kSecond);
  EXPECT_FALSE(trend.rates(1)) << "a counter fell";
}

class Diagnosis : public ::testing::Test {
 protected:
  Verdict find(const KernelProfile& profile, const std::string& name) const {
    for (const Verdict& verdict : diagnose(domain_, rates_, profile)) {
      if (verdict.name == name) return verdict;
    }
    return {"missing", false, ""};
  }

  DomainSnapshot domain_;
  DomainRates rates_{.seconds = 60};
};

TEST_F(Diagnosis, NothingHoldsAtRestAndEachSaysWhy) {
  for (const KernelProfile& profile : {kProfile61, kProfile612}) {
    const auto verdicts = diagnose(domain_, rates_, profile);
    EXPECT_EQ(verdicts.size(), profile.depot == DepotKind::bounded ? 4u : 3u);
    for (const Verdict& verdict : verdicts) {
      EXPECT_FALSE(verdict.holds) << verdict.name;
      EXPECT_FALSE(verdict.evidence.empty()) << verdict.name;
    }
  }
  EXPECT_EQ(find(kProfile61, "reclaim-churn").name, "missing") << "no such thing with bounded depots";
  EXPECT_EQ(find(kProfile612, "depot-saturated").name, "missing") << "unbounded depots are never full";
}

TEST_F(Diagnosis, OverflowsMeanASaturatedDepotThatNoLongerFills) {
  domain_.orders[1].depot_magazines = 31;
  rates_.depot_magazines[1] = 0.5;
  EXPECT_TRUE(find(kProfile61, "depot-filling").holds);
  EXPECT_EQ(
      find(kProfile61, "depot-filling").evidence,
      "the depot of order 1 holds 31 of 32 magazines and will be full in 2 s at the rate of the last 60 s");
  EXPECT_FALSE(find(kProfile61, "depot-saturated").holds);
  rates_.depot_overflows = 2.5;
  rates_.depot_overflow_seconds = 0.0125;
  EXPECT_FALSE(find(kProfile61, "depot-filling").holds);
  EXPECT_TRUE(find(kProfile61, "depot-saturated").holds);
  EXPECT_EQ(find(kProfile61, "depot-saturated").evidence,
            "2.50 magazines/s freed to the tree in the last 60 s, 1.25 % of one CPU's time spent in it");
}

TEST_F(Diagnosis, FillingIsWithinTheHourAndOfTheFirstFullOrder) {
  domain_.orders[1].depot_magazines = 16;
  rates_.depot_magazines = {0.001, 0.005, -5, 0, 0, 0};
  EXPECT_TRUE(find(kProfile61, "depot-filling").holds);  // order 1: 3200 s
  EXPECT_NE(find(kProfile61, "depot-filling").evidence.find("order 1 "), std::string::npos);
  rates_.depot_magazines[1] = 0.0025;  // 6400 s
  EXPECT_FALSE(find(kProfile61, "depot-filling").holds);
  EXPECT_NE(find(kProfile61, "depot-filling").evidence.find("full in 6400 s"), std::string::npos);
}

TEST_F(Diagnosis, AYoungDepotOrAShortLookIsNoTrend) {
  rates_.depot_magazines[1] = 0.1;
  domain_.orders[1].depot_magazines = 8;
  EXPECT_TRUE(find(kProfile61, "depot-filling").holds);
  domain_.orders[1].depot_magazines = 7;
  EXPECT_FALSE(find(kProfile61, "depot-filling").holds);
  domain_.orders[1].depot_magazines = 8;
  rates_.seconds = 29;
  EXPECT_FALSE(find(kProfile61, "depot-filling").holds);
}

TEST_F(Diagnosis, ReclaimsMismatchesAndLargeLoads) {
  rates_.depot_reclaims = 9.5;
  EXPECT_TRUE(find(kProfile612, "reclaim-churn").holds);
  rates_.mismatched_frees = 0.25;
  domain_.orders[0].mismatched_frees = 3;
  domain_.orders[kCachedOrders].mismatched_frees = 1;
  EXPECT_TRUE(find(kProfile61, "size-mismatch").holds);
  EXPECT_NE(find(kProfile61, "size-mismatch").evidence.find("in orders 0, 6+"), std::string::npos);
  rates_.allocations = 100;
  rates_.uncacheable_allocations = 50;
  EXPECT_FALSE(find(kProfile61, "uncacheable-load").holds) << "half is not more than half";
  rates_.uncacheable_allocations = 51;
  EXPECT_TRUE(find(kProfile61, "uncacheable-load").holds);
  rates_.allocations = 9;
  rates_.uncacheable_allocations = 9;
  EXPECT_FALSE(find(kProfile61, "uncacheable-load").holds) << "hardly a load";
}

}  // namespace
}  // namespace rcached
