// SPDX-License-Identifier: Apache-2.0
#include "daemon/pipeline/chronicle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace rcached {
namespace {

using namespace std::chrono_literals;
using TimePoint = Chronicle::TimePoint;

constexpr TimePoint kBegin{1000s};

class ChronicleTest : public ::testing::Test {
 protected:
  ChronicleTest() {
    view_.kernel = {.release = "t", .profile = kProfile61, .online_cpus = 4};
    view_.status.unix_minus_monotonic_ns = 1'700'000'000'000'000'000;
    view_.status.source = "synthetic";
    add(1, "4");
  }

  DomainSnapshot& add(std::uint64_t id, const std::string& label) {
    view_.domains.push_back({.id = id, .label = label, .type = "", .devices = "dev" + label, .driver = ""});
    DomainSnapshot& domain = view_.snapshot.domains.emplace_back();
    domain.id = id;
    domain.confidence = Confidence::exact;
    return domain;
  }
  DomainSnapshot& domain(std::size_t i = 0) { return view_.snapshot.domains[i]; }

  View at(std::chrono::milliseconds since_begin) {
    View view = view_;
    chronicle_.complete(view, kBegin + since_begin);
    return view;
  }

  // "kind domain: text" of the notes after `number`.
  static std::vector<std::string> notes_of(const View& view, std::uint64_t number = 0) {
    std::vector<std::string> lines;
    for (const Note& note : *view.notes) {
      if (note.number > number) lines.push_back(note.kind + " " + note.domain + ": " + note.text);
    }
    return lines;
  }

