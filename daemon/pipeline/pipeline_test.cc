// SPDX-License-Identifier: Apache-2.0
#include "daemon/pipeline/pipeline.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "daemon/testing/fake_source.h"
#include "daemon/testing/simulated_source.h"
#include "tests/kit/waiting.h"

namespace rcached {
namespace {

using rcached::testing::eventually;

using namespace std::chrono_literals;
using testing_support::event;
using testing_support::FakeSource;
using testing_support::kKeyA;
using testing_support::SimulatedSource;

std::vector<IommuGroup> no_groups() { return {}; }

PipelineOptions fast() {
  PipelineOptions options;
  options.drain_interval = 1ms;
  options.snapshot_interval = 2ms;
  options.version = "1.2.3";
  options.started_unix_s = 99;
  return options;
}

TEST(Pipeline, PublishesViewsOfWhatTheSourceDelivers) {
  auto source = std::make_unique<FakeSource>();
  source->next = {event(OperationKind::domain_init, kKeyA)};
  Pipeline pipeline(std::move(source), no_groups, fast());
  EXPECT_EQ(pipeline.view(), nullptr);
  ASSERT_TRUE(pipeline.start());
  ASSERT_TRUE(pipeline.wait_for_view(testing::kHang));
  const auto view = pipeline.view();
  EXPECT_EQ(view->snapshot.domains.size(), 1u);
  EXPECT_TRUE(view->status.ready);
  EXPECT_EQ(view->status.version, "1.2.3");
  EXPECT_EQ(view->status.started_unix_s, 99u);
  EXPECT_TRUE(eventually([&] { return pipeline.view() != view; }));
  EXPECT_EQ(view->snapshot.domains.size(), 1u) << "an old view does not change";
}

TEST(Pipeline, CanBeTunedAtRunTime) {
  Pipeline pipeline(std::make_unique<SimulatedSource>(kProfile61, 2), no_groups, fast());
  ASSERT_TRUE(pipeline.start());
  ASSERT_TRUE(pipeline.wait_for_view(testing::kHang));
  EXPECT_EQ(pipeline.view()->status.reader.budget_ns_per_s, 50'000'000u);
  PipelineTuning tuning;
  tuning.audit_budget = 77ms;
  pipeline.tune(tuning);
  ASSERT_TRUE(eventually([&] { return pipeline.view()->status.reader.budget_ns_per_s == 77'000'000u; }));
  EXPECT_EQ(pipeline.view()->snapshot.domains.size(), 1u) << "the mirror is kept";
}

TEST(Pipeline, SeveralShardsShowWhatOneWould) {
  auto source = std::make_unique<FakeSource>();
  constexpr std::uint64_t kDomains = 7;
  for (std::uint64_t i = 0; i < kDomains; ++i)
    source->next.push_back(event(OperationKind::domain_init, kKeyA + i * 0x1000));
  source->next.push_back(event(OperationKind::reserve, kKeyA + 0x3000, [](auto& o) { o.pfn_hi = 5; }));
  PipelineOptions options = fast();
  options.shards = 3;
  options.max_backlog = 1;  // the drain has to wait for the shards now and then
  Pipeline pipeline(std::move(source), no_groups, options);
  ASSERT_TRUE(pipeline.start());
  ASSERT_TRUE(
      eventually([&] { return pipeline.view() && pipeline.view()->snapshot.domains.size() == kDomains; }));
  const auto view = pipeline.view();
  for (std::uint64_t i = 0; i < kDomains; ++i) {
    EXPECT_EQ(view->snapshot.domains[i].id, i + 1);
    EXPECT_EQ(view->domains[i].id, i + 1);
    EXPECT_EQ(view->snapshot.domains[i].reserved, i == 3 ? 1u : 0u);
  }
  EXPECT_EQ(view->status.events, kDomains + 1);
  EXPECT_TRUE(eventually([&] { return pipeline.heartbeat() > 5; }));
}

TEST(Pipeline, AuditsOnRequest) {
  Pipeline pipeline(std::make_unique<SimulatedSource>(kProfile61, 2), no_groups, fast());
  ASSERT_TRUE(pipeline.start());
  ASSERT_TRUE(pipeline.wait_for_view(testing::kHang));
  const AuditReport report = pipeline.audit({"", true}, testing::kHang);
  ASSERT_EQ(report.domains.size(), 1u) << report.unavailable;
  EXPECT_TRUE(report.domains[0].completed) << report.domains[0].why;
  EXPECT_EQ(report.domains[0].confidence, Confidence::exact);
  EXPECT_FALSE(pipeline.audit({"nowhere", false}, testing::kHang).unavailable.empty());
  pipeline.stop();
  EXPECT_EQ(pipeline.audit({}, testing::kHang).unavailable, "rcached is shutting down");
}

TEST(Pipeline, AFailedStartLeavesNothingRunning) {
  auto source = std::make_unique<FakeSource>();
  source->start_error = Error{ErrorCode::attach, "no", "try"};
  Pipeline pipeline(std::move(source), no_groups, fast());
  const auto started = pipeline.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::attach);
  pipeline.stop();
  EXPECT_EQ(pipeline.view(), nullptr);
  EXPECT_EQ(pipeline.failure(), std::nullopt);
}

class SourceWithoutKernel : public FakeSource {
 public:
  KernelInfo kernel_info() const override { throw std::runtime_error("no kernel"); }
};

TEST(Pipeline, AStartThatFailsHalfwayIsAnErrorAndNotACrash) {
  Pipeline pipeline(std::make_unique<SourceWithoutKernel>(), no_groups, fast());
  const auto started = pipeline.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::internal);
  EXPECT_EQ(started.error().message, "no kernel");
  pipeline.stop();
  EXPECT_EQ(pipeline.view(), nullptr);
}

