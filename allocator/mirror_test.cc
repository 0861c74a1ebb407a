// SPDX-License-Identifier: Apache-2.0
// How the mirror reads what it is told: one situation of the kernel per test. Capacity 3, depot 2, order 0.
#include "allocator/mirror.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <optional>
#include <vector>

#include "allocator/simulator.h"
#include "allocator/test_support.h"

namespace rcached {
namespace {

Operation alloc(std::uint64_t pfn, std::uint16_t cpu = 0, std::uint32_t size = 1) {
  Operation op;
  op.kind = OperationKind::alloc;
  op.pfn = pfn;
  op.cpu = cpu;
  op.size = size;
  op.limit_pfn = ~0ull - 1;
  return op;
}

Operation free(std::uint64_t pfn, std::uint16_t cpu = 0, std::uint32_t size = 1) {
  Operation op = alloc(pfn, cpu, size);
  op.kind = OperationKind::free;
  return op;
}

Operation of(OperationKind kind, std::uint64_t pfn = 0, std::uint32_t size = 0) {
  Operation op;
  op.kind = kind;
  op.pfn = pfn;
  op.size = size;
  return op;
}

Operation magazine_free(MagazineFreeCause cause, std::uint64_t bottom, std::uint32_t size, std::uint8_t order) {
  Operation op = of(OperationKind::magazine_free, bottom, size);
  op.cause = cause;
  op.order = order;
  return op;
}

Operation by_tree(Operation op) {
  op.served_by = ServedBy::tree;
  return op;
}

Operation overflowed(Operation op) {
  op.overflowed = true;
  return op;
}

Operation read(Operation op, std::uint16_t loaded, std::uint16_t prev, std::uint32_t depot = 0) {
  op.fill = {loaded, prev, depot};
  op.has_fill = true;
  return op;
}

Operation at(Operation op, std::uint64_t time_ns) {
  op.time_ns = time_ns;
  return op;
}

class MirrorTest : public testing::Test {
 protected:
  MirrorTest() { reset(true); }
  void reset(bool observed_from_birth, const KernelProfile& generation = kProfile61) {
    mirror_.emplace(test::scaled(generation, 3, 2), 1, observed_from_birth);
  }
  void apply(const Operation& op) {
    mirror_->apply(op);
    ASSERT_EQ(mirror_->model().find_inconsistency(), "");
  }
  void apply(std::initializer_list<Operation> ops) {
    for (const Operation& op : ops) apply(op);
  }
  // Allocates first..last from the tree and frees them in that order on one CPU.
  void cache(std::uint64_t first, std::uint64_t last, std::uint16_t cpu = 0) {
    for (std::uint64_t pfn = first; pfn <= last; ++pfn) {
      apply({of(OperationKind::tree_alloc, pfn, 1), by_tree(alloc(pfn, cpu))});
    }
    for (std::uint64_t pfn = first; pfn <= last; ++pfn) apply(free(pfn, cpu));
  }
  std::vector<std::uint64_t> loaded(std::uint16_t cpu = 0) { return known(mirror_->model().rcache(0).find_cpu(cpu)->loaded); }
  std::vector<std::uint64_t> prev(std::uint16_t cpu = 0) { return known(mirror_->model().rcache(0).find_cpu(cpu)->prev); }
  std::vector<std::uint64_t> depot(std::size_t index) { return known(mirror_->model().rcache(0).depot().at(index)); }
  DomainSnapshot shot() const { return mirror_->snapshot(); }
  OrderSnapshot order(std::uint8_t index = 0) const { return shot().orders[index]; }

  using Pfns = std::vector<std::uint64_t>;
  std::optional<DomainMirror> mirror_;

