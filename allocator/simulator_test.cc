// SPDX-License-Identifier: Apache-2.0
#include "allocator/simulator.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "allocator/test_support.h"

namespace rcached {
namespace {

class Recorder {
 public:
  explicit Recorder(const KernelProfile& profile, std::uint16_t cpus = 4)
      : simulator(profile, cpus, [this](const Operation& op) { operations.push_back(op); }) {
    operations.clear();
  }

  // Allocates `count` and frees all of them again, on one CPU.
  void cycle(std::uint16_t cpu, std::uint32_t count, std::uint32_t size) {
    std::vector<std::uint64_t> pfns;
    for (std::uint32_t i = 0; i < count; ++i) pfns.push_back(simulator.alloc(cpu, size));
    for (const std::uint64_t pfn : pfns) simulator.free(cpu, pfn, size);
  }
  // "alloc tree_alloc free! ..." since the last call; ! = served by the tree, o = overflowed.
  std::string story() {
    std::string text;
    static const char* const kNames[] = {"alloc",         "free",       "tree_alloc", "tree_free",
                                         "magazine_free", "cpu_flush",  "reclaim",    "reserve",
                                         "domain_init",   "domain_put", "fq_drain"};
    for (const Operation& op : operations) {
      if (!text.empty()) text += ' ';
      text += kNames[static_cast<std::size_t>(op.kind)];
      if (op.served_by == ServedBy::tree) text += '!';
      if (op.overflowed) text += 'o';
    }
    operations.clear();
    return text;
  }

