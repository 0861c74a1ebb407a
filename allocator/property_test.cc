// SPDX-License-Identifier: Apache-2.0
// Properties over random programs: the mirror that watches from birth equals the simulator in everything; a
// mirror that starts late converges; no stream whatsoever breaks the model's invariants.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "allocator/test_support.h"

namespace rcached {
namespace {

using test::difference;
using test::kGenerations;
using test::Program;
using test::scaled;

std::string named(const testing::TestParamInfo<KernelProfile>& info) {
  std::string name(info.param.name);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

// Unoptimised and sanitised builds run a tenth of the programs.
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kScale = 1;
#else
constexpr std::uint64_t kScale = 10;
#endif

class Property : public testing::TestWithParam<KernelProfile> {};
INSTANTIATE_TEST_SUITE_P(Property, Property, testing::ValuesIn(kGenerations), named);

KernelProfile small_profile(const KernelProfile& profile, std::uint64_t seed) {
  return scaled(profile, static_cast<std::uint32_t>(1 + seed % 7), static_cast<std::uint32_t>(1 + seed % 4));
}

// Depots obey the kernel's bound exactly when nothing is lost.
void expect_depots_within_bound(const DomainModel& model) {
  if (model.profile().depot != DepotKind::bounded) return;
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    ASSERT_LE(model.rcache(order).depot().size(), model.profile().depot_capacity);
  }
}

void expect_equal(const Simulator& truth, const DomainMirror& mirror) {
  ASSERT_EQ(difference(truth, mirror.model()), "");
  ASSERT_EQ(mirror.model().find_inconsistency(), "");
  expect_depots_within_bound(mirror.model());
  const DomainSnapshot snapshot = mirror.snapshot();
  ASSERT_EQ(snapshot.confidence, Confidence::exact);
  ASSERT_EQ(snapshot.unaccounted, 0);
  ASSERT_EQ(snapshot.prediction.hits, snapshot.prediction.predictions);
  ASSERT_EQ(snapshot.drift, DriftSnapshot{});
  ASSERT_EQ(snapshot.rcache_flushes, truth.rcache_flushes());
}

// Sum of what all programs of a test did, to prove that they did something.
struct Coverage {
  std::uint64_t hits = 0, pops = 0, pushes = 0, overflows = 0, reclaims = 0, flushes = 0, failures = 0,
                mismatches = 0;