TEST(Pipeline, TheHeartbeatGrowsWhileItRuns) {
  Pipeline pipeline(std::make_unique<FakeSource>(), no_groups, fast());
  ASSERT_TRUE(pipeline.start());
  EXPECT_TRUE(eventually([&] { return pipeline.heartbeat() > 5; }));
  pipeline.stop();
  const auto beat = pipeline.heartbeat();
  std::this_thread::sleep_for(5ms);
  EXPECT_EQ(pipeline.heartbeat(), beat);
}

TEST(Pipeline, StopAppliesRemainingEventsQuickly) {
  auto source = std::make_unique<FakeSource>();
  source->held = {event(OperationKind::domain_init, kKeyA)};
  PipelineOptions options = fast();
  options.drain_interval = options.snapshot_interval = 2 * testing::kHang;
  Pipeline pipeline(std::move(source), no_groups, options);
  ASSERT_TRUE(pipeline.start());
  ASSERT_TRUE(pipeline.wait_for_view(testing::kHang));
  EXPECT_TRUE(pipeline.view()->snapshot.domains.empty());
  const auto begin = std::chrono::steady_clock::now();
  pipeline.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, testing::kHang);
  EXPECT_EQ(pipeline.view()->snapshot.domains.size(), 1u);
  pipeline.stop();
}

TEST(Pipeline, AThrowingSourceIsAFailureAndNotACrash) {
  auto source = std::make_unique<FakeSource>();
  source->on_poll = [polls = 0]() mutable {
    if (++polls == 3) throw std::runtime_error("broken ring");
  };
  Pipeline pipeline(std::move(source), no_groups, fast());
  ASSERT_TRUE(pipeline.start());
  EXPECT_TRUE(eventually([&] { return pipeline.failure().has_value(); }));
  EXPECT_EQ(pipeline.failure(), "broken ring");
}

TEST(Pipeline, ViewsMayBeReadFromManyThreads) {
  auto source = std::make_unique<FakeSource>();
  source->next = {event(OperationKind::domain_init, kKeyA)};
  Pipeline pipeline(std::move(source), no_groups, fast());
  ASSERT_TRUE(pipeline.start());
  ASSERT_TRUE(pipeline.wait_for_view(testing::kHang));
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      for (int k = 0; k < 2000; ++k) EXPECT_EQ(pipeline.view()->snapshot.domains.size(), 1u);
    });
  }
  for (std::thread& reader : readers) reader.join();
}

TEST(Pipeline, CanBeDestroyedUnstarted) {
  Pipeline(std::make_unique<FakeSource>(), no_groups, fast()).stop();
}

}  // namespace
}  // namespace rcached