  View view_;
  Chronicle chronicle_{1u << 20, 1s};
};

TEST_F(ChronicleTest, RatesAndVerdictsComeWithTheSecondView) {
  View first = at(0s);
  ASSERT_EQ(first.rates.size(), 1u);
  EXPECT_FALSE(first.rates[0]);
  EXPECT_TRUE(first.verdicts[0].empty());
  domain().orders[0].allocations = 50;
  const View second = at(1s);
  ASSERT_TRUE(second.rates[0]);
  EXPECT_DOUBLE_EQ(second.rates[0]->allocations, 50);
  EXPECT_FALSE(second.verdicts[0].empty());
}

TEST_F(ChronicleTest, HistoryHasAPointEveryTenSecondsForAnHour) {
  for (int second = 0; second <= 4000; ++second) {
    domain().tree_ranges = static_cast<std::uint64_t>(second);
    domain().orders[1].allocations += 3;
    if (second % 2 == 0) domain().tree_allocation.add(2'000);
    const View view = at(std::chrono::seconds(second));
    ASSERT_NE(view.history, nullptr);
    ASSERT_EQ(view.history->domains.size(), 1u);
    ASSERT_EQ(view.history->domains[0].tree_ranges.size(), std::min(second / 10 + 1, 360)) << second;
  }
  const View view = at(4001s);
  const DomainHistory& history = view.history->domains[0];
  EXPECT_EQ(view.history->interval_s, 10u);
  EXPECT_EQ(view.history->points, 360u);
  EXPECT_EQ(history.tree_ranges.front(), 410);  // 4000 s less 359 intervals
  EXPECT_EQ(history.tree_ranges.back(), 4000);
  EXPECT_EQ(history.first_unix_s, 1'700'000'000 + 1000 + 410);
  EXPECT_FLOAT_EQ(history.allocations_per_second.back(), 3);
  EXPECT_FLOAT_EQ(history.tree_allocation_mean_seconds.back(), 2e-6f);
  EXPECT_FLOAT_EQ(history.tree_allocation_p99_seconds.back(), 2.5e-6f);
  EXPECT_EQ(history.overflows_per_second.back(), 0);
}

TEST_F(ChronicleTest, ViewsOfOneIntervalShareTheHistory) {
  const View a = at(0s);
  const View b = at(9s);
  const View c = at(10s);
  EXPECT_EQ(a.history, b.history);
  EXPECT_NE(b.history, c.history);
  EXPECT_EQ(a.history->domains[0].tree_ranges.size(), 1u) << "a returned history does not change";
}

TEST_F(ChronicleTest, AGapBecomesUnknownPoints) {
  at(0s);
  at(10s);
  const View view = at(45s);  // 20 s and 30 s were missed, this is the point of 40 s
  const DomainHistory& history = view.history->domains[0];
  ASSERT_EQ(history.tree_ranges.size(), 5u);
  EXPECT_FALSE(std::isnan(history.tree_ranges[1]));
  EXPECT_TRUE(std::isnan(history.tree_ranges[2]));
  EXPECT_TRUE(std::isnan(history.tree_ranges[3]));
  EXPECT_FALSE(std::isnan(history.tree_ranges[4]));
  EXPECT_EQ(at(50s).history->domains[0].tree_ranges.size(), 6u) << "the interval does not shift";
}

TEST_F(ChronicleTest, DurationsAreUnknownWithoutAllocations) {
  at(0s);
  const View view = at(10s);
  EXPECT_TRUE(std::isnan(view.history->domains[0].tree_allocation_mean_seconds.back()));
  EXPECT_TRUE(std::isnan(view.history->domains[0].tree_allocation_p99_seconds.back()));
  domain().tree_allocation.add(200'000'000);  // beyond the last bound
  EXPECT_TRUE(std::isnan(at(20s).history->domains[0].tree_allocation_p99_seconds.back()));
}

TEST_F(ChronicleTest, TheHistoryObeysItsMemoryLimit) {
  const HistoryKeeper keeper(1u << 20, 1s);
  const std::size_t most = keeper.max_domains();
  EXPECT_EQ(most, (1u << 20) / (360 * 8 * sizeof(float)));
  for (std::uint64_t id = 2; id <= most + 3; ++id) add(id, std::to_string(100 + id));
  View view = at(0s);
  EXPECT_EQ(view.history->domains.size(), most);
  EXPECT_EQ(view.history->domains_left_out, 3u);
  EXPECT_EQ(view.history->domains.back().id, most) << "the newest are left out";
  EXPECT_EQ(notes_of(view).back(), "history-limit : 3 domains have no history: history.size is too small");
  view_.snapshot.domains.erase(view_.snapshot.domains.begin(), view_.snapshot.domains.begin() + 5);
  view = at(10s);
  EXPECT_EQ(view.history->domains_left_out, 0u) << "removed domains make room";
  EXPECT_EQ(view.history->domains.back().tree_ranges.size(), 1u);
}

TEST_F(ChronicleTest, TheIntervalIsNotShorterThanTheSnapshotInterval) {
  HistoryKeeper keeper(1u << 20, 60s);
  keeper.observe(view_.snapshot, kBegin, 5);
  EXPECT_EQ(keeper.history()->interval_s, 60u);
  EXPECT_EQ(keeper.history()->points, 60u);
}

TEST_F(ChronicleTest, NotesReportNewAndRemovedDomains) {
  EXPECT_EQ(notes_of(at(0s)), std::vector<std::string>{
                                  "started : rcached is tracing 1 domains (source synthetic, mode mirror)"});
  add(2, "9");
  EXPECT_EQ(notes_of(at(1s), 1), std::vector<std::string>{"domain-appeared 9: devices dev9"});
  view_.snapshot.domains.erase(view_.snapshot.domains.begin());
  const View view = at(2s);
  EXPECT_EQ(notes_of(view, 2), std::vector<std::string>{"domain-gone 4: the domain was removed"});
  EXPECT_EQ(view.notes->back().unix_ms, 1'700'000'000'000 + 1'002'000);
}

TEST_F(ChronicleTest, NotesReportLossesAndRecoveryButNotTooOften) {
  at(0s);
  view_.status.cpus = {{.cpu = 0, .sent = 10, .received = 7, .ring_full = 3}};
  domain().confidence = Confidence::lossy;
  EXPECT_EQ(notes_of(at(1s), 1),
            (std::vector<std::string>{
                "events-lost : 3 events were lost; audits will repair the mirror",
                "lossy 4: events were lost; its figures are estimates until the next audit"}));
  for (int second = 2; second < 11; ++second) {
    ++view_.status.cpus[0].ring_full;
    EXPECT_TRUE(notes_of(at(std::chrono::seconds(second)), 3).empty()) << second;
  }
  EXPECT_EQ(notes_of(at(11s), 3),
            std::vector<std::string>{"events-lost : 9 events were lost; audits will repair the mirror"});
  domain().confidence = Confidence::resynced;
  domain().audit.repairs = 1;
  domain().audit.drift.tree = 12;
  EXPECT_EQ(notes_of(at(12s), 4),
            (std::vector<std::string>{"resynced 4: an audit has read it again; its figures are correct again",
                                      "audit-repaired 4: an audit found and repaired 12 differing ranges"}));
}

TEST_F(ChronicleTest, NotesReportFlushesCpusAndVerdicts) {
  domain().rcache_flushes = 5;  // before the first view: no note
  at(0s);
  domain().rcache_flushes = 7;
  view_.kernel.online_cpus = 3;
  domain().orders[2].depot_overflows = 4;
  const View view = at(1s);
  EXPECT_EQ(notes_of(view, 1),
            (std::vector<std::string>{
                "cpus-changed : 3 CPUs are online, previously 4",
                "rcache-flush 4: cpu rcaches were flushed 2 times: no space was found, or a CPU went offline",
                "verdict-holds 4: depot-saturated: 4.00 magazines/s freed to the tree in the last 1 s, 0.00 "
                "% of one "
                "CPU's time spent in it"}));
  for (int second = 2; second < 62; ++second) at(std::chrono::seconds(second));
  EXPECT_EQ(
      notes_of(at(62s), 4),
      std::vector<std::string>{"verdict-ended 4: depot-saturated: no magazine overflowed in the last 60 s"});
}

TEST_F(ChronicleTest, OnlyTheLatestNotesAreKept) {
  at(0s);
  for (int i = 0; i < 300; ++i) {
    view_.kernel.online_cpus = 1 + static_cast<std::uint32_t>(i % 2);
    at(std::chrono::seconds(i + 1));
  }
  const View view = at(400s);
  EXPECT_EQ(view.notes->size(), NoteKeeper::kMaxNotes);
  EXPECT_EQ(view.notes->back().number, 301u);
  EXPECT_EQ(view.notes->front().number, 301u - NoteKeeper::kMaxNotes + 1);
}

TEST_F(ChronicleTest, SilentProbesAreNotedOnce) {
  const std::uint64_t before = at(0s).notes->back().number;
  view_.status.silence = "ftrace-disabled";
  view_.status.not_ready_reason = "why; what to do";
  at(1s);
  at(2s);
  view_.status.silence.clear();
  EXPECT_EQ(notes_of(at(3s), before),
            (std::vector<std::string>{
                "probes-silent : why; what to do",
                "probes-run : the kernel runs the probes again; audits will repair the mirror"}));
}

}  // namespace
}  // namespace rcached