  void add(const Simulator& simulator) {
    for (std::uint8_t order = 0; order <= kCachedOrders; ++order) {
      const OrderSnapshot& counters = simulator.counters(order);
      hits += counters.allocations - std::min(counters.allocations, counters.tree_allocations);
      pops += counters.depot_pops;
      pushes += counters.depot_pushes;
      overflows += counters.depot_overflows;
      reclaims += counters.depot_reclaims;
      failures += counters.allocation_failures;
      mismatches += counters.mismatched_frees;
    }
    flushes += simulator.rcache_flushes();
  }
  void expect_everything_happened(DepotKind depot, std::uint64_t times) const {
    EXPECT_GE(hits, times);
    EXPECT_GE(pops, times);
    EXPECT_GE(pushes, times);
    EXPECT_GE(depot == DepotKind::bounded ? overflows : reclaims, times);
    EXPECT_GE(flushes, times);
    EXPECT_GE(failures, times);
    EXPECT_GE(mismatches, times);
  }
};

void run_from_birth(const KernelProfile& profile, std::uint64_t seed, const Program::Options& options,
                    int steps, Coverage& coverage) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  DomainMirror mirror(profile, 1, true);
  std::uint64_t from_cache = 0;
  Simulator simulator(profile, options.cpus, [&](const Operation& op) {
    if (op.kind == OperationKind::alloc && op.pfn != 0 && op.served_by == ServedBy::cache) ++from_cache;
    mirror.apply(op);
  });
  Program program(seed, simulator, options);
  for (int step = 0; step < steps; ++step) {
    program.step();
    if (step % 16 == 15) {
      expect_equal(simulator, mirror);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  program.free_everything();
  expect_equal(simulator, mirror);
  ASSERT_EQ(mirror.snapshot().prediction.predictions, from_cache);  // it knew every single one
  ASSERT_EQ(mirror.snapshot().outstanding, 0u);
  coverage.add(simulator);
}

// 10,000 programs of each generation with its own constants ...
TEST_P(Property, MirrorFromBirthEqualsTheSimulator) {
  Coverage coverage;
  for (std::uint64_t seed = 1; seed <= 10'000 / kScale && !HasFatalFailure(); ++seed) {
    run_from_birth(GetParam(), seed, {.cpus = 2, .batch = 160, .max_live = 768}, 16, coverage);
  }
  EXPECT_GE(coverage.hits, 500'000u / kScale);
  EXPECT_GE(coverage.pushes, 200u / kScale);
  EXPECT_GE(coverage.pops, 200u / kScale);
}

// ... 10,000 with magazines and depots so small that all paths are taken often ...
TEST_P(Property, MirrorFromBirthEqualsTheSimulatorWithSmallMagazines) {
  Coverage coverage;
  for (std::uint64_t seed = 1; seed <= 10'000 / kScale && !HasFatalFailure(); ++seed) {
    const KernelProfile profile = small_profile(GetParam(), seed);
    run_from_birth(profile, seed,
                   {.cpus = static_cast<std::uint16_t>(1 + seed % 5), .batch = 12, .max_live = 256}, 48,
                   coverage);
  }
  coverage.expect_everything_happened(GetParam().depot, 3000 / kScale);
}

// ... and a few long ones that fill real depots to the brim.
TEST_P(Property, MirrorFromBirthEqualsTheSimulatorWithFullDepots) {
  Coverage coverage;
  for (std::uint64_t seed = 1; seed <= 10 / kScale && !HasFatalFailure(); ++seed) {
    run_from_birth(GetParam(), seed, {.cpus = 4, .batch = 8000, .max_live = 16'000}, 128, coverage);
  }
  coverage.expect_everything_happened(GetParam().depot, 10 / kScale);
}

// The mirror's fill of every (cpu, order) touched since `touched` was cleared, and the depots of those
// orders.
class Touched {
 public:
  void note(const Operation& op) {
    if (op.has_fill) pairs_.insert({op.cpu, DomainModel::order_index(op.size)});
  }
  void expect_equal_fills(const Simulator& truth, const DomainModel& model) const {
    for (const auto& [cpu, order] : pairs_) {
      SCOPED_TRACE("cpu " + std::to_string(cpu) + " order " + std::to_string(order));
      ASSERT_EQ(model.rcache(order).loaded(cpu).size(), truth.rcache(order).loaded(cpu).size());
      ASSERT_EQ(model.rcache(order).prev(cpu).size(), truth.rcache(order).prev(cpu).size());
      ASSERT_EQ(model.rcache(order).depot().size(), truth.rcache(order).depot().size());
    }
  }
  std::size_t size() const { return pairs_.size(); }

 private:
  std::set<std::pair<std::uint16_t, std::uint8_t>> pairs_;
};

TEST_P(Property, MirrorStartedInTheMiddleConverges) {
  PredictionSnapshot all;
  for (std::uint64_t seed = 1; seed <= 2000 / kScale && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const bool small = seed % 2 == 0;
    const KernelProfile profile = small ? small_profile(GetParam(), seed) : GetParam();
    DomainMirror mirror(profile, 1, false);
    Touched touched;
    bool started = false;
    Simulator simulator(profile, 3, [&](const Operation& op) {
      if (!started) return;
      mirror.apply(op);
      touched.note(op);
      if (small) {
        ASSERT_EQ(mirror.model().find_inconsistency(), "");
      }
    });
    Program program(seed, simulator,
                    {.cpus = 3, .batch = small ? 12u : 200u, .max_live = small ? 128u : 2000u});
    for (int step = 0; step < 48; ++step) {
      if (step == 16) started = true;
      program.step();
    }
    mirror.settle(program.now_ns() + Difference::kStandingNs);
    touched.expect_equal_fills(simulator, mirror.model());
    const DomainSnapshot snapshot = mirror.snapshot();
    ASSERT_EQ(mirror.model().find_inconsistency(), "");
    ASSERT_EQ(snapshot.confidence, Confidence::partial);
    ASSERT_EQ(snapshot.drift.ranges, 0u);
    ASSERT_EQ(snapshot.drift, DriftSnapshot{});
    all.predictions += snapshot.prediction.predictions;
    all.hits += snapshot.prediction.hits;
  }
  // Only a pop below a limit in a magazine with unknown slots can be mispredicted.
  EXPECT_GE(all.hits * 1000, all.predictions * 998);
  EXPECT_GE(all.predictions, 100'000u / kScale);
}

// Drops, repeats and swaps operations on their way to the mirror.
class Vandal {
 public:
  Vandal(std::uint64_t seed, DomainMirror& mirror) : random_(seed), mirror_(mirror) {}

  void deliver(const Operation& op) {
    const std::uint64_t dice = active_ ? random_() % 100 : 99;
    if (dice < 20) return;  // lost
    if (dice < 30 && !held_) {
      held_ = op;
      return;
    }
    apply(op);
    if (dice < 35) apply(op);
    release();
  }
  void stop() {
    active_ = false;
    release();
  }

 private:
  void release() {
    if (held_) apply(*std::exchange(held_, std::nullopt));
  }
  void apply(const Operation& op) {
    mirror_.apply(op);
    ASSERT_EQ(mirror_.model().find_inconsistency(), "");
  }

  std::mt19937_64 random_;
  DomainMirror& mirror_;
  std::optional<Operation> held_;
  bool active_ = true;
};

TEST_P(Property, NoLossBreaksTheModelAndCleanOperationHealsIt) {
  for (std::uint64_t seed = 1; seed <= 1000 / kScale && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const KernelProfile profile = small_profile(GetParam(), seed);
    DomainMirror mirror(profile, 1, seed % 2 == 0);
    Vandal vandal(seed, mirror);
    Touched touched;
    bool clean = false;
    Simulator simulator(profile, 3, [&](const Operation& op) {
      vandal.deliver(op);
      if (clean) touched.note(op);
    });
    Program program(seed, simulator, {.cpus = 3, .batch = 12, .max_live = 128});
    for (int step = 0; step < 32; ++step) program.step();
    vandal.stop();
    mirror.mark_loss();
    clean = true;
    for (int step = 0; step < 32; ++step) program.clean_step();
    mirror.settle(program.now_ns() + Difference::kStandingNs);
    touched.expect_equal_fills(simulator, mirror.model());
    ASSERT_EQ(mirror.snapshot().drift.ranges, 0u);
    ASSERT_EQ(mirror.snapshot().unaccounted, 0);
    // Nothing grows beyond what the stream said was live.
    program.free_everything();
    ASSERT_LT(mirror.model().ranges().size(), 4096u);
  }
}

// Reports of different CPUs overtake each other, as they do when probes on several CPUs race: nothing is
// lost, so nothing may be made up. Operations are stamped 1 us apart and delayed by at most one operation.
TEST_P(Property, RacingReportsDoNoHarm) {
  std::uint64_t corrected = 0;
  std::uint64_t overtaken = 0;
  for (std::uint64_t seed = 1; seed <= 600 / kScale && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const KernelProfile profile = small_profile(GetParam(), seed + 2);
    DomainMirror mirror(profile, 1, true);
    std::mt19937_64 random(seed);
    std::uint64_t now_ns = 0;
    // A call's operations travel together: nested ones are reported on the same CPU right before.
    std::vector<Operation> held;
    std::vector<Operation> call;
    std::function<std::uint32_t(std::uint32_t size)> depot_size;
    const auto deliver = [&](std::vector<Operation>& operations) {
      for (Operation& op : operations) {
        op.time_ns = now_ns += 1000;
        mirror.apply(op);
        ASSERT_EQ(mirror.model().find_inconsistency(), "");
      }
      operations.clear();
    };
    Simulator simulator(profile, 4, [&](const Operation& op) {
      call.push_back(op);
      const bool complete = op.kind == OperationKind::alloc || op.kind == OperationKind::free ||
                            op.kind == OperationKind::domain_init;
      if (!complete) return;
      if (held.empty() && random() % 8 == 0) {
        std::swap(held, call);
        return;
      }
      const bool may_overtake = held.empty() || (held.back().cpu != op.cpu && held.back().pfn != op.pfn);
      if (!may_overtake) deliver(held);  // in its own order, nothing has happened since
      overtaken += held.empty() ? 0 : 1;
      deliver(call);
      // The late probe reads late.
      for (Operation& late : held) late.fill.depot = late.has_fill ? depot_size(late.size) : 0;
      deliver(held);
    });
    depot_size = [&](std::uint32_t size) {
      return static_cast<std::uint32_t>(simulator.rcache(DomainModel::order_index(size)).depot().size());
    };
    Program program(seed, simulator,
                    {.cpus = 4, .batch = 12, .max_live = 256, .time_passes = false, .limits = false});
    for (int step = 0; step < 64; ++step) program.clean_step();
    deliver(held);
    mirror.settle(now_ns + Difference::kStandingNs);
    const DomainSnapshot snapshot = mirror.snapshot();
    corrected +=
        snapshot.drift.corrected_loaded + snapshot.drift.corrected_prev + snapshot.drift.corrected_depot;
    ASSERT_EQ(snapshot.drift.ranges, 0u);
    std::uint64_t outstanding = 0;
    for (const auto& [pfn, range] : simulator.ranges()) outstanding += range.cached == kOrderUnknown ? 1 : 0;
    ASSERT_EQ(snapshot.outstanding, outstanding);
    ASSERT_EQ(snapshot.tree_ranges, simulator.tree_ranges());
  }
  EXPECT_GE(overtaken, 1000u / kScale);
  EXPECT_LE(corrected, overtaken / 100 + 1);
}

TEST_P(Property, NonsenseBreaksNothing) {
  std::mt19937_64 random(7);
  const auto below = [&](std::uint64_t bound) { return random() % bound; };
  for (int round = 0; round < static_cast<int>(300 / kScale) && !HasFatalFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const auto capacity = static_cast<std::uint32_t>(1 + below(8));
    DomainMirror mirror(scaled(GetParam(), capacity, static_cast<std::uint32_t>(1 + below(4))), 1,
                        below(2) == 0);
    for (int i = 0; i < 400; ++i) {
      Operation op;
      op.kind = static_cast<OperationKind>(below(below(30) == 0 ? 11 : 8));
      op.time_ns = below(1'000'000'000);
      op.pfn = below(below(3) == 0 ? 4 : 100);
      op.pfn_hi = op.pfn + below(8);
      op.limit_pfn = below(3) == 0 ? random() : below(120);
      op.size = static_cast<std::uint32_t>(below(10) == 0 ? random() : below(40));
      op.cpu = static_cast<std::uint16_t>(below(50) == 0 ? below(600) : below(3));
      op.target_cpu = static_cast<std::uint16_t>(below(4));
      op.fill.loaded = static_cast<std::uint16_t>(below(20) == 0 ? random() : below(capacity + 1));
      op.fill.prev = static_cast<std::uint16_t>(below(20) == 0 ? random() : below(capacity + 1));
      op.fill.depot = static_cast<std::uint32_t>(below(500) == 0 ? random() : below(6));
      op.served_by = below(3) == 0 ? ServedBy::tree : ServedBy::cache;
      op.cause = static_cast<MagazineFreeCause>(below(3));
      op.order = static_cast<std::uint8_t>(below(4) == 0 ? below(256) : below(3));
      op.overflowed = below(8) == 0;
      op.has_fill = below(2) == 0;
      op.has_depot_fill = below(2) == 0;
      op.after_loss = below(20) == 0;
      mirror.apply(op);
      if (below(50) == 0) mirror.settle(op.time_ns + below(2'000'000));
      ASSERT_EQ(mirror.model().find_inconsistency(), "") << "operation " << i;
    }
    (void)mirror.snapshot();
  }
}

}  // namespace
}  // namespace rcached
