// SPDX-License-Identifier: Apache-2.0
// How the mirror uses the fills, how it joins a running domain, and what flushes do; then many domains at
// once.
#include "allocator/mirror_fixture.h"

namespace rcached::test {
namespace {

using MirrorFillTest = MirrorTest;

// --- fills

TEST_F(MirrorFillTest, AnInterruptBetweenOperationAndProbeIsNoDrift) {
  cache(1, 2);
  apply(by_tree(alloc(3)));
  // The kernel: pops 2, then the interrupt frees 3 and reports first, with what it reads.
  apply({at(read(free(3), 2, 0), 1000), at(read(alloc(2), 2, 0), 2000)});
  EXPECT_EQ(shot().drift, DriftSnapshot{});
  EXPECT_EQ(loaded(), (Pfns{1, 3}));
  EXPECT_EQ(shot().outstanding, 1u);
}

TEST_F(MirrorFillTest, ADifferenceThatStandsIsCorrected) {
  cache(1, 3);
  for (std::uint64_t i = 0; i < 3; ++i) {  // the kernel has one fewer, nobody knows which
    EXPECT_EQ(shot().drift.ranges, i == 0 ? 0u : 1u);
    apply({at(read(alloc(3), 1, 0), i * Difference::kStandingNs / 2),
           at(read(free(3), 2, 0), i * Difference::kStandingNs / 2 + 1)});
  }
  EXPECT_EQ(shot().drift.ranges, 0u);
  EXPECT_EQ(shot().drift.corrected_loaded, 1u);
  EXPECT_EQ(loaded(), (Pfns{2, 3}));  // the lowest is the one to go
  EXPECT_EQ(shot().outstanding, 1u);
}

TEST_F(MirrorFillTest, AfterALossADifferenceIsCorrectedAtOnce) {
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

TEST_F(MirrorFillTest, SettleCorrectsWhatHasStoodLongEnough) {
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

TEST_F(MirrorFillTest, AMissedSwapIsRecognisedByTheSizes) {
  cache(1, 4);  // prev 1 2 3, loaded 4
  apply(at(read(by_tree(alloc(9)), 3, 1), 0));
  mirror_->settle(Difference::kStandingNs);
  EXPECT_EQ(loaded(), (Pfns{1, 2, 3}));
  EXPECT_EQ(prev(), Pfns{4});
}

TEST_F(MirrorFillTest, DriftOfTheDepotCountsInRanges) {
  cache(1, 1);
  apply(at(read(alloc(1), 0, 0, 2), 0));
  EXPECT_EQ(shot().drift.ranges, 6u);
  mirror_->mark_loss();
  EXPECT_EQ(shot().drift.ranges, 0u);
  EXPECT_EQ(shot().drift.corrected_depot, 6u);
  EXPECT_EQ(shot().depot_cached, 6u);
}

// --- a domain older than the mirror

TEST_F(MirrorFillTest, TheFirstReadingIsAdopted) {
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

TEST_F(MirrorFillTest, AFirstReadingJustAfterADepotMove) {
  reset(false);
  apply(read(free(7), 1, 0, 1));
  apply(read(alloc(8, 1), 2, 0, 0));  // has just popped the depot
  EXPECT_EQ(order().depot_pops, 1u);
  EXPECT_EQ(shot().tree_ranges, 4u);
  apply(read(free(8, 2), 1, 3, 1));  // has just pushed
  EXPECT_EQ(order().depot_pushes, 1u);
  EXPECT_EQ(shot().drift, DriftSnapshot{});
}

TEST_F(MirrorFillTest, TheDepotIsAdoptedWhenItIsReadFirstByAPop) {
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

TEST_F(MirrorFillTest, DomainInitMakesItExact) {
  reset(false);
  apply({read(free(7), 2, 3, 1), of(OperationKind::domain_init)});
  EXPECT_EQ(shot().confidence, Confidence::exact);
  EXPECT_EQ(shot().tree_ranges, 0u);
  apply(at(read(free(7), 2, 0), 0));  // not adopted: drift
  EXPECT_EQ(shot().drift.ranges, 1u);
}

// --- flushes and the worker

TEST_F(MirrorFillTest, ACpuFlushTakesWhatIsLeft) {
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

TEST_F(MirrorFillTest, TheEmergencyFlushRunsAfterTheGet) {
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

TEST_F(MirrorFillTest, UnknownDepotMagazinesGoWithAnEmergencyFlush) {
  reset(false);
  apply(read(free(7), 1, 0, 2));
  Operation flush = of(OperationKind::cpu_flush);
  apply({of(OperationKind::tree_alloc, 0, 64), flush, of(OperationKind::tree_alloc, 64, 64),
         by_tree(alloc(64, 0, 64))});
  EXPECT_EQ(shot().depot_cached, 0u);
  EXPECT_EQ(shot().tree_ranges, 1u);
}

TEST_F(MirrorFillTest, ReclaimTakesTheMagazineThatItNames) {
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
  mirror.apply(OperationsLost{1});
  mirror.apply(OperationsLost{});
  mirror.apply(OperationsLost{42});
  EXPECT_EQ(mirror.find(1)->snapshot().loss_marks, 3u);
  EXPECT_EQ(mirror.find(2)->snapshot().loss_marks, 2u);
}

TEST(MirrorOfDomains, ADomainFirstSeenAfterALossIsLossyUnlessItIsNew) {
  Mirror mirror(kProfile61);
  mirror.apply(OperationsLost{});
  mirror.apply(1, free(5));
  mirror.apply(2, of(OperationKind::domain_init));
  EXPECT_EQ(mirror.find(1)->snapshot().confidence, Confidence::lossy);
  EXPECT_EQ(mirror.find(2)->snapshot().confidence, Confidence::exact);
}

// The thread's example as the user sees it: cpu_cached climbs by loaded + prev per CPU, outstanding returns
// to 0.
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

// Readings out of kernel memory between an operation and its report.
CpuContents cpu_contents(Pfns loaded, Pfns prev) {
  CpuContents contents;
  contents.orders[0] = {std::move(loaded), std::move(prev)};
  return contents;
}
DepotSlice depot_slice(std::vector<Pfns> magazines) {
  DepotSlice slice;
  slice.depot_size = static_cast<std::uint32_t>(magazines.size());
  slice.magazines = std::move(magazines);
  return slice;
}

TEST_F(MirrorFillTest, ADepotReadBeforeThePushIsReported) {
  cache(1, 6);
  apply({of(OperationKind::tree_alloc, 7, 1), by_tree(alloc(7))});
  const auto pushed = loaded(), stayed = prev();
  mirror_->adopt(depot_slice({pushed}));
  apply(read(free(7), 1, 3, 1));
  EXPECT_EQ(loaded(), Pfns{7});
  EXPECT_EQ(prev(), stayed);
  EXPECT_EQ(depot(0), pushed);
  EXPECT_EQ(order().depot_magazines, 1u);
  EXPECT_EQ(order().depot_pushes, 1u);
  EXPECT_EQ(shot().tree_ranges, 7u);
  EXPECT_EQ(shot().drift, DriftSnapshot{});
}

TEST_F(MirrorFillTest, ADepotReadBeforeThePopIsReported) {
  mirror_->adopt(depot_slice({{1, 2, 3}}));
  mirror_->adopt(depot_slice({}));
  apply(read(alloc(3), 2, 0, 0));
  EXPECT_EQ(loaded(), (Pfns{1, 2}));
  EXPECT_EQ(order().depot_magazines, 0u);
  EXPECT_EQ(order().depot_pops, 1u);
  EXPECT_EQ(shot().outstanding, 1u);
  EXPECT_EQ(shot().tree_ranges, 3u);
  EXPECT_EQ(shot().drift, DriftSnapshot{});
}

TEST_F(MirrorFillTest, ACpuReadBeforeThePopIsReported) {
  mirror_->adopt(depot_slice({{1, 2, 3}}));
  mirror_->adopt(cpu_contents({1, 2}, {}));
  apply(read(alloc(3), 2, 0, 0));
  EXPECT_EQ(loaded(), (Pfns{1, 2}));
  EXPECT_EQ(order().depot_magazines, 0u);
  EXPECT_EQ(order().depot_pops, 1u);
  EXPECT_EQ(shot().outstanding, 1u);
  EXPECT_EQ(shot().tree_ranges, 3u);
}

}  // namespace
}  // namespace rcached::test