  std::vector<Operation> operations;
  Simulator simulator;
};

TEST(SimulatorTest, BirthComesFirst) {
  std::vector<Operation> operations;
  Simulator simulator(
      kProfile61, 1, [&](const Operation& op) { operations.push_back(op); }, 42);
  ASSERT_EQ(operations.size(), 1u);
  EXPECT_EQ(operations[0].kind, OperationKind::domain_init);
  EXPECT_EQ(operations[0].time_ns, 42u);
}

TEST(SimulatorTest, NestedCallsComeFirst) {
  Recorder r(kProfile61);
  const std::uint64_t pfn = r.simulator.alloc(1, 3);
  ASSERT_EQ(r.operations.size(), 2u);
  EXPECT_EQ(r.operations[0].size, 4u);  // rounded inside
  EXPECT_EQ(r.operations[1].size, 3u);  // as asked
  EXPECT_EQ(r.story(), "tree_alloc alloc!");
  r.simulator.free(1, pfn, 3);
  EXPECT_EQ(r.operations[0].fill, (Fill{1, 0, 0}));
  EXPECT_EQ(r.story(), "free");
  EXPECT_EQ(r.simulator.alloc(1, 4), pfn);
  EXPECT_EQ(r.story(), "alloc");
  r.simulator.free(1, pfn, 33);  // beyond the cache
  EXPECT_EQ(r.story(), "tree_free free!");
  EXPECT_EQ(r.simulator.counters(kCachedOrders).mismatched_frees, 1u);
  EXPECT_EQ(r.simulator.tree_ranges(), 0u);
}

TEST(SimulatorTest, OldKernelsDoNotRound) {
  Recorder r(kProfile510);
  const std::uint64_t pfn = r.simulator.alloc(0, 3);
  EXPECT_EQ(r.operations[0].size, 3u);
  EXPECT_EQ(r.simulator.ranges().at(pfn).size, 3u);
}

TEST(SimulatorTest, TheFullDepotOverflowsInsideTheFree) {
  for (const KernelProfile& profile : test::kGenerations) {
    Recorder r(profile);
    const std::uint32_t brim = 34 * profile.magazine_capacity;
    r.cycle(0, brim, 1);
    r.operations.clear();
    EXPECT_EQ(r.simulator.tree_ranges(), brim);
    const std::uint64_t pfn = r.simulator.tree_alloc(0, 1);
    r.simulator.free(0, pfn, 1);
    if (profile.depot == DepotKind::bounded) {
      EXPECT_EQ(r.operations[1].size, profile.magazine_capacity);
      EXPECT_EQ(r.story(), "tree_alloc magazine_free freeo");
      EXPECT_EQ(r.simulator.tree_ranges(), brim + 1 - profile.magazine_capacity);
      EXPECT_EQ(r.simulator.counters(0).depot_overflows, 1u);
    } else {
      EXPECT_EQ(r.story(), "tree_alloc free");
      EXPECT_EQ(r.simulator.rcache(0).depot().size(), 33u);
    }
  }
}

TEST(SimulatorTest, ReclaimPopsOneMagazineARunDownToTheOnlineCpus) {
  Recorder r(kProfile612);
  r.cycle(0, 9 * 127, 1);  // loaded, prev and 7 in the depot
  r.operations.clear();
  for (const std::size_t left : {6u, 5u, 4u, 4u}) {
    r.simulator.reclaim_tick(0, 4);
    EXPECT_EQ(r.simulator.rcache(0).depot().size(), left);
  }
  EXPECT_EQ(r.simulator.counters(0).depot_reclaims, 3u);
  EXPECT_EQ(r.operations[0].kind, OperationKind::magazine_free);
  EXPECT_EQ(r.operations[0].order, 0);
  EXPECT_EQ(r.operations[1].kind, OperationKind::reclaim);
  EXPECT_EQ(r.operations[1].fill.depot, 6u);
  Recorder bounded(kProfile61);
  bounded.simulator.reclaim_tick(0, 1);
  EXPECT_EQ(bounded.story(), "");
}

TEST(SimulatorTest, FailingMagazineAllocationSendsThePfnToTheTree) {
  Recorder r(kProfile61);
  r.cycle(0, 254, 1);
  const std::uint64_t pfn = r.simulator.tree_alloc(0, 1);
  r.operations.clear();
  r.simulator.fail_next_magazine_allocation();
  r.simulator.free(0, pfn, 1);
  EXPECT_EQ(r.operations[1].fill, (Fill{127, 127, 0}));
  EXPECT_EQ(r.story(), "tree_free free!");
}

TEST(SimulatorTest, EmergencyFlushThenRetry) {
  for (const KernelProfile& profile : test::kGenerations) {
    Recorder r(profile, 2);
    // 1..7 are all cached on cpu1; a range of 4 at or below 7 needs them back.
    std::vector<std::uint64_t> pfns;
    for (int i = 0; i < 7; ++i) pfns.push_back(r.simulator.alloc(1, 1, 7));
    for (const std::uint64_t pfn : pfns) r.simulator.free(1, pfn, 1);
    r.operations.clear();
    EXPECT_EQ(r.simulator.alloc(0, 4, 7, false), 0u);  // the 32-bit-first try does not flush
    EXPECT_EQ(r.story(), "tree_alloc alloc!");
    EXPECT_EQ(r.simulator.alloc(0, 4, 7, true), 4u);
    const std::string story = r.story();
    EXPECT_EQ(story.find("tree_alloc magazine_free magazine_free"), 0u);
    EXPECT_EQ(story.substr(story.size() - 27), "cpu_flush tree_alloc alloc!");
    EXPECT_EQ(r.simulator.rcache_flushes(), 2u);
    EXPECT_EQ(r.simulator.tree_ranges(), 1u);
  }
}

TEST(SimulatorTest, TheFlushEmptiesDepotsSince511) {
  for (const KernelProfile& profile : test::kGenerations) {
    Recorder r(test::scaled(profile, 2, 4), 1);
    r.cycle(0, 8, 1);  // loaded 2, prev 2, depot 2 magazines
    ASSERT_EQ(r.simulator.rcache(0).depot().size(), 2u);
    while (r.simulator.alloc(0, 2, 3, true) != 0) {
    }
    EXPECT_EQ(r.simulator.rcache(0).cpu_cached(), 0u);
    EXPECT_EQ(r.simulator.rcache(0).depot().size(), profile.flush_empties_depot ? 0u : 2u);
  }
}

TEST(SimulatorTest, AnOfflineCpuLosesItsMagazines) {
  Recorder r(kProfile612);
  r.cycle(2, 254, 1);
  r.cycle(3, 10, 8);
  r.operations.clear();
  r.simulator.cpu_offline(2);
  EXPECT_EQ(r.operations.back().kind, OperationKind::cpu_flush);
  EXPECT_EQ(r.operations.back().target_cpu, 2);
  EXPECT_EQ(r.operations.back().cpu, 0);
  EXPECT_EQ(r.simulator.tree_ranges(), 10u);
  EXPECT_EQ(r.simulator.online_cpus(), 3u);
}

// The 2020 thread: a process with more live mappings than the cache holds is tied to cpu0, then cpu1, ...
// Nothing leaks, yet the cache grows by loaded + prev for every CPU.
TEST(SimulatorTest, TheThreadsExample) {
  Recorder r(kProfile61);
  for (std::uint16_t cpu = 0; cpu < 4; ++cpu) {
    for (int batch = 0; batch < 3; ++batch) r.cycle(cpu, 381, 2);
    EXPECT_EQ(r.simulator.rcache(1).cpu_cached(), (cpu + 1u) * 254);
    EXPECT_EQ(r.simulator.rcache(1).depot().size(), 1u);
    EXPECT_EQ(r.simulator.tree_ranges(), (cpu + 1u) * 254 + 127);
  }
  const OrderSnapshot& counters = r.simulator.counters(1);
  EXPECT_EQ(counters.allocations, counters.frees);
  EXPECT_EQ(counters.tree_frees, 0u);
}

}  // namespace
}  // namespace rcached
