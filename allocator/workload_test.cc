// SPDX-License-Identifier: Apache-2.0
#include "allocator/workload.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "allocator/mirror.h"
#include "allocator/test_support.h"

namespace rcached {
namespace {

constexpr WorkloadKind kKinds[] = {WorkloadKind::steady, WorkloadKind::spread, WorkloadKind::burst,
                                   WorkloadKind::leak, WorkloadKind::mixed};

class WorkloadTest : public testing::TestWithParam<WorkloadKind> {};
INSTANTIATE_TEST_SUITE_P(Workload, WorkloadTest, testing::ValuesIn(kKinds),
                         [](const auto& kind) { return std::string(to_string(kind.param)); });

TEST_P(WorkloadTest, TheMirrorFollowsItExactly) {
  for (const KernelProfile& profile : test::kGenerations) {
    Mirror mirror(profile);
    Workload workload(profile, {.kind = GetParam(), .domains = 2, .cpus = 4, .step_ns = 10'000},
                      [&](std::uint32_t domain, const Operation& op) { mirror.apply(domain, op); });
    workload.step(100'000);
    for (std::uint32_t domain = 0; domain < 2; ++domain) {
      EXPECT_EQ(test::difference(workload.simulator(domain), mirror.find(domain)->model()), "");
      const DomainSnapshot snapshot = mirror.find(domain)->snapshot();
      EXPECT_EQ(snapshot.confidence, Confidence::exact);
      EXPECT_EQ(snapshot.reserved, 1u);
      EXPECT_EQ(snapshot.drift, DriftSnapshot{});
      EXPECT_EQ(snapshot.prediction.hits, snapshot.prediction.predictions);
    }
  }
}

TEST_P(WorkloadTest, TheSameSeedGivesTheSameOperations) {
  const auto run = [&](std::uint64_t seed) {
    std::vector<std::uint64_t> trace;
    Workload workload(kProfile61, {.kind = GetParam(), .seed = seed, .start_ns = 5},
                      [&](std::uint32_t domain, const Operation& op) {
                        trace.push_back(op.pfn ^ (op.time_ns << 20) ^ domain ^ op.cpu);
                      });
    workload.step(5000);
    return trace;
  };
  EXPECT_EQ(run(1), run(1));
  if (GetParam() != WorkloadKind::spread && GetParam() != WorkloadKind::burst) {  // those have nothing random
    EXPECT_NE(run(1), run(2));
  }
}

TEST_P(WorkloadTest, NamesAreParsed) {
  WorkloadKind kind{};
  EXPECT_TRUE(parse_workload_kind(to_string(GetParam()), kind));
  EXPECT_EQ(kind, GetParam());
  EXPECT_FALSE(parse_workload_kind("stead", kind));
}

DomainSnapshot after(WorkloadKind kind, const KernelProfile& profile, std::uint64_t calls) {
  DomainMirror mirror(profile, 0, true);
  Workload workload(profile, {.kind = kind, .domains = 1, .cpus = 4},
                    [&](std::uint32_t, const Operation& op) { mirror.apply(op); });
  workload.step(calls);
  return mirror.snapshot();
}

TEST(WorkloadKindTest, EachKindShowsWhatItIsFor) {
  // spread: 3 batches of 381 on each of 4 CPUs, allocated and freed: all cached, nothing outstanding
  const DomainSnapshot spread = after(WorkloadKind::spread, kProfile61, 4 * 3 * 2 * 381);
  EXPECT_EQ(spread.outstanding, 0u);
  EXPECT_EQ(spread.orders[1].cpu_cached, 4u * 254);
  EXPECT_EQ(spread.tree_ranges, 4u * 254 + 127 + 1);
  // burst: bounded depots overflow
  EXPECT_GT(after(WorkloadKind::burst, kProfile61, 60'000).orders[0].depot_overflows, 0u);
  EXPECT_EQ(after(WorkloadKind::burst, kProfile612, 60'000).orders[0].depot_overflows, 0u);
  // leak: outstanding grows, steady does not
  EXPECT_GT(after(WorkloadKind::leak, kProfile61, 200'000).outstanding, 600u);
  EXPECT_LT(after(WorkloadKind::steady, kProfile61, 200'000).outstanding, 600u);
  // mixed: the uncacheable and the odd
  const DomainSnapshot mixed = after(WorkloadKind::mixed, kProfile61, 200'000);
  EXPECT_GT(mixed.orders[kCachedOrders].allocations, 1000u);
  EXPECT_GT(mixed.rcache_flushes, 0u);
  EXPECT_GT(mixed.flush_queue.drains, 0u);
}

}  // namespace
}  // namespace rcached
