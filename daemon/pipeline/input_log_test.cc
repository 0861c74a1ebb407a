// SPDX-License-Identifier: Apache-2.0
#include "daemon/pipeline/input_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "daemon/pipeline/reading_gate.h"
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
  const View view =
      after({event(OperationKind::fq_drain, 0, [](auto& o) { o.after_loss = true; }),
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

// 1 % of one domain's events are lost, among 500 domains.
TEST_F(InputLogTest, ALossIsChargedToItsDomain) {
  constexpr std::uint64_t kDomains = 500;
  const auto key = [](std::uint64_t i) { return kKeyA + i * 0x2c0; };
  std::vector<rcached_event> events;
  for (std::uint64_t i = 0; i < kDomains; ++i) events.push_back(event(OperationKind::domain_init, key(i)));
  after(std::move(events));
  const std::uint64_t victim = 7;
  source_.charged.total = 10;
  source_.charged.by_bucket[rcached_loss_bucket(key(victim))] = 10;
  const View view = after({event(OperationKind::free, key(3), [](auto& o) { o.after_loss = true; })});
  EXPECT_EQ(view.snapshot.domains[victim].confidence, Confidence::lossy);
  const auto exact =
      std::ranges::count(view.snapshot.domains, Confidence::exact, &DomainSnapshot::confidence);
  EXPECT_GE(exact, 490);
  EXPECT_LT(exact, 500);
  // One of an unknown domain.
  source_.charged.total += 1;
  for (const DomainSnapshot& domain : after({}).snapshot.domains)
    EXPECT_EQ(domain.confidence, Confidence::lossy);
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

// --- the order of the log

class LogOrder : public testing::Test {
 protected:
  static rcached_event at(std::uint64_t time_ns, OperationKind kind = OperationKind::free) {
    return event(kind, kKeyA, [&](Operation& o) { o.time_ns = time_ns; });
  }
  // Drains `events` and returns what was written.
  InputBatch drain(std::vector<rcached_event> events, std::uint64_t complete_until) {
    source_.next = std::move(events);
    source_.complete_until_ns = complete_until;
    log_.drain(now_ += 10'000'000, ReadingGate::kNoLimit);
    return std::exchange(log_.batches()[0], {});
  }
  static PieceRead reading() { return {1, 7, {}, CpuContents{}}; }

  FakeSource source_;
  InputLog log_{source_, 1, true};
  std::uint64_t now_ = 0;
};

TEST_F(LogOrder, AReadingComesAfterWhatItHasSeenAndBeforeTheRest) {
  drain({at(500, OperationKind::domain_init)}, 600);
  log_.write(1, 2000, reading());
  log_.write(1, 1500, AuditGivenUp{1, 7});
  const InputBatch batch = drain({at(1000), at(2000), at(3000)}, 3000);
  ASSERT_EQ(batch.operations.size(), 3u);
  ASSERT_EQ(batch.others.size(), 2u);
  EXPECT_EQ(batch.others[0].before, 1u);
  EXPECT_TRUE(std::holds_alternative<AuditGivenUp>(batch.others[0].input));
  EXPECT_EQ(batch.others[1].before, 2u);
  EXPECT_TRUE(std::holds_alternative<PieceRead>(batch.others[1].input));
}

TEST_F(LogOrder, AReadingWaitsUntilTheStreamIsCompleteUpToIt) {
  drain({at(500, OperationKind::domain_init)}, 600);
  log_.write(1, 2000, reading());
  EXPECT_TRUE(drain({at(1000)}, 1200).others.empty());
  const InputBatch batch = drain({at(1300)}, 2500);
  ASSERT_EQ(batch.others.size(), 1u);
  EXPECT_EQ(batch.others[0].before, 1u);
}

TEST_F(LogOrder, AReadingThatComesTooLateDoesNotCount) {
  drain({at(500, OperationKind::domain_init), at(3000)}, 3000);
  log_.write(1, 2000, reading());
  const InputBatch batch = drain({}, 3001);
  ASSERT_EQ(batch.others.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<NotReadable>(std::get<PieceRead>(batch.others[0].input).piece));
}

TEST_F(LogOrder, ReadingsOfADomainThatIsGoneAreDropped) {
  drain({at(500, OperationKind::domain_init)}, 600);
  log_.write(1, 2000, reading());
  const InputBatch batch = drain({at(1000, OperationKind::domain_put)}, 2500);
  ASSERT_EQ(batch.others.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<DomainGone>(batch.others[0].input));
}

// A domain may be discovered between its creation and the event that reports it.
TEST_F(LogOrder, TheInitOfADiscoveredDomainIsItsOwn) {
  Discovery found;
  found.domains.emplace_back().key = kKeyA;
  log_.take(found);
  const InputBatch batch = drain({at(500, OperationKind::domain_init)}, 600);
  ASSERT_EQ(batch.operations.size(), 1u);
  EXPECT_EQ(batch.operations[0].id, 1u);
  EXPECT_EQ(log_.domains()->domains.size(), 1u);
  EXPECT_EQ(drain({at(700, OperationKind::domain_init)}, 800).operations.at(0).id, 2u)
      << "not so the next one";
}

TEST_F(LogOrder, ATickEndsADrain) {
  drain({at(500, OperationKind::domain_init)}, 600);
  EXPECT_FALSE(log_.ticked());
  log_.request_tick();
  const InputBatch batch = drain({at(700)}, 900);
  EXPECT_TRUE(log_.ticked());
  EXPECT_FALSE(log_.ticked());
  ASSERT_EQ(batch.others.size(), 1u);
  EXPECT_EQ(std::get<Tick>(batch.others[0].input).time_ns, 900u);
  EXPECT_EQ(batch.others[0].before, 1u);
}

TEST(LogOfShards, AnInputGoesToTheShardOfItsDomainAndALossToAll) {
  FakeSource source;
  InputLog log(source, 2, true);
  source.next = {event(OperationKind::domain_init, kKeyA), event(OperationKind::domain_init, kKeyB)};
  log.drain(1, ReadingGate::kNoLimit);
  EXPECT_EQ(log.batches()[1].operations.at(0).id, 1u);
  EXPECT_EQ(log.batches()[0].operations.at(0).id, 2u);
  for (InputBatch& batch : log.batches()) batch.clear();
  StreamNews news;
  news.lost.total = 1;
  log.take(news);
  for (const InputBatch& batch : log.batches())
    EXPECT_TRUE(std::holds_alternative<OperationsLost>(batch.others.at(0).input));
}

TEST(ReadingGateTest, TheLogIsHeldWhileAReadingIsUnderWay) {
  ReadingGate gate;
  EXPECT_EQ(gate.limit_ns(100), ReadingGate::kNoLimit);
  gate.open(50);
  EXPECT_EQ(gate.limit_ns(100), 49u);
  EXPECT_EQ(gate.limit_ns(51 + ReadingGate::kMaxHeldNs), ReadingGate::kNoLimit) << "not for ever";
  gate.close();
  EXPECT_EQ(gate.limit_ns(100), ReadingGate::kNoLimit);
}

}  // namespace
}  // namespace rcached
