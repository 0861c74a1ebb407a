// SPDX-License-Identifier: Apache-2.0
// The auditor in a Feed, over a simulated kernel that can be read.
#include "daemon/pipeline/auditor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <variant>
#include <vector>

#include "allocator/test_support.h"
#include "daemon/testing/feed.h"
#include "daemon/testing/simulated_source.h"

namespace rcached {
namespace {

using namespace std::chrono_literals;
using testing_support::Feed;
using testing_support::SimulatedReader;
using testing_support::SimulatedSource;

class AuditorTest : public testing::Test {
 protected:
  static constexpr std::uint16_t kCpus = 4;

  void make_feed(std::chrono::milliseconds budget = 50ms) {
    Feed::Options options;
    options.audit = {60s, budget};
    options.read_reserved = [](int group, std::uint64_t granule) {
      EXPECT_EQ(group, 7);
      EXPECT_EQ(granule, 4096u);
      return std::vector<TreeRange>{{0xfee00, 0xfeeff}};
    };
    source_.listening = true;
    feed_.emplace(
        source_,
        [] {
          return std::vector<IommuGroup>{{7, "DMA-FQ", {{"nvme0", "nvme"}}}};
        },
        std::move(options));
  }
  void drain(int times = 1, std::chrono::milliseconds apart = 10ms) {
    for (int i = 0; i < times; ++i) feed_->drain(now_ += apart);
  }
  DomainSnapshot domain() { return feed_->view().snapshot.domains.at(0); }
  void run(int steps) {
    for (int i = 0; i < steps; ++i) program_.clean_step();
  }
  // Compares pfn by pfn, using an audit with contents.
  void expect_matches_kernel() {
    source_.held_back = 0;
    const AuditReport report = audit({"", true});
    ASSERT_EQ(report.domains.size(), 1u) << report.unavailable;
    const AuditReport::Domain& found = report.domains[0];
    EXPECT_TRUE(found.completed) << found.why;
    EXPECT_EQ(found.drift.sum(), 0u);
    EXPECT_TRUE(found.mirror.tree == found.kernel.tree);
    EXPECT_TRUE(found.mirror.depots == found.kernel.depots);
    for (const CpuContents& cpu : found.kernel.cpus) {
      for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
        const bool used = cpu.cpu < found.mirror.cpus.size();
        const CpuContents::Order mine =
            used ? found.mirror.cpus[cpu.cpu].orders[order] : CpuContents::Order{};
        EXPECT_TRUE(mine == cpu.orders[order]) << "cpu " << cpu.cpu << " order " << int{order};
      }
    }
  }
  AuditReport audit(const AuditRequest& request) {
    std::optional<AuditReport> report;
    feed_->auditor().request(request, [&](AuditReport done) { report = std::move(done); });
    for (int i = 0; i < 100 && !report; ++i) drain(1, 60ms);
    return report.value_or(AuditReport{{}, "no answer"});
  }

