// SPDX-License-Identifier: Apache-2.0
// The kernel's algorithms step by step, against states computed by hand, for every generation.
#include "allocator/rcache.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "allocator/test_support.h"

namespace rcached {
namespace {

constexpr std::uint64_t kNoLimit = ~0ull;

// Frees pfns first..last on the CPU; returns the last outcome.
InsertOutcome insert_range(Rcache& rcache, std::uint16_t cpu, std::uint64_t first, std::uint64_t last) {
  InsertOutcome outcome = InsertOutcome::pushed;
  Magazine set_aside;
  for (std::uint64_t pfn = first; pfn <= last; ++pfn) outcome = rcache.insert(cpu, pfn, true, set_aside);
  return outcome;
}

struct State {
  std::uint32_t loaded, prev;
  std::size_t depot;
  friend bool operator==(const State&, const State&) = default;
  friend void PrintTo(const State& s, std::ostream* os) {
    *os << "loaded " << s.loaded << " prev " << s.prev << " depot " << s.depot;
  }
};

State state(Rcache& rcache, std::uint16_t cpu = 0) {
  return {rcache.loaded(cpu).size(), rcache.prev(cpu).size(), rcache.depot().size()};
}

TEST(Rcache, FillsAsTheKernelDoes) {
  // After n frees on one CPU and no alloc.
  struct Case {
    const KernelProfile& profile;
    std::uint64_t frees;
    State after;
  };
  const Case cases[] = {
      {kProfile510, 1, {1, 0, 0}},
      {kProfile510, 128, {128, 0, 0}},
      {kProfile510, 129, {1, 128, 0}},
      {kProfile510, 256, {128, 128, 0}},
      {kProfile510, 257, {1, 128, 1}},
      {kProfile61, 127, {127, 0, 0}},
      {kProfile61, 128, {1, 127, 0}},
      {kProfile61, 254, {127, 127, 0}},
      {kProfile61, 255, {1, 127, 1}},
      {kProfile61, 381, {127, 127, 1}},
      {kProfile61, 382, {1, 127, 2}},
      // the brim: 34 magazines (loaded, prev, 32 in the depot)
      {kProfile61, 34 * 127, {127, 127, 32}},
      {kProfile510, 34 * 128, {128, 128, 32}},
      // one more overflows: the depot stays at 32 for ever
      {kProfile61, 34 * 127 + 1, {1, 127, 32}},
      {kProfile61, 40 * 127, {127, 127, 32}},
      // but not since 6.7
      {kProfile612, 34 * 127 + 1, {1, 127, 33}},
      {kProfile612, 40 * 127, {127, 127, 38}},
  };
  for (const Case& c : cases) {
    Rcache rcache(c.profile);
    insert_range(rcache, 0, 1, c.frees);
    EXPECT_EQ(state(rcache), c.after) << c.profile.name << " after " << c.frees;
  }
}

TEST(Rcache, OverflowSetsTheLoadedMagazineAside) {
  Rcache rcache(kProfile61);
  insert_range(rcache, 0, 1, 34 * 127);
  Magazine set_aside;
  EXPECT_EQ(rcache.insert(0, 5000, true, set_aside), InsertOutcome::overflow);
  // Magazine k holds (k-1)*127+1 .. k*127. The first went to prev by the first swap, the others followed.
  EXPECT_EQ(set_aside.size(), 127u);
  EXPECT_EQ(set_aside.bottom(), 33 * 127 + 1u);
  EXPECT_EQ(rcache.prev(0).bottom(), 1u);
  EXPECT_EQ(rcache.loaded(0).bottom(), 5000u);
  EXPECT_EQ(rcache.depot().front().bottom(), 127 + 1u);
  EXPECT_EQ(rcache.depot().back().bottom(), 32 * 127 + 1u);
}

TEST(Rcache, WithoutMemoryForAMagazineNothingChanges) {
  for (const KernelProfile& profile : test::kGenerations) {
    Rcache rcache(profile);
    Magazine set_aside;
    EXPECT_EQ(rcache.insert(0, 1, false, set_aside), InsertOutcome::pushed);  // needs none
    insert_range(rcache, 0, 2, 2 * profile.magazine_capacity);
    Rcache before(profile);
    insert_range(before, 0, 1, 2 * profile.magazine_capacity);
    EXPECT_EQ(rcache.insert(0, 9999, false, set_aside), InsertOutcome::no_magazine);
    EXPECT_EQ(rcache, before);
    EXPECT_EQ(rcache.insert(0, 9999, true, set_aside), InsertOutcome::depot_push);
  }
}

TEST(Rcache, GetsAreLastInFirstOutAndSwapOnlyWhenLoadedIsEmpty) {
  Rcache rcache(test::scaled(kProfile61, 3, 4));
  insert_range(rcache, 0, 1, 8);  // prev 1 2 3 | depot [4 5 6] | loaded 7 8
  EXPECT_EQ(state(rcache), (State{2, 3, 1}));
  const std::vector<std::pair<std::uint64_t, RcacheSource>> expected = {
      {8, RcacheSource::loaded}, {7, RcacheSource::loaded},                             // loaded runs dry
      {3, RcacheSource::prev},   {2, RcacheSource::loaded}, {1, RcacheSource::loaded},  // swap
      {6, RcacheSource::depot},  {5, RcacheSource::loaded}, {4, RcacheSource::loaded},  // depot pop
      {0, RcacheSource::none}};
  for (const auto& [pfn, source] : expected) {
    const RcacheGet got = rcache.get(0, kNoLimit);
    EXPECT_EQ(got.pfn, pfn);
    EXPECT_EQ(got.source, source);
  }
  EXPECT_EQ(rcache, Rcache(test::scaled(kProfile61, 3, 4)));
}

TEST(Rcache, DepotIsLastInFirstOutAcrossCpus) {
  Rcache rcache(test::scaled(kProfile612, 2, 0));
  insert_range(rcache, 0, 1, 5);    // cpu0: prev 1 2, depot [3 4], loaded 5
  insert_range(rcache, 1, 11, 15);  // cpu1: prev 11 12, depot [3 4] [13 14], loaded 15
  EXPECT_EQ(rcache.get(2, kNoLimit).pfn, 14u);
  EXPECT_EQ(rcache.get(3, kNoLimit).pfn, 4u);
  EXPECT_EQ(rcache.get(4, kNoLimit).pfn, 0u);
  EXPECT_EQ(rcache.cpu_cached(), 3u + 3u + 1u + 1u);
  EXPECT_EQ(rcache.depot_cached(), 0u);
}

TEST(Rcache, SwapAndDepotPopAreKeptWhenTheLimitFailsThePop) {
  Rcache rcache(test::scaled(kProfile61, 2, 4));
  insert_range(rcache, 0, 100, 104);  // prev 100 101, depot [102 103], loaded 104
  EXPECT_EQ(rcache.get(0, 50).pfn, 0u);
  EXPECT_EQ(state(rcache), (State{1, 2, 1}));  // loaded was not empty: nothing moves
  EXPECT_EQ(rcache.get(0, kNoLimit).pfn, 104u);
  RcacheGet got = rcache.get(0, 50);
  EXPECT_EQ(got.pfn, 0u);
  EXPECT_EQ(got.source, RcacheSource::prev);
  EXPECT_EQ(state(rcache), (State{2, 0, 1}));  // swapped and kept
  got = rcache.get(1, 50);
  EXPECT_EQ(got.source, RcacheSource::depot);
  EXPECT_EQ(state(rcache, 1), (State{2, 0, 0}));  // popped and kept
}

TEST(Rcache, PeekChangesNothingAndAgreesWithGet) {
  Rcache rcache(test::scaled(kProfile510, 2, 4));
  Rcache before(test::scaled(kProfile510, 2, 4));
  insert_range(rcache, 0, 1, 5);
  insert_range(before, 0, 1, 5);
  for (int i = 0; i < 6; ++i) {
    const RcachePeek next = rcache.peek(0, 3);
    EXPECT_EQ(rcache, before);
    const RcacheGet got = rcache.get(0, 3);
    before.get(0, 3);
    EXPECT_EQ(got.pfn, next.pfn);
    EXPECT_EQ(got.source, next.source);
  }
}

TEST(Rcache, ACpuWithoutStorageEqualsAnEmptyOne) {
  Rcache a(kProfile61);
  Rcache b(kProfile61);
  (void)a.provide_loaded(511);
  EXPECT_EQ(a, b);
  insert_range(a, 7, 1, 1);
  EXPECT_FALSE(a == b);
  EXPECT_FALSE(b == a);
  EXPECT_EQ(b.cpus(), 0u);
}

}  // namespace
}  // namespace rcached