 private:
  static Pfns known(const Magazine& magazine) { return {magazine.known().begin(), magazine.known().end()}; }
};

// --- predictions

TEST_F(MirrorTest, PredictsTheTopOfLoaded) {
  cache(1, 3);
  apply({alloc(3), alloc(2)});
  EXPECT_EQ(shot().prediction.predictions, 2u);
  EXPECT_EQ(shot().prediction.hits, 2u);
  EXPECT_EQ(loaded(), Pfns{1});
}

TEST_F(MirrorTest, AppliesTheLimitToTheRoundedSize) {
  cache(1, 3);
  Operation low = alloc(1);
  low.limit_pfn = 1;
  apply(low);
  EXPECT_EQ(shot().prediction.hits, 1u);
  EXPECT_EQ(loaded(), (Pfns{3, 2}));
}

TEST_F(MirrorTest, AMissKeepsTheDepotPop) {
  cache(1, 7);  // prev 1 2 3, depot [4 5 6], loaded 7
  Operation low = by_tree(alloc(50, 1));
  low.limit_pfn = 2;
  apply({of(OperationKind::tree_alloc, 50, 1), low});
  EXPECT_EQ(loaded(1), (Pfns{4, 5, 6}));
  EXPECT_EQ(order().depot_pops, 1u);
  EXPECT_EQ(shot().prediction.predictions, 0u);
}

TEST_F(MirrorTest, DeeperInTheSameMagazine) {
  cache(1, 3);
  apply(alloc(1));
  EXPECT_EQ(shot().prediction.miss_reordered, 1u);
  EXPECT_EQ(loaded(), (Pfns{3, 2}));
}

TEST_F(MirrorTest, WhatLayAboveWasAllocatedUnseenWhenTheFillSaysSo) {
  cache(1, 3);
  apply(read(alloc(2), 1, 0));  // 3 must have gone before
  EXPECT_EQ(loaded(), Pfns{1});
  EXPECT_EQ(shot().outstanding, 2u);
  EXPECT_EQ(shot().drift.corrected_loaded, 1u);
  EXPECT_EQ(shot().drift.ranges, 0u);
}

TEST_F(MirrorTest, AnotherDepotMagazineWasPopped) {
  cache(1, 10);  // prev 1 2 3, depot [4 5 6] [7 8 9], loaded 10
  apply(read(alloc(6, 1), 2, 0, 1));
  EXPECT_EQ(shot().prediction.miss_depot_race, 1u);
  EXPECT_EQ(loaded(1), (Pfns{4, 5}));
  EXPECT_EQ(depot(0), (Pfns{7, 8, 9}));
  apply(read(alloc(9, 2), 2, 0, 0));  // the other CPU of the race
  EXPECT_EQ(shot().prediction.hits, 1u);
  EXPECT_EQ(shot().drift, DriftSnapshot{});
}

TEST_F(MirrorTest, TwoPfnsHadChangedPlaces) {
  cache(1, 7);                 // prev 1 2 3, depot [4 5 6], loaded 7
  apply(read(alloc(6), 0, 3, 1));  // an interrupt between insert and probe: 6 and 7 came in the other order
  EXPECT_EQ(depot(0), (Pfns{4, 5, 7}));
  EXPECT_EQ(shot().drift, DriftSnapshot{});
  EXPECT_EQ(shot().outstanding, 1u);
}

TEST_F(MirrorTest, TheOperationRanOnAnotherCpu) {
  cache(1, 2);
  cache(11, 12, 1);
  apply(read(alloc(12, 0), 2, 0));
  EXPECT_EQ(shot().prediction.miss_migration, 1u);
  EXPECT_EQ(loaded(0), (Pfns{1, 2}));
  EXPECT_EQ(loaded(1), Pfns{11});
  EXPECT_EQ(shot().drift, DriftSnapshot{});
}

TEST_F(MirrorTest, AnUnknownPfnIsSeenForTheFirstTime) {
  cache(1, 2);
  apply(alloc(99));
  EXPECT_EQ(shot().prediction.miss_unknown, 1u);
  EXPECT_EQ(loaded(), (Pfns{1, 2}));
  EXPECT_EQ(shot().tree_ranges, 3u);
}

// --- the tree

TEST_F(MirrorTest, TreeAllocAndAllocAreOneRange) {
  apply({of(OperationKind::tree_alloc, 8, 4), by_tree(alloc(8, 0, 3))});
  EXPECT_EQ(shot().tree_ranges, 1u);
  EXPECT_EQ(order(2).tree_allocations, 1u);
  EXPECT_EQ(order(2).allocations, 1u);
  apply(by_tree(alloc(16, 0, 3)));  // its tree_alloc was lost
  EXPECT_EQ(order(2).tree_allocations, 2u);
  EXPECT_EQ(mirror_->model().ranges().at(16).size, 4u);
  apply(of(OperationKind::tree_alloc, 100, 1));  // stand-alone
  EXPECT_EQ(shot().outstanding, 3u);
}

TEST_F(MirrorTest, AFailedAllocationCountsByItsOrder) {
  apply({of(OperationKind::tree_alloc, 0, 4), by_tree(alloc(0, 0, 4))});
  EXPECT_EQ(order(2).allocation_failures, 1u);
  EXPECT_EQ(order(2).allocations, 0u);
  EXPECT_EQ(shot().tree_ranges, 0u);
}

TEST_F(MirrorTest, TreeFreeAndFreeAreOne) {
  apply({by_tree(alloc(64, 0, 64)), of(OperationKind::tree_free, 64)});
  EXPECT_EQ(shot().tree_ranges, 0u);
  // Another CPU gets the pfn before the free is reported.
  apply({of(OperationKind::tree_alloc, 64, 64), by_tree(alloc(64, 1, 64)), by_tree(free(64, 0, 64))});
  EXPECT_EQ(shot().tree_ranges, 1u);
  EXPECT_EQ(order(kCachedOrders).tree_frees, 1u);
  apply(by_tree(free(64, 0, 64)));  // its tree_free was lost
  EXPECT_EQ(shot().tree_ranges, 0u);
  EXPECT_EQ(order(kCachedOrders).tree_frees, 2u);
  EXPECT_EQ(order(kCachedOrders).frees, 2u);
}

TEST_F(MirrorTest, MismatchedFrees) {
  apply({by_tree(alloc(64, 0, 64)), of(OperationKind::tree_free, 64), by_tree(free(64, 0, 65))});
  EXPECT_EQ(order(kCachedOrders).mismatched_frees, 1u);
  apply({by_tree(alloc(8, 0, 3)), free(8, 0, 4)});  // the same order: no harm
  EXPECT_EQ(order(2).mismatched_frees, 0u);
  apply({alloc(8, 0, 4), free(8, 0, 2)});  // enters order 1
  EXPECT_EQ(order(1).mismatched_frees, 1u);
  EXPECT_EQ(order(1).cpu_cached, 1u);
  apply({alloc(8, 0, 2), free(8, 0, 2)});  // right this time
  EXPECT_EQ(order(1).mismatched_frees, 1u);
  EXPECT_EQ(mirror_->model().ranges().at(8).size, 4u);  // the node keeps its extent
}

TEST_F(MirrorTest, AFreeOfAnUnknownPfnWasInTheTreeAllAlong) {
  apply(free(5));
  EXPECT_EQ(shot().tree_ranges, 1u);
  EXPECT_EQ(order().cpu_cached, 1u);
}

TEST_F(MirrorTest, AFreeOfACachedPfnMeansThatItsAllocWasLost) {
  cache(1, 3);
  apply(free(2, 1));
  EXPECT_EQ(loaded(0), (Pfns{1, 3}));
  EXPECT_EQ(loaded(1), Pfns{2});
  EXPECT_EQ(shot().tree_ranges, 3u);
}

// --- overflow

TEST_F(MirrorTest, OverflowInAllItsReports) {
  const auto full = [&] {
    reset(true);
    cache(1, 12);  // prev 1 2 3, depot [4 5 6] [7 8 9], loaded 10 11 12
    apply(by_tree(alloc(13)));
  };
  const auto expect = [&] {
    EXPECT_EQ(loaded(), Pfns{13});
    EXPECT_EQ(prev(), (Pfns{1, 2, 3}));
    EXPECT_EQ(order().depot_overflows, 1u);
    EXPECT_EQ(order().tree_frees, 3u);
    EXPECT_EQ(shot().tree_ranges, 10u);
  };
  full();
  apply({magazine_free(MagazineFreeCause::overflow, 10, 3, kOrderUnknown), overflowed(free(13))});
  expect();
  full();
  apply(overflowed(free(13)));  // the magazine_free was lost
  expect();
  full();
  apply({magazine_free(MagazineFreeCause::overflow, 777, 3, kOrderUnknown), overflowed(free(13))});  // not recognised
  expect();
}

TEST_F(MirrorTest, APopReportedLateMakesTheDepotTooFullForAMoment) {
  cache(1, 12);  // the depot is full
  apply(by_tree(alloc(13)));
  apply(at(read(free(13), 1, 3, 2), 10));  // so another CPU has popped [7 8 9] before
  EXPECT_EQ(order().depot_magazines, 3u);
  EXPECT_EQ(shot().drift.ranges, 3u);
  apply(at(read(alloc(9, 1), 2, 0, 2), 20));
  EXPECT_EQ(order().depot_magazines, 2u);
  EXPECT_EQ(loaded(1), (Pfns{7, 8}));
  EXPECT_EQ(shot().drift, DriftSnapshot{});
  EXPECT_EQ(shot().outstanding, 1u);
}

// --- fills

TEST_F(MirrorTest, AnInterruptBetweenOperationAndProbeIsNoDrift) {
  cache(1, 2);
  apply(by_tree(alloc(3)));
  // The kernel: pops 2, then the interrupt frees 3 and reports first, with what it reads.
  apply({at(read(free(3), 2, 0), 1000), at(read(alloc(2), 2, 0), 2000)});
  EXPECT_EQ(shot().drift, DriftSnapshot{});
  EXPECT_EQ(loaded(), (Pfns{1, 3}));
  EXPECT_EQ(shot().outstanding, 1u);
}

TEST_F(MirrorTest, ADifferenceThatStandsIsCorrected) {
  cache(1, 3);
  for (std::uint64_t i = 0; i < 3; ++i) {  // the kernel has one fewer, nobody knows which
    EXPECT_EQ(shot().drift.ranges, i == 0 ? 0u : 1u);
    apply({at(read(alloc(3), 1, 0), i * 500'000), at(read(free(3), 2, 0), i * 500'000 + 1)});
  }
  EXPECT_EQ(shot().drift.ranges, 0u);
  EXPECT_EQ(shot().drift.corrected_loaded, 1u);
  EXPECT_EQ(loaded(), (Pfns{2, 3}));  // the lowest is the one to go
  EXPECT_EQ(shot().outstanding, 1u);
}

TEST_F(MirrorTest, AfterALossADifferenceIsCorrectedAtOnce) {
  cache(1, 3);
  Operation op = read(free(50), 2, 0);  // the kernel has two fewer
  op.after_loss = true;
  cache(60, 60, 1);
  apply(op);
  EXPECT_EQ(shot().confidence, Confidence::lossy);
  EXPECT_EQ(shot().loss_marks, 1u);
  EXPECT_EQ(shot().drift.ranges, 0u);
  EXPECT_EQ(order().cpu_cached, 3u);
}

TEST_F(MirrorTest, SettleCorrectsWhatHasStoodLongEnough) {
  cache(1, 2);
  apply(at(read(alloc(2), 3, 1), 5000));  // the kernel has 2 more in loaded and 1 in prev
  EXPECT_EQ(shot().drift.ranges, 3u);
  mirror_->settle(6000);
  EXPECT_EQ(shot().drift.ranges, 3u);
  mirror_->settle(5000 + Difference::kStandingNs);
  EXPECT_EQ(shot().drift.ranges, 0u);
  EXPECT_EQ(shot().drift.corrected_loaded, 2u);
  EXPECT_EQ(shot().drift.corrected_prev, 1u);
  EXPECT_EQ(shot().cpu_cached, 4u);
  EXPECT_EQ(shot().tree_ranges, 5u);
  EXPECT_EQ(shot().unaccounted, 0);
}

TEST_F(MirrorTest, AMissedSwapIsRecognisedByTheSizes) {
  cache(1, 4);  // prev 1 2 3, loaded 4
  apply(at(read(by_tree(alloc(9)), 3, 1), 0));
  mirror_->settle(Difference::kStandingNs);
  EXPECT_EQ(loaded(), (Pfns{1, 2, 3}));
  EXPECT_EQ(prev(), Pfns{4});
}

TEST_F(MirrorTest, DriftOfTheDepotCountsInRanges) {
  cache(1, 1);
  apply(at(read(alloc(1), 0, 0, 2), 0));
  EXPECT_EQ(shot().drift.ranges, 6u);
  mirror_->mark_loss();
  EXPECT_EQ(shot().drift.ranges, 0u);
  EXPECT_EQ(shot().drift.corrected_depot, 6u);
  EXPECT_EQ(shot().depot_cached, 6u);
}

// --- a domain older than the mirror

TEST_F(MirrorTest, TheFirstReadingIsAdopted) {
  reset(false);
  EXPECT_EQ(shot().confidence, Confidence::partial);
  apply(read(free(7), 2, 3, 1));
  EXPECT_EQ(shot().cpu_cached, 5u);
  EXPECT_EQ(shot().depot_cached, 3u);
  EXPECT_EQ(shot().tree_ranges, 8u);
  EXPECT_EQ(shot().drift, DriftSnapshot{});
  apply({read(alloc(7), 1, 3, 1), read(alloc(6), 0, 3, 1), read(alloc(5), 2, 0, 1)});
  EXPECT_EQ(shot().prediction.predictions, 1u);  // only the 7 was known
  EXPECT_EQ(shot().prediction.hits, 1u);
  EXPECT_EQ(shot().outstanding, 3u);
  EXPECT_EQ(shot().tree_ranges, 8u);  // adopted slots have got names
  EXPECT_EQ(shot().drift, DriftSnapshot{});
}

TEST_F(MirrorTest, AFirstReadingJustAfterADepotMove) {
  reset(false);
  apply(read(free(7), 1, 0, 1));
  apply(read(alloc(8, 1), 2, 0, 0));  // has just popped the depot
  EXPECT_EQ(order().depot_pops, 1u);
  EXPECT_EQ(shot().tree_ranges, 4u);
  apply(read(free(8, 2), 1, 3, 1));  // has just pushed
  EXPECT_EQ(order().depot_pushes, 1u);
  EXPECT_EQ(shot().drift, DriftSnapshot{});
}

TEST_F(MirrorTest, TheDepotIsAdoptedWhenItIsReadFirstByAPop) {
  reset(false);
  mirror_->apply(read(free(7), 1, 0));
  reset(false);
  Operation first = free(7);
  apply(first);  // no fill
  apply(alloc(7));
  apply(read(alloc(8), 2, 0, 4));
  EXPECT_EQ(shot().drift, DriftSnapshot{});
  EXPECT_EQ(shot().depot_cached, 6u);  // a bounded depot of this profile holds 2
}

TEST_F(MirrorTest, DomainInitMakesItExact) {
  reset(false);
  apply({read(free(7), 2, 3, 1), of(OperationKind::domain_init)});
  EXPECT_EQ(shot().confidence, Confidence::exact);
  EXPECT_EQ(shot().tree_ranges, 0u);
  apply(at(read(free(7), 2, 0), 0));  // not adopted: drift
  EXPECT_EQ(shot().drift.ranges, 1u);
}

// --- flushes and the worker

TEST_F(MirrorTest, ACpuFlushTakesWhatIsLeft) {
  reset(false);
  apply({read(free(7, 2), 2, 3), magazine_free(MagazineFreeCause::flush, 4711, 2, kOrderUnknown)});
  EXPECT_EQ(shot().cpu_cached, 5u);  // not recognised
  Operation flush = of(OperationKind::cpu_flush);
  flush.target_cpu = 2;
  apply(flush);
  EXPECT_EQ(shot().tree_ranges, 0u);
  EXPECT_EQ(shot().rcache_flushes, 1u);
  EXPECT_EQ(order().tree_frees, 5u);
  apply(at(read(free(8, 2), 2, 0), 0));  // it is known to have been empty: drift
  EXPECT_EQ(shot().drift.ranges, 1u);
}

TEST_F(MirrorTest, TheEmergencyFlushRunsAfterTheGet) {
  for (const bool known : {true, false}) {
    reset(true);
    if (known) {
      cache(1, 7);  // prev 1 2 3, depot [4 5 6], loaded 7
    } else {
      reset(false);
      apply(read(free(7), 1, 3, 1));
    }
    // On cpu1: get() pops the depot and fails on the limit, the tree is full, everything is flushed.
    Operation flush0 = of(OperationKind::cpu_flush);
    flush0.cpu = 1;
    Operation flush1 = flush0;
    flush1.target_cpu = 1;
    Operation failed = of(OperationKind::tree_alloc, 0, 1);
    failed.cpu = 1;
    Operation popped = magazine_free(MagazineFreeCause::flush, 4, 3, kOrderUnknown);
    popped.cpu = 1;
    Operation again = read(by_tree(alloc(2, 1)), 0, 0, 0);
    again.limit_pfn = 2;
    apply({failed, flush0, popped, flush1, of(OperationKind::tree_alloc, 2, 1), again});
    EXPECT_EQ(shot().tree_ranges, 1u);
    EXPECT_EQ(order().depot_pops, 1u);
    EXPECT_EQ(shot().drift, DriftSnapshot{});
  }
}

TEST_F(MirrorTest, UnknownDepotMagazinesGoWithAnEmergencyFlush) {
  reset(false);
  apply(read(free(7), 1, 0, 2));
  Operation flush = of(OperationKind::cpu_flush);
  apply({of(OperationKind::tree_alloc, 0, 64), flush, of(OperationKind::tree_alloc, 64, 64), by_tree(alloc(64, 0, 64))});
  EXPECT_EQ(shot().depot_cached, 0u);
  EXPECT_EQ(shot().tree_ranges, 1u);
}

TEST_F(MirrorTest, ReclaimTakesTheMagazineThatItNames) {
  reset(true, kProfile612);
  cache(1, 13);  // prev 1 2 3, depot [4 5 6] [7 8 9], loaded 13
  Operation reclaim = of(OperationKind::reclaim);
  reclaim.order = 0;
  reclaim.has_depot_fill = true;
  reclaim.fill.depot = 2;
  apply({magazine_free(MagazineFreeCause::reclaim, 7, 3, 0), reclaim});
  EXPECT_EQ(depot(0), (Pfns{4, 5, 6}));
  EXPECT_EQ(depot(1), (Pfns{10, 11, 12}));
  EXPECT_EQ(order().depot_reclaims, 1u);
  EXPECT_EQ(shot().drift, DriftSnapshot{});
  apply(magazine_free(MagazineFreeCause::reclaim, 4711, 3, 0));  // not known: the top
  EXPECT_EQ(depot(0), (Pfns{4, 5, 6}));
  EXPECT_EQ(order().depot_magazines, 1u);
}

// --- many domains

TEST(MirrorOfDomains, DomainsComeAndGo) {
  Mirror mirror(kProfile61);
  mirror.apply(9, free(5));
  mirror.apply(2, of(OperationKind::domain_init));
  mirror.apply(2, at(free(6), 77));
  Snapshot snapshot = mirror.snapshot();
  EXPECT_EQ(snapshot.time_ns, 77u);
  EXPECT_EQ(snapshot.profile, kProfile61);
  ASSERT_EQ(snapshot.domains.size(), 2u);
  EXPECT_EQ(snapshot.domains[0].id, 2u);
  EXPECT_EQ(snapshot.domains[0].confidence, Confidence::exact);
  EXPECT_EQ(snapshot.domains[1].id, 9u);
  EXPECT_EQ(snapshot.domains[1].confidence, Confidence::partial);
  mirror.apply(9, of(OperationKind::domain_put));
  EXPECT_EQ(mirror.size(), 1u);
  EXPECT_EQ(mirror.find(9), nullptr);
}

TEST(MirrorOfDomains, ALossMarksAllOfThem) {
  Mirror mirror(kProfile61);
  for (const std::uint64_t id : {1, 2}) mirror.apply(id, of(OperationKind::domain_init));
  Operation op = free(5);
  op.after_loss = true;
  mirror.apply(2, op);
  EXPECT_EQ(mirror.find(1)->snapshot().loss_marks, 1u);
  EXPECT_EQ(mirror.find(2)->snapshot().loss_marks, 1u);
  mirror.mark_loss(1);
  mirror.mark_loss();
  mirror.mark_loss(42);
  EXPECT_EQ(mirror.find(1)->snapshot().loss_marks, 3u);
  EXPECT_EQ(mirror.find(2)->snapshot().loss_marks, 2u);
}

// The thread's example as the user sees it: cpu_cached climbs by loaded + prev per CPU, outstanding returns to 0.
TEST(MirrorOfDomains, TheThreadsExample) {
  Mirror mirror(kProfile61);
  Simulator simulator(kProfile61, 4, [&](const Operation& op) { mirror.apply(0, op); });
  for (std::uint16_t cpu = 0; cpu < 4; ++cpu) {
    std::vector<std::uint64_t> live;
    for (int i = 0; i < 381; ++i) live.push_back(simulator.alloc(cpu, 2));
    EXPECT_EQ(mirror.snapshot().domains[0].outstanding, 381u);
    for (const std::uint64_t pfn : live) simulator.free(cpu, pfn, 2);
    const DomainSnapshot domain = mirror.snapshot().domains[0];
    EXPECT_EQ(domain.outstanding, 0u);
    EXPECT_EQ(domain.cpu_cached, 254u * (cpu + 1));
    EXPECT_EQ(domain.depot_cached, 127u);
    EXPECT_EQ(domain.tree_ranges, 254u * (cpu + 1) + 127);
    EXPECT_EQ(domain.unaccounted, 0);
    EXPECT_EQ(domain.orders[1].cpus_holding, cpu + 1u);
    EXPECT_EQ(domain.drift, DriftSnapshot{});
  }
}

}  // namespace
}  // namespace rcached