  SimulatedSource source_{kProfile612, kCpus};
  test::Program::Options program_options_{kCpus, 200, 4096, false, false, false};
  test::Program program_{1, source_.kernel, program_options_};
  std::optional<Feed> feed_;
  Feed::TimePoint now_{1h};
};

TEST_F(AuditorTest, SeedsADomainBeforeItsFirstEvent) {
  source_.kernel.reserve(0xfee00, 0xfeeff);
  run(100);
  make_feed();
  EXPECT_FALSE(feed_->settled());
  drain(20);
  EXPECT_TRUE(feed_->settled());
  const DomainSnapshot shot = domain();
  EXPECT_EQ(shot.confidence, Confidence::exact);
  EXPECT_EQ(shot.tree_ranges, source_.kernel.tree_ranges());
  EXPECT_EQ(shot.reserved, 1u);
  EXPECT_EQ(shot.outstanding, shot.outstanding_before_start);
  EXPECT_GT(shot.depot_cached, 0u);
  EXPECT_EQ(shot.unaccounted, 0);
  ASSERT_TRUE(shot.memory.has_value());
  ASSERT_TRUE(shot.space32.has_value());
  EXPECT_EQ(feed_->view().status.reader.budget_ns_per_s, 50'000'000u);
  expect_matches_kernel();
}

TEST_F(AuditorTest, SeedsUnderLoad) {
  run(100);
  make_feed();
  for (int i = 0; i < 200; ++i) {
    source_.held_back = i % 3;
    if (i < 150) run(1);
    drain();
    if (!feed_->settled()) continue;
    EXPECT_EQ(domain().unaccounted, 0);
  }
  EXPECT_EQ(domain().confidence, Confidence::exact);
  expect_matches_kernel();
}

TEST_F(AuditorTest, LossIsRepairedWithinTwoSecondsOfRest) {
  make_feed();
  drain(20);
  source_.lose_every = 4;
  for (int i = 0; i < 100; ++i) {
    run(1);
    drain();
  }
  EXPECT_EQ(domain().confidence, Confidence::lossy);
  source_.lose_every = 0;
  drain(100, 20ms);
  const DomainSnapshot shot = domain();
  EXPECT_EQ(shot.confidence, Confidence::resynced);
  EXPECT_GT(shot.audit.drift.sum(), 0u);
  EXPECT_GT(shot.audit.resynced_ns, 0u);
  EXPECT_GT(shot.audit.last_loss_ns, 0u);
  expect_matches_kernel();
}

TEST_F(AuditorTest, AuditsOnScheduleAndAfterHotplug) {
  make_feed();
  drain(20);
  EXPECT_EQ(domain().audit.audits, 1u);
  run(1);
  drain(24, 4s);  // one and a half intervals
  const std::uint64_t audits = domain().audit.audits;
  EXPECT_GE(audits, 2u);
  EXPECT_LE(audits, 3u);
  source_.kernel.cpu_offline(3);
  drain(1);
  domain();  // checks the number of CPUs
  drain(20);
  EXPECT_EQ(domain().audit.audits, audits + 1) << "at once, though the domain is idle";
  EXPECT_EQ(domain().audit.repairs, 0u);
}

TEST_F(AuditorTest, IdleDomainsAreReadRarely) {
  make_feed();
  drain(20);
  const AuditSnapshot before = domain().audit;
  drain(30 * 15, 4s);  // 30 intervals
  const AuditSnapshot after = domain().audit;
  EXPECT_EQ(after.audits - before.audits, 30u / Auditor::kWholeInterval);
  EXPECT_NEAR(static_cast<double>(after.skipped - before.skipped), 27, 1);
  ASSERT_EQ(audit({}).domains.size(), 1u);
  EXPECT_EQ(domain().audit.audits, after.audits + 1) << "a request is never skipped";
  drain(10 * 15, 4s);
  EXPECT_NEAR(static_cast<double>(domain().audit.skipped - after.skipped), 9, 1);
  // Drift that no event tells of is found in the end.
  const std::uint64_t pfn = source_.kernel.alloc(0, 1);
  drain(30, 4s);
  source_.listening = false;
  source_.kernel.free(0, pfn, 1);
  source_.listening = true;
  EXPECT_EQ(domain().audit.repairs, 0u);
  drain(10 * 15 + 8, 4s);
  EXPECT_GE(domain().audit.repairs, 1u);
  expect_matches_kernel();
}

TEST_F(AuditorTest, ADomainInUseIsReadAtEveryInterval) {
  make_feed();
  drain(20);
  const AuditSnapshot before = domain().audit;
  for (int i = 0; i < 10; ++i) {
    source_.kernel.alloc(0, 1);
    drain(15, 4s);
  }
  const AuditSnapshot after = domain().audit;
  EXPECT_NEAR(static_cast<double>(after.audits - before.audits), 10, 1);
  EXPECT_EQ(after.skipped, before.skipped);
}

// 500 domains that began at the same moment.
TEST(AuditorSchedule, AuditsAreSpreadOverTheInterval) {
  constexpr std::uint64_t kDomains = 500;
  Simulator kernel(kProfile612, 1, [](const Operation&) {});
  std::atomic<std::uint64_t> clock{1};
  SimulatedReader reader;
  reader.kernel = &kernel;
  reader.clock = &clock;
  ReadingGate gate;
  std::vector<AuditBegun> begun;
  Auditor auditor(reader, gate,
                  [&](std::uint64_t, std::uint64_t, Input input) {
                    if (const auto* audit = std::get_if<AuditBegun>(&input)) begun.push_back(*audit);
                  },
                  {}, {60s, 50ms});
  auto domains = std::make_shared<DomainList>();
  MirrorNews standings;
  standings.standings.emplace();
  for (std::uint64_t id = 1; id <= kDomains; ++id) {
    domains->domains.push_back({id, SimulatedReader::kKey, std::nullopt, ""});
    standings.standings->push_back({id, true, false});
  }
  domains->discoveries = 1;
  Auditor::TimePoint now{2h};
  auditor.take(standings, now);
  std::vector<std::size_t> by_second(180);
  std::map<std::uint64_t, std::vector<std::size_t>> by_domain;
  for (std::size_t step = 0; step < by_second.size() * 20; ++step) {
    auditor.work(now += 50ms, domains, 0);
    MirrorNews news;
    for (const AuditBegun& audit : std::exchange(begun, {})) {
      ++by_second[step / 20];
      by_domain[audit.id].push_back(step);
      EXPECT_EQ(audit.only_if_changed, audit.options.skip_unused_cpus);
      EXPECT_EQ(audit.only_if_changed, by_domain[audit.id].size() > 1) << "the first one reads";
      AuditResult result;
      result.completed = true;
      news.audits.push_back({audit.id, audit.audit, 1, {}, result});
    }
    auditor.take(news, now);
  }
  EXPECT_EQ(by_domain.size(), kDomains);
  for (std::size_t second = 30; second < 90; ++second)
    EXPECT_NEAR(static_cast<double>(by_second[second]), 8.3, 2) << second;
  for (const auto& [id, steps] : by_domain) {
    EXPECT_GE(steps.size(), 2u);
    EXPECT_GE(steps[0], 20u * 30 - 1);
    EXPECT_LE(steps[0], 20u * 90 + 2);
    for (std::size_t i = 1; i < steps.size(); ++i)
      EXPECT_NEAR(static_cast<double>(steps[i] - steps[i - 1]), 1200, 2);
  }
}

// Results of an incomplete walk must not be used in the next one.
TEST_F(AuditorTest, AnInterruptedWalkStartsOver) {
  run(100);
  make_feed();
  source_.memory().broken_walks = 2;
  drain(60);
  const DomainSnapshot shot = domain();
  EXPECT_EQ(shot.confidence, Confidence::exact);
  ASSERT_TRUE(shot.space32.has_value());
  const DomainSnapshot broken = shot;
  ASSERT_EQ(audit({}).domains.size(), 1u);
  EXPECT_EQ(domain().space32->free_pages, broken.space32->free_pages);
  EXPECT_EQ(domain().space32->largest_gap_pages, broken.space32->largest_gap_pages);
  expect_matches_kernel();
}

TEST_F(AuditorTest, KeepsItsBudget) {
  run(200);
  make_feed(10ms);
  source_.memory().cost_ns = 1'000'000;  // a chunk takes 1 ms: ten of them a second
  drain(200);                            // the first burst is spent
  const std::uint64_t before = source_.memory().status().time_ns;
  source_.lose_every = 3;
  for (int i = 0; i < 1000; ++i) {  // ten seconds
    run(1);
    drain();
  }
  EXPECT_LE(source_.memory().status().time_ns - before,
            (10 + Auditor::kBurstSeconds) * 10'000'000u + 10'000'000u);
}

TEST_F(AuditorTest, AnUnreadableDomainDoesNotBlockTheStart) {
  run(10);
  source_.memory().gone = true;
  make_feed();
  drain(20);
  EXPECT_TRUE(feed_->settled());
  EXPECT_EQ(domain().confidence, Confidence::partial);
  const AuditReport report = audit({});
  ASSERT_EQ(report.domains.size(), 1u);
  EXPECT_FALSE(report.domains[0].completed);
  EXPECT_EQ(report.domains[0].why, "its memory could not be read");
  source_.memory().gone = false;
  drain(100);
  EXPECT_EQ(domain().confidence, Confidence::exact);
}

TEST_F(AuditorTest, ADomainThatDiscoveryNoLongerFindsIsDropped) {
  make_feed();
  drain(20);
  ASSERT_EQ(feed_->view().snapshot.domains.size(), 1u);
  source_.hidden = true;
  drain(3, 61s);
  EXPECT_TRUE(feed_->view().snapshot.domains.empty());
}

TEST_F(AuditorTest, APutDuringAnAuditEndsIt) {
  run(50);
  make_feed();
  drain(1);
  source_.kernel.put();
  source_.hidden = true;
  drain(5);
  EXPECT_TRUE(feed_->view().snapshot.domains.empty());
}

TEST_F(AuditorTest, RequestsForUnknownDomains) {
  make_feed();
  drain(5);
  EXPECT_EQ(audit({"9", false}).unavailable, "there is no domain '9'");
  EXPECT_EQ(audit({"7", false}).domains.size(), 1u);
}

TEST_F(AuditorTest, FlushQueuesAreReadEverySecond) {
  make_feed();
  drain(20);
  EXPECT_FALSE(domain().fq_pending.has_value());
  source_.memory().fq_pending = 2;
  drain(2, Auditor::kFlushQueueGap);
  EXPECT_EQ(domain().fq_pending, 0u) << "not more than is outstanding";
  for (int i = 0; i < 3; ++i) source_.kernel.alloc(0, 1);
  drain(2);
  EXPECT_EQ(domain().fq_pending, 2u);
  source_.memory().fq_pending = std::nullopt;
  drain(2, Auditor::kFlushQueueGap);
  EXPECT_FALSE(domain().fq_pending.has_value());
}

}  // namespace
}  // namespace rcached
