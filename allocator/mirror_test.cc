// SPDX-License-Identifier: Apache-2.0
// How the mirror reads what it is told: one situation of the kernel per test. Fills are in
// mirror_fill_test.cc.
#include "allocator/mirror_fixture.h"

namespace rcached::test {
namespace {

// --- predictions

TEST_F(MirrorTest, AnOperationWithAnImpossiblePfnIsALoss) {
  apply({of(OperationKind::tree_alloc, ~0ull, 1), by_tree(alloc(RangeTable::kMaxPfn + 1))});
  EXPECT_EQ(shot().tree_ranges, 0u);
  EXPECT_EQ(shot().loss_marks, 2u);
  EXPECT_EQ(shot().confidence, Confidence::lossy);
}

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
  EXPECT_EQ(loaded(), (Pfns{2, 3}));
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
  cache(1, 7);                     // prev 1 2 3, depot [4 5 6], loaded 7
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
  EXPECT_EQ(mirror_->model().ranges().find(16)->size, 4u);
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

TEST_F(MirrorTest, WhereTheFreeIsReportedFirstItIsStillOne) {  // iova_rcache_insert, then free_iova
  apply({by_tree(alloc(64, 0, 64)), by_tree(free(64, 0, 64)), of(OperationKind::tree_free, 64)});
  EXPECT_EQ(shot().tree_ranges, 0u);
  EXPECT_EQ(order(kCachedOrders).tree_frees, 1u);
  EXPECT_EQ(order(kCachedOrders).frees, 1u);
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
  EXPECT_EQ(mirror_->model().ranges().find(8)->size, 4u);  // the node keeps its extent
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

// --- durations

TEST_F(MirrorTest, DurationsGoIntoTheBucketWhoseBoundTheyDoNotExceed) {
  DurationHistogram histogram;
  for (const std::uint64_t ns : {0u, 100u, 101u, 250u, 100'000'000u, 100'000'001u}) histogram.add(ns);
  EXPECT_EQ(histogram.counts[0], 2u);  // 0 and 100 ns
  EXPECT_EQ(histogram.counts[1], 2u);  // 101 and 250 ns
  EXPECT_EQ(histogram.counts[18], 1u);
  EXPECT_EQ(histogram.counts[19], 1u);
  EXPECT_EQ(histogram.count(), 6u);
  EXPECT_EQ(histogram.sum_ns, 200'000'452u);
}

TEST_F(MirrorTest, TreeAllocationsAndOverflowsHaveDurations) {
  Operation found = of(OperationKind::tree_alloc, 10, 1);
  found.duration_ns = 300;
  Operation none = of(OperationKind::tree_alloc, 0, 1);  // no space: the longest searches of all
  none.duration_ns = 2'000'000;
  Operation overflow = magazine_free(MagazineFreeCause::overflow, 777, 3, kOrderUnknown);
  overflow.duration_ns = 40'000;
  Operation reclaim = magazine_free(MagazineFreeCause::reclaim, 778, 3, 0);
  reclaim.duration_ns = 50'000;
  Operation empty = magazine_free(MagazineFreeCause::overflow, 0, 0, kOrderUnknown);
  apply({found, by_tree(alloc(10)), none, overflow, reclaim, empty});
  const DomainSnapshot snapshot = shot();
  EXPECT_EQ(snapshot.tree_allocation.counts[2], 1u);   // at most 500 ns
  EXPECT_EQ(snapshot.tree_allocation.counts[13], 1u);  // at most 2.5 ms
  EXPECT_EQ(snapshot.tree_allocation.count(), 2u);
  EXPECT_EQ(snapshot.tree_allocation.sum_ns, 2'000'300u);
  EXPECT_EQ(snapshot.depot_overflow.counts[8], 1u);  // at most 50 us
  EXPECT_EQ(snapshot.depot_overflow.count(), 1u) << "neither reclaims nor empty magazines are overflows";
}

// The probe at the entry of the call was skipped: how long it took is not known, and certainly not 0.
TEST_F(MirrorTest, AnUnknownDurationIsNotCounted) {
  apply({of(OperationKind::tree_alloc, 10, 1), by_tree(alloc(10)),
         magazine_free(MagazineFreeCause::overflow, 777, 3, kOrderUnknown)});
  EXPECT_EQ(shot().tree_allocation.count(), 0u);
  EXPECT_EQ(shot().depot_overflow.count(), 0u);
  EXPECT_EQ(order().tree_allocations, 1u);
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
  apply({magazine_free(MagazineFreeCause::overflow, 777, 3, kOrderUnknown),
         overflowed(free(13))});  // not recognised
  expect();
}

TEST_F(MirrorTest, TheTreeHandsOutWhatAnOverflowNotYetReportedGaveBack) {
  cache(1, 12);  // prev 1 2 3, depot [4 5 6] [7 8 9], loaded 10 11 12
  apply(by_tree(alloc(13)));
  Operation faster = of(OperationKind::tree_alloc, 10, 1);
  faster.cpu = 1;
  apply({faster, by_tree(alloc(10, 1))});
  EXPECT_EQ(shot().tree_ranges, 11u);  // 11 and 12 have gone with 10, which is back
  apply({magazine_free(MagazineFreeCause::overflow, 10, 3, kOrderUnknown),
         overflowed(read(free(13), 1, 3, 2))});
  EXPECT_EQ(shot().tree_ranges, 11u);
  EXPECT_EQ(shot().outstanding, 1u);
  EXPECT_EQ(order().depot_overflows, 1u);
  EXPECT_EQ(order().tree_frees, 3u);
  EXPECT_EQ(shot().drift, DriftSnapshot{});
}

TEST_F(MirrorTest, AMagazineIsPoppedBeforeItsPushIsReported) {
  cache(1, 6);  // prev 1 2 3, loaded 4 5 6
  apply({by_tree(alloc(7)), read(alloc(6, 1), 2, 0, 0), read(free(7), 1, 3, 0)});
  EXPECT_EQ(loaded(0), Pfns{7});
  EXPECT_EQ(loaded(1), (Pfns{4, 5}));
  EXPECT_EQ(order().depot_pushes, 1u);
  EXPECT_EQ(order().depot_pops, 1u);
  EXPECT_EQ(shot().drift, DriftSnapshot{});
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

// An interrupt between a pop and its report frees pfns; they are reported first, with readings that include
// the pop. The kernel's order is: pop, then the frees.
TEST_F(MirrorTest, AnInterruptedPopKeepsTheOrderOfTheFreesReportedBeforeIt) {
  cache(1, 2);  // loaded 1 2
  for (const std::uint64_t pfn : {7, 8})
    apply({of(OperationKind::tree_alloc, pfn, 1), by_tree(alloc(pfn, 1))});
  // The kernel: alloc pops 2; the interrupt frees 7 into slot 2.
  apply({read(free(7), 2, 0), read(alloc(2), 2, 0)});
  EXPECT_EQ(loaded(0), (Pfns{1, 7}));
  EXPECT_EQ(shot().prediction.miss_reordered, 1u);
  // The next pops are predicted again.
  apply({read(alloc(7), 1, 0), read(alloc(1), 0, 0)});
  EXPECT_EQ(shot().prediction.hits, 2u);
  EXPECT_EQ(shot().drift, DriftSnapshot{});
}

TEST_F(MirrorTest, AnInterruptedPopFromAMagazineThatIsPrevByNow) {
  cache(1, 3);  // loaded 1 2 3
  for (const std::uint64_t pfn : {6, 7, 8})
    apply({of(OperationKind::tree_alloc, pfn, 1), by_tree(alloc(pfn, 1))});
  // The kernel: alloc pops 3; the interrupt frees 6 (loaded 1 2 6), then 7 and 8 into the other magazine.
  apply({read(free(6), 3, 0), read(free(7), 1, 3), read(free(8), 2, 3), read(alloc(3), 2, 3)});
  EXPECT_EQ(loaded(0), (Pfns{7, 8}));
  EXPECT_EQ(prev(0), (Pfns{1, 2, 6}));
  EXPECT_EQ(shot().prediction.miss_reordered, 1u);
  apply({read(alloc(8), 1, 3), read(alloc(7), 0, 3), read(alloc(6), 2, 0)});
  EXPECT_EQ(shot().prediction.hits, 3u);
  EXPECT_EQ(shot().drift, DriftSnapshot{});
}

TEST_F(MirrorTest, AnInterruptedPopFromAMagazineThatIsInTheDepotByNow) {
  cache(1, 6);  // prev 1 2 3, loaded 4 5 6
  for (const std::uint64_t pfn : {7, 8})
    apply({of(OperationKind::tree_alloc, pfn, 1), by_tree(alloc(pfn, 1))});
  // The kernel: alloc pops 6; the interrupt frees 7 (loaded 4 5 7) and 8 (that goes to the depot, loaded 8).
  apply({read(free(7), 3, 3, 0), read(free(8), 1, 3, 1), read(alloc(6), 1, 3, 1)});
  EXPECT_EQ(loaded(0), (Pfns{8}));
  EXPECT_EQ(prev(0), (Pfns{1, 2, 3}));
  EXPECT_EQ(depot(0), (Pfns{4, 5, 7}));
  EXPECT_EQ(shot().prediction.miss_reordered, 1u);
  EXPECT_EQ(shot().drift, DriftSnapshot{});
}

// free_cpu_cached_iovas is reported when all orders are done; its CPU does not wait for that.
TEST_F(MirrorTest, AFlushLeavesWhatItsCpuHasFreedSince) {
  cache(1, 2);
  apply({of(OperationKind::tree_alloc, 9, 1), by_tree(alloc(9))});
  Operation released = magazine_free(MagazineFreeCause::flush, 1, 2, kOrderUnknown);
  released.cpu = 1;
  Operation flush = of(OperationKind::cpu_flush);
  flush.cpu = 1;
  flush.target_cpu = 0;
  apply({released, free(9), flush});
  EXPECT_EQ(loaded(), Pfns{9});
  EXPECT_EQ(shot().tree_ranges, 1u);
  apply(flush);  // by itself, as where magazines cannot be probed, it takes everything
  EXPECT_EQ(loaded(), Pfns{});
  EXPECT_EQ(shot().tree_ranges, 0u);
}

// --- frees that a flush of another CPU overtakes: pushed, flushed, reported in this order: flush, free

class OvertakenTest : public MirrorTest {
 protected:
  // One magazine of cpu 0, flushed by cpu 1.
  static Operation flushed(std::uint64_t bottom, std::uint32_t size) {
    Operation op = magazine_free(MagazineFreeCause::flush, bottom, size, kOrderUnknown);
    op.cpu = 1;
    return op;
  }
  static Operation flush_over() {
    Operation op = of(OperationKind::cpu_flush);
    op.cpu = 1;
    op.target_cpu = 0;
    return op;
  }
  // Allocated from the tree.
  void take(std::uint64_t pfn, std::uint16_t cpu = 0) {
    Operation tree = of(OperationKind::tree_alloc, pfn, 1);
    tree.cpu = cpu;
    apply({tree, by_tree(alloc(pfn, cpu))});
  }
  void expect_nothing_left(std::uint64_t tree_frees) {
    EXPECT_EQ(shot().tree_ranges, 0u);
    EXPECT_EQ(shot().outstanding, 0u);
    EXPECT_EQ(shot().unaccounted, 0);
    EXPECT_EQ(order().tree_frees, tree_frees);
    EXPECT_EQ(shot().drift, DriftSnapshot{});
  }
};

TEST_F(OvertakenTest, AFreeIntoAMagazineThatTheMirrorKnows) {
  for (const bool over : {false, true}) {
    reset(true);
    take(9);
    cache(1, 2);  // loaded 1 2, and really 9
    apply(flushed(1, 3));
    if (over) apply(flush_over());
    apply(read(free(9), 0, 0));
    if (!over) apply(flush_over());
    expect_nothing_left(3);
    // The next free is an ordinary one.
    take(9);
    apply(read(free(9), 1, 0));
    EXPECT_EQ(loaded(), Pfns{9});
  }
}

TEST_F(OvertakenTest, AFreeWithoutAReading) {
  take(9);
  cache(1, 2);
  apply({flushed(1, 3), flush_over(), free(9)});
  expect_nothing_left(3);
}

TEST_F(OvertakenTest, AFreeThatHadSwappedTheMagazines) {
  take(9);
  cache(1, 3);  // loaded 1 2 3; really prev 1 2 3, loaded 9
  apply({flushed(9, 1), flushed(1, 3), flush_over(), read(free(9), 0, 0)});
  expect_nothing_left(4);
}

TEST_F(OvertakenTest, AFreeIntoAnEmptyMagazine) {
  for (const bool over : {false, true}) {
    reset(true);
    take(9);
    apply(flushed(9, 1));
    if (over) apply(flush_over());
    apply(read(free(9), 0, 0));
    if (!over) apply(flush_over());
    expect_nothing_left(1);
  }
}

TEST_F(OvertakenTest, AFreeThatHadPushedToTheDepot) {
  take(9);
  cache(1, 6);  // prev 1 2 3, loaded 4 5 6; really the depot has 4 5 6 and loaded is 9
  apply({flushed(9, 1), flushed(1, 3), flush_over(), read(free(9), 0, 0, 1)});
  EXPECT_EQ(depot(0), (Pfns{4, 5, 6}));
  EXPECT_EQ(loaded(), Pfns{});
  EXPECT_EQ(shot().tree_ranges, 3u);
  EXPECT_EQ(order().depot_pushes, 1u);
  EXPECT_EQ(shot().drift, DriftSnapshot{});
}

// The tree hands the pfn out again before its free is reported, and the new owner frees it at once.
TEST_F(OvertakenTest, APfnThatTheTreeHandsOutBeforeItsFreeIsReported) {
  for (const bool known : {true, false}) {
    reset(true);
    take(9);
    if (known) cache(1, 2);
    apply({known ? flushed(1, 3) : flushed(9, 1), flush_over()});
    take(9, 2);
    apply(read(free(9, 2), 1, 0));
    apply(read(free(9), 0, 0));
    EXPECT_EQ(loaded(2), Pfns{9});
    EXPECT_EQ(loaded(0), Pfns{});
    EXPECT_EQ(shot().tree_ranges, 1u);
    EXPECT_EQ(order().tree_frees, known ? 3u : 1u);
    EXPECT_EQ(shot().drift, DriftSnapshot{});
    apply(read(alloc(9, 2), 0, 0));
    EXPECT_EQ(shot().prediction.hits, 1u);
  }
}

// An interrupt frees after the flush and reports first: its pfn stays.
TEST_F(OvertakenTest, AFreeThatWasInterruptedAfterTheFlush) {
  take(8);
  take(9);
  cache(1, 2);
  apply({flushed(1, 3), flush_over(), read(free(8), 1, 0), read(free(9), 1, 0)});
  EXPECT_EQ(loaded(), Pfns{8});
  EXPECT_EQ(shot().tree_ranges, 1u);
  EXPECT_EQ(shot().drift, DriftSnapshot{});
}

// The same by an interrupt on one CPU: a free fills loaded, the interrupt's free overflows the depot.
TEST_F(OvertakenTest, AFreeWhoseInterruptOverflowsTheDepot) {
  cache(1, 11);  // prev 1 2 3, depot [4 5 6] [7 8 9], loaded 10 11
  take(20);
  take(21);
  apply({magazine_free(MagazineFreeCause::overflow, 10, 3, kOrderUnknown),
         overflowed(read(free(21), 1, 3, 2)), read(free(20), 1, 3, 2)});
  EXPECT_EQ(loaded(), Pfns{21});
  EXPECT_EQ(order().tree_frees, 3u);
  EXPECT_EQ(shot().tree_ranges, 10u);
  EXPECT_EQ(shot().drift, DriftSnapshot{});
}

}  // namespace
}  // namespace rcached::test
