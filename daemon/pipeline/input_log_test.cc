// SPDX-License-Identifier: Apache-2.0
#include "daemon/pipeline/input_log.h"

#include <gtest/gtest.h>

#include "daemon/testing/fake_source.h"
#include "daemon/testing/feed.h"

namespace rcached {
namespace {

using namespace std::chrono_literals;
using testing_support::event;
using testing_support::FakeSource;
using testing_support::Feed;
using testing_support::kKeyA;
using testing_support::kKeyB;

class InputLogTest : public testing::Test {
 protected:
  // Applies `events` and returns the view after them.
  View after(std::vector<rcached_event> events, std::chrono::milliseconds later = 10ms) {
    source_.next = std::move(events);
    now_ += later;
    feed_.drain(now_);
    return feed_.view();
  }

  FakeSource source_;
  Feed feed_{source_, [] { return std::vector<IommuGroup>{{5, "DMA-FQ", {{"nvme0", "nvme"}}}}; }};
  Feed::TimePoint now_{1h};
};

TEST_F(InputLogTest, EventsReachTheMirrorOfTheirDomain) {
  const View view = after({event(OperationKind::domain_init, kKeyA), event(OperationKind::tree_alloc, kKeyA),
                           event(OperationKind::alloc, kKeyA, [](auto& o) { o.served_by = ServedBy::tree; }),
                           event(OperationKind::domain_init, kKeyB)});
  ASSERT_EQ(view.snapshot.domains.size(), 2u);
  EXPECT_EQ(view.snapshot.domains[0].id, 1u);
  EXPECT_EQ(view.snapshot.domains[0].outstanding, 1u);
  EXPECT_EQ(view.snapshot.domains[0].confidence, Confidence::exact);
  EXPECT_EQ(view.snapshot.domains[1].outstanding, 0u);
  EXPECT_EQ(view.status.events, 4u);
  EXPECT_EQ(view.status.source, "fake");
  EXPECT_EQ(view.kernel.release, "fake");
  ASSERT_EQ(view.domains.size(), 2u);
  EXPECT_EQ(view.domains[0].granule_bytes, 4096u);
}

TEST_F(InputLogTest, ADomainOlderThanRcachedIsPartial) {
  const View view = after({event(OperationKind::free, kKeyA)});
  ASSERT_EQ(view.snapshot.domains.size(), 1u);
  EXPECT_EQ(view.snapshot.domains[0].confidence, Confidence::partial);
  EXPECT_EQ(view.domains[0].label, "iovad-1");
}

TEST_F(InputLogTest, APutDomainIsRemoved) {
  after({event(OperationKind::domain_init, kKeyA)});
  const View view = after({event(OperationKind::domain_put, kKeyA), event(OperationKind::domain_put, kKeyB)});
  EXPECT_TRUE(view.snapshot.domains.empty());
  EXPECT_TRUE(view.domains.empty());
}

// The reclaim worker can outlast its domain; this is not a new one, which nothing would ever end.
TEST_F(InputLogTest, WhatIsStillUnderWayDoesNotBringADomainBack) {
  after({event(OperationKind::domain_init, kKeyA)});
  const auto in_depot = [](Operation& o) {
    o.order = 0;
    o.has_depot_fill = true;
  };
  const View view = after(
      {event(OperationKind::domain_put, kKeyA),
       event(OperationKind::magazine_free, kKeyA, [](auto& o) { o.cause = MagazineFreeCause::reclaim; }),
       event(OperationKind::reclaim, kKeyA, in_depot), event(OperationKind::cpu_flush, kKeyA),
       event(OperationKind::fq_drain, kKeyA)});
  EXPECT_TRUE(view.snapshot.domains.empty());
  EXPECT_TRUE(view.domains.empty());
  EXPECT_EQ(view.status.malformed, 0u);
}

TEST_F(InputLogTest, AnInitAtAKnownAddressIsANewDomain) {
  after({event(OperationKind::domain_init, kKeyA),
         event(OperationKind::reserve, kKeyA, [](auto& o) { o.pfn_hi = 5; })});
  const View view = after({event(OperationKind::domain_init, kKeyA)});
  ASSERT_EQ(view.snapshot.domains.size(), 1u);
  EXPECT_EQ(view.snapshot.domains[0].id, 2u);
  EXPECT_EQ(view.snapshot.domains[0].reserved, 0u);
  EXPECT_EQ(view.domains.size(), 1u);
}

TEST_F(InputLogTest, LateEventsOfTheSourceAreShown) {
  source_.source_status.late = 3;
  EXPECT_EQ(after({}).status.late, 3u);
}

TEST_F(InputLogTest, MalformedEventsAreCountedAndMakeDomainsLossy) {
  rcached_event bad = event(OperationKind::free, kKeyA);
  bad.op = 200;
  const View view = after({event(OperationKind::domain_init, kKeyA), bad});
  EXPECT_EQ(view.status.malformed, 1u);
  EXPECT_EQ(view.status.events, 1u);
  EXPECT_EQ(view.snapshot.domains[0].confidence, Confidence::lossy);
}

TEST_F(InputLogTest, AnFqDrainWithoutADomainIsUnattributed) {
  const View view = after({event(OperationKind::domain_init, kKeyA), event(OperationKind::fq_drain, 0)});
  EXPECT_EQ(view.status.unattributed_fq_drains, 1u);
  EXPECT_EQ(view.snapshot.domains.size(), 1u);
  EXPECT_EQ(view.snapshot.domains[0].flush_queue.drains, 0u);
}

TEST_F(InputLogTest, AFailedReservationChangesNothing) {
  rcached_event failed = event(OperationKind::reserve, kKeyA);
  failed.size = 0;
  const View view = after({event(OperationKind::domain_init, kKeyA), failed});
  EXPECT_EQ(view.snapshot.domains[0].reserved, 0u);
}

// The stream's time decides, not that of the drain: a CPU that is held up holds the stream back, and its report may
// still explain the difference.
TEST_F(InputLogTest, ADifferenceStandsInTheTimeOfTheStream) {
  source_.complete_until_ns = 2000;
  const auto three_more = [](Operation& o) {
    o.has_fill = true;
    o.fill = {4, 0, 0};
  };
  after({event(OperationKind::domain_init, kKeyA), event(OperationKind::free, kKeyA, three_more)});
  View view = after({}, 1h);
  EXPECT_EQ(view.snapshot.domains[0].drift.ranges, 3u);
  view = after({}, 1h);
  EXPECT_EQ(view.snapshot.domains[0].drift.corrected_loaded, 0u);
  source_.complete_until_ns = 1000 + Difference::kStandingNs;
  view = after({});
  EXPECT_EQ(view.snapshot.domains[0].drift.corrected_loaded, 3u);
  EXPECT_EQ(view.snapshot.domains[0].drift.ranges, 0u);
}

// --- silence

TEST_F(InputLogTest, WhileTheProbesAreSilentNothingIsExact) {
  after({event(OperationKind::domain_init, kKeyA)});
  source_.source_status.silence = TracingFault{"ftrace-disabled", "the kernel is deaf", "do something"};
  View view = after({event(OperationKind::domain_init, kKeyB)});
  EXPECT_EQ(view.status.silence, "ftrace-disabled");
  EXPECT_EQ(view.status.not_ready_reason, "the kernel is deaf; do something");
  for (const DomainSnapshot& domain : view.snapshot.domains) EXPECT_EQ(domain.confidence, Confidence::lossy);
  // A domain that appears meanwhile may have missed events as well.
  view = after({event(OperationKind::domain_put, kKeyB), event(OperationKind::domain_init, kKeyB)});
  EXPECT_EQ(view.snapshot.domains.back().confidence, Confidence::lossy);
  EXPECT_EQ(view.snapshot.domains.front().loss_marks, 1u);

  source_.source_status.silence.reset();
  view = after({});
  EXPECT_EQ(view.status.silence, "");
  EXPECT_EQ(view.status.not_ready_reason, "");
  EXPECT_EQ(view.snapshot.domains.front().confidence, Confidence::lossy);  // nothing has been read again
  EXPECT_EQ(view.snapshot.domains.front().loss_marks, 2u);
}

// --- losses

TEST_F(InputLogTest, ARecordAfterALossMakesAllDomainsLossyWhereItComes) {
  after({event(OperationKind::domain_init, kKeyA), event(OperationKind::domain_init, kKeyB)});
  source_.source_status.cpus = {{.cpu = 0, .sent = 10, .received = 9, .ring_full = 1, .entry_missing = 0}};
  View view = after({event(OperationKind::domain_put, kKeyB), event(OperationKind::domain_init, kKeyB),
                     event(OperationKind::free, kKeyA, [](auto& o) { o.after_loss = true; }),
                     event(OperationKind::domain_put, kKeyB), event(OperationKind::domain_init, kKeyB)});
  EXPECT_EQ(view.snapshot.domains[0].confidence, Confidence::lossy);
  EXPECT_EQ(view.snapshot.domains[0].loss_marks, 1u);
  EXPECT_EQ(view.snapshot.domains[1].confidence, Confidence::exact) << "it is younger than the loss";
}

TEST_F(InputLogTest, TheMarkCountsOnEventsThatChangeNothing) {
  after({event(OperationKind::domain_init, kKeyA)});
  source_.source_status.cpus = {{.cpu = 0, .sent = 10, .received = 9, .ring_full = 1, .entry_missing = 0}};
  const View view = after({event(OperationKind::fq_drain, 0, [](auto& o) { o.after_loss = true; }),
                           event(OperationKind::domain_put, kKeyA), event(OperationKind::domain_init, kKeyA)});
  EXPECT_EQ(view.snapshot.domains[0].confidence, Confidence::exact);
  EXPECT_EQ(after({event(OperationKind::free, kKeyB)}).snapshot.domains.back().confidence, Confidence::lossy)
      << "it was there when the loss happened";
}

// A CPU becomes idle after a loss and reports the loss much later.
TEST_F(InputLogTest, ALateReportOfAKnownLossMarksNothing) {
  after({event(OperationKind::domain_init, kKeyA)});
  source_.source_status.cpus = {{.cpu = 0, .sent = 10, .received = 9, .ring_full = 1, .entry_missing = 0}};
  EXPECT_EQ(after({}).snapshot.domains[0].loss_marks, 1u);
  const View view = after({event(OperationKind::free, kKeyA, [](auto& o) { o.after_loss = true; })});
  EXPECT_EQ(view.snapshot.domains[0].loss_marks, 1u);
}

TEST_F(InputLogTest, GrowingLossCountsMakeAllDomainsLossyOnce) {
  after({event(OperationKind::domain_init, kKeyA)});
  source_.source_status.cpus = {{.cpu = 0, .sent = 10, .received = 9, .ring_full = 1, .entry_missing = 0}};
  EXPECT_EQ(after({}).snapshot.domains[0].loss_marks, 1u);
  EXPECT_EQ(after({}).snapshot.domains[0].loss_marks, 1u);
  ProgramStatus program;
  program.function = "alloc_iova_fast";
  program.skipped = 3;
  source_.source_status.programs = {program};
  EXPECT_EQ(after({}).snapshot.domains[0].loss_marks, 2u);
  source_.source_status.malformed = 1;
  const View view = after({});
  EXPECT_EQ(view.snapshot.domains[0].loss_marks, 3u);
  EXPECT_EQ(view.snapshot.domains[0].confidence, Confidence::lossy);
  EXPECT_EQ(view.status.programs.at(0).skipped, 3u);
  EXPECT_EQ(view.status.cpus.at(0).ring_full, 1u);
}

// --- discovery

TEST_F(InputLogTest, DomainsAreNamedBeforeTheirFirstView) {
  DiscoveredDomain domain;
  domain.key = kKeyA;
  domain.group = 5;
  source_.domains = {domain};
  const View view = after({event(OperationKind::free, kKeyA)});
  EXPECT_EQ(view.domains.at(0).label, "5");
  EXPECT_EQ(view.domains.at(0).devices, "nvme0");
  EXPECT_EQ(source_.discoveries, 1);
}

TEST_F(InputLogTest, DiscoveryIsLimitedInRate) {
  after({});
  ASSERT_EQ(source_.discoveries, 1);
  for (std::uint64_t i = 1; i <= 50; ++i) after({event(OperationKind::free, kKeyA + i * 0x1000)});
  EXPECT_EQ(source_.discoveries, 1);
  after({}, 1s);
  EXPECT_EQ(source_.discoveries, 2);
}

TEST_F(InputLogTest, DiscoveryOfUnnamedDomainsBacksOff) {
  after({event(OperationKind::free, kKeyA)});
  for (int second = 0; second < 600; ++second) after({}, 1s);
  // 1, 2, 4, ... 60 s apart: about 6 in the first minute and one a minute later.
  EXPECT_GE(source_.discoveries, 12);
  EXPECT_LE(source_.discoveries, 18);
}

TEST_F(InputLogTest, NamesAreRefreshedPeriodically) {
  after({});
  for (int second = 0; second < 600; ++second) after({}, 1s);
  EXPECT_EQ(source_.discoveries, 11);
}

TEST_F(InputLogTest, AFlushDeliversHeldBackEvents) {
  source_.held = {event(OperationKind::domain_init, kKeyA)};
  EXPECT_TRUE(after({}).snapshot.domains.empty());
  feed_.flush(now_);
  EXPECT_EQ(feed_.view().snapshot.domains.size(), 1u);
}

}  // namespace
}  // namespace rcached
