// SPDX-License-Identifier: Apache-2.0
#include "daemon/source/synthetic_source.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "daemon/source/translate.h"
#include "daemon/testing/feed.h"

namespace rcached {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000, kMillisecond = 1'000'000;

struct Harness {
  explicit Harness(Config::Synthetic options = {})
      : source(make_synthetic_source(options, [this] { return now; })) {
    EXPECT_TRUE(source->start());
  }

  std::vector<rcached_event> poll_after(std::uint64_t nanoseconds) {
    now += nanoseconds;
    std::vector<rcached_event> batch;
    source->poll([&](auto events) { batch.insert(batch.end(), events.begin(), events.end()); },
                 ~std::uint64_t{0});
    return batch;
  }

  std::uint64_t calls() const { return source->status().programs.at(0).runs; }

  std::uint64_t now = 5 * kSecond;
  std::unique_ptr<EventSource> source;
};

TEST(SyntheticSource, DomainsAreCreatedFirst) {
  Config::Synthetic options;
  options.domains = 3;
  Harness harness(options);
  std::set<std::uint64_t> born;
  for (const rcached_event& event : harness.poll_after(0)) {
    if (event.op == RCACHED_OP_DOMAIN_INIT) {
      EXPECT_EQ(event.arg, 4096u);
      born.insert(event.domain);
    }
    EXPECT_TRUE(born.contains(event.domain));
  }
  EXPECT_EQ(born.size(), 3u);
  EXPECT_FALSE(born.contains(0));
  const auto domains = harness.source->discover();
  ASSERT_EQ(domains.size(), 3u);
  for (const auto& domain : domains) EXPECT_TRUE(born.contains(domain.key));
  EXPECT_EQ(domains[2].group, 3);
  EXPECT_EQ(domains[2].type, "DMA");
  EXPECT_EQ(domains[2].devices, "synthetic2");
  EXPECT_EQ(domains[2].driver, "synthetic");
}

TEST(SyntheticSource, GeneratesOperationsAtItsRate) {
  for (const unsigned rate : {1u, 1000u, 50'000u}) {
    Config::Synthetic options;
    options.rate = rate;
    Harness harness(options);
    for (int i = 0; i < 1000; ++i) harness.poll_after(10 * kMillisecond);
    EXPECT_EQ(harness.calls(), rate * 10u);
    harness.poll_after(0);
    EXPECT_EQ(harness.calls(), rate * 10u) << "no time, no operations";
  }
}

TEST(SyntheticSource, SkipsTheTimeOfAStoppedProcess) {
  Config::Synthetic options;
  options.rate = 1000;
  Harness harness(options);
  harness.poll_after(3600 * kSecond);
  EXPECT_EQ(harness.calls(), 1000u);
  const auto batch = harness.poll_after(10 * kMillisecond);
  EXPECT_EQ(harness.calls(), 1010u);
  ASSERT_FALSE(batch.empty());
  EXPECT_LE(batch.back().time_ns, harness.now);
  EXPECT_GE(batch.front().time_ns, harness.now - 11 * kMillisecond) << "times are after the gap";
}

TEST(SyntheticSource, ToleratesAStoppedClock) {
  Harness harness;
  harness.poll_after(kSecond);
  harness.now -= kSecond;
  EXPECT_TRUE(harness.poll_after(0).empty());
}

TEST(SyntheticSource, TimesNeverGoBackAndCpusExist) {
  Config::Synthetic options;
  options.cpus = 3;
  Harness harness(options);
  std::uint64_t last = 0;
  for (int i = 0; i < 100; ++i) {
    for (const rcached_event& event : harness.poll_after(7 * kMillisecond)) {
      ASSERT_GE(event.time_ns, last);
      ASSERT_LE(event.time_ns, harness.now);
      ASSERT_LT(event.cpu, 3u);
      last = event.time_ns;
    }
  }
}

TEST(SyntheticSource, TheSameSeedGivesTheSameOperations) {
  const auto run = [](std::uint64_t seed) {
    Config::Synthetic options;
    options.seed = seed;
    return Harness(options).poll_after(100 * kMillisecond);
  };
  const auto one = run(1), again = run(1), other = run(2);
  ASSERT_EQ(one.size(), again.size());
  EXPECT_EQ(std::memcmp(one.data(), again.data(), one.size() * sizeof(rcached_event)), 0);
  EXPECT_TRUE(one.size() != other.size() ||
              std::memcmp(one.data(), other.data(), one.size() * sizeof(rcached_event)) != 0);
}

// End to end: workload -> events -> translation -> mirror, for every generation and workload.
TEST(SyntheticSource, TreeAllocationsAndMagazineFreesTakeTime) {
  Config::Synthetic options;
  options.rate = 200'000;
  Harness harness(options);
  std::size_t tree_allocations = 0;
  std::set<std::uint64_t> durations;
  for (const rcached_event& event : harness.poll_after(kSecond)) {
    if (event.op != RCACHED_OP_TREE_ALLOC && event.op != RCACHED_OP_MAGAZINE_FREE) continue;
    tree_allocations += event.op == RCACHED_OP_TREE_ALLOC ? 1 : 0;
    EXPECT_GE(event.arg, 100u);
    EXPECT_LE(event.arg, 100'000u);
    durations.insert(event.arg);
  }
  EXPECT_GT(tree_allocations, 100u);
  EXPECT_GT(durations.size(), 10u) << "they vary";
}

TEST(SyntheticSource, LargeMachinesHaveTwoNodes) {
  Config::Synthetic options;
  options.cpus = 17;
  const auto nodes = Harness(options).source->kernel_info().cpu_nodes;
  ASSERT_EQ(nodes.size(), 17u);
  EXPECT_EQ(nodes[8], 0);
  EXPECT_EQ(nodes[9], 1);
  options.cpus = 15;
  EXPECT_EQ(Harness(options).source->kernel_info().cpu_nodes, std::vector<std::int16_t>(15, 0));
}

TEST(SyntheticSource, TheMirrorFollowsExactly) {
  for (const KernelProfile& generation : {kProfile510, kProfile61, kProfile612}) {
    for (const auto kind : {WorkloadKind::steady, WorkloadKind::spread, WorkloadKind::burst,
                            WorkloadKind::leak, WorkloadKind::mixed}) {
      Config::Synthetic options;
      options.generation = generation;
      options.workload = kind;
      Harness harness(options);
      testing_support::Feed feed(*harness.source, [] { return std::vector<IommuGroup>(); });
      testing_support::Feed::TimePoint now{std::chrono::nanoseconds(harness.now)};
      for (int i = 0; i < 150; ++i) {
        harness.now += 10 * kMillisecond;
        now += std::chrono::milliseconds(10);
        feed.drain(now);
      }
      const View view = feed.view();
      ASSERT_EQ(view.snapshot.domains.size(), 4u);
      for (const DomainSnapshot& domain : view.snapshot.domains) {
        const std::string where = std::string(generation.name) + " " + std::string(to_string(kind));
        EXPECT_EQ(domain.confidence, Confidence::exact) << where;
        EXPECT_EQ(domain.prediction.hits, domain.prediction.predictions) << where;
        EXPECT_EQ(domain.drift.ranges, 0u) << where;
        EXPECT_EQ(domain.unaccounted, 0) << where;
        EXPECT_GT(domain.tree_ranges, 0u) << where;
      }
      EXPECT_EQ(view.domains.front().label, "1");
      std::uint64_t received = 0;
      for (const CpuLoss& cpu : view.status.cpus) received += cpu.received;
      EXPECT_EQ(received, view.status.events);
    }
  }
}

}  // namespace
}  // namespace rcached
