// SPDX-License-Identifier: Apache-2.0
// A mirror that is seeded, checked and repaired with the kernel's memory (a simulator's here): at rest, under
// load, after losses, with readings that are torn or late.
#include "allocator/domain_audit.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <random>
#include <set>

#include "allocator/simulated_kernel.h"
#include "allocator/test_support.h"

namespace rcached {
namespace {

using test::answer;
using test::audit_options;
using test::contents_difference;
using test::kGenerations;
using test::Program;
using test::run_audit;
using Goal = DomainAudit::Goal;
using State = DomainAudit::State;

// A kernel, a mirror of it, and the wire between them: operations can be kept back (under way in the kernel,
// not reported yet) or lost.
class DomainAuditTest : public testing::TestWithParam<KernelProfile> {
 protected:
  void start(std::uint64_t seed, bool from_birth, std::uint32_t capacity = 0, std::uint32_t depot = 0) {
    random_.seed(seed);
    options_.reserves = from_birth;  // a range widened before the start is freed by a pfn nobody can know
    KernelProfile profile = GetParam();
    if (capacity != 0) profile = test::scaled(profile, capacity, depot);
    mirror_.emplace(profile, 1, from_birth);
    wire_.clear();
    listening_ = from_birth;
    kernel_.emplace(profile, options_.cpus, [this](const Operation& op) { report(op); });
    program_.emplace(seed, *kernel_, options_);
  }
  void report(const Operation& op) {
    if (!listening_) return;
    if (lose_percent_ != 0 && random_() % 100 < lose_percent_) {
      lost_ = true;
      return;
    }
    wire_.push_back(op);
    while (wire_.size() > delay_) deliver();
  }
  void deliver() {
    if (std::exchange(lost_, false)) mirror_->mark_loss();
    mirror_->apply(wire_.front());
    wire_.pop_front();
  }
  void deliver_all() {
    while (!wire_.empty()) deliver();
    if (std::exchange(lost_, false)) mirror_->mark_loss();
  }
  void run(int steps) {
    for (int i = 0; i < steps; ++i) program_->step();
  }
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  Program::Options options_;
  std::mt19937_64 random_;
  std::optional<DomainMirror> mirror_;
  std::optional<Simulator> kernel_;
  std::optional<Program> program_;
  std::deque<Operation> wire_;
  std::size_t delay_ = 0;
  std::uint64_t lose_percent_ = 0;
  bool lost_ = false;
  bool listening_ = false;
};

std::string named(const testing::TestParamInfo<KernelProfile>& info) {
  std::string name(info.param.name);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Generations, DomainAuditTest, testing::ValuesIn(kGenerations), named);

TEST_P(DomainAuditTest, SeedsADomainAtRest) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    start(seed, false, seed % 2 == 0 ? 0 : 1 + seed % 7, 1 + seed % 4);
    run(200);
    listening_ = true;
    ASSERT_EQ(run_audit(*mirror_, Goal::seed, *kernel_), State::completed);
    ASSERT_EQ(contents_difference(*kernel_, mirror_->model()), "");
    const DomainSnapshot shot = mirror_->snapshot();
    EXPECT_EQ(shot.confidence, Confidence::exact);
    EXPECT_EQ(shot.unaccounted, 0);
    EXPECT_EQ(shot.audit.drift.sum(), 0u);
    EXPECT_EQ(shot.audit.audits, 1u);
    EXPECT_EQ(shot.audit.repairs, 0u);
    EXPECT_EQ(shot.outstanding, shot.outstanding_before_start);
    // From here on it predicts every pfn, as if it had been there from the birth.
    run(200);
    ASSERT_EQ(contents_difference(*kernel_, mirror_->model()), "");
    const DomainSnapshot later = mirror_->snapshot();
    EXPECT_EQ(later.prediction.hits, later.prediction.predictions);
    EXPECT_EQ(later.drift, DriftSnapshot{});
    // What was mapped before the start is unmapped one day.
    program_->free_everything();
    EXPECT_EQ(mirror_->snapshot().outstanding, 0u);
    EXPECT_EQ(mirror_->snapshot().outstanding_before_start, 0u);
  }
}

// Operations go on between any two pieces, and some are reported only after the piece that shows them.
TEST_P(DomainAuditTest, SeedsADomainUnderLoad) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    start(seed, false, seed % 2 == 0 ? 0 : 1 + seed % 7, 1 + seed % 4);
    run(100);
    listening_ = true;
    delay_ = seed % 5;
    DomainAudit audit(*mirror_, audit_options(Goal::seed, *kernel_));
    while (audit.state() == State::reading) {
      const auto request = audit.next();
      if (!request) break;
      const auto go_on = [&] {
        if (audit.looks() < 3) program_->clean_step();
      };
      go_on();
      answer(audit, *request, *kernel_, 50, 0, go_on);
      ASSERT_EQ(mirror_->model().find_inconsistency(), "");
    }
    ASSERT_NE(audit.state(), State::reading);
    delay_ = 0;
    deliver_all();
    // What the seeding took over while operations went on is confirmed by another audit, as the Auditor does.
    DomainAudit::Options confirm = audit_options(Goal::verify, *kernel_);
    confirm.counts_drift = false;
    ASSERT_EQ(run_audit(*mirror_, confirm, *kernel_), State::completed);
    ASSERT_EQ(contents_difference(*kernel_, mirror_->model()), "");
    EXPECT_EQ(mirror_->snapshot().confidence, Confidence::exact);
    EXPECT_EQ(mirror_->snapshot().unaccounted, 0);
  }
}

// CPUs are taken away between an operation and its report, and pieces are read meanwhile: a second audit,
// which does not count as drift what it finds, ends the seeding.
TEST_P(DomainAuditTest, SeedsWhileCpusAreAway) {
  options_.batch = 1;
  options_.max_live = 200;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    start(seed, false, 2 + seed % 5, 8);
    for (int i = 0; i < 400; ++i) program_->clean_step();
    std::vector<std::vector<Operation>> away(kernel_->cpus());
    const auto arrive = [&](std::uint16_t cpu) {
      for (const Operation& op : std::exchange(away[cpu], {})) mirror_->apply(op);
    };
    listening_ = true;
    delay_ = 1000;  // reports gather in wire_
    const auto go_on = [&](std::uint64_t percent_away) {
      program_->clean_step();
      if (wire_.empty()) return;
      const std::uint16_t cpu = wire_.back().cpu;
      arrive(cpu);
      away[cpu].assign(wire_.begin(), wire_.end());
      wire_.clear();
      if (below(100) >= percent_away) arrive(cpu);
    };
    DomainAudit::Options options = audit_options(Goal::seed, *kernel_);
    options.counts_drift = false;
    DomainAudit audit(*mirror_, options);
    while (const auto request = audit.next()) {
      for (int i = 0; i < 5; ++i) go_on(audit.looks() == 1 ? 50 : 0);
      if (audit.looks() > 1) {
        for (std::uint16_t cpu = 0; cpu < kernel_->cpus(); ++cpu) arrive(cpu);
      }
      answer(audit, *request, *kernel_, 50, 0, [&] { go_on(audit.looks() == 1 ? 50 : 0); });
      ASSERT_EQ(mirror_->model().find_inconsistency(), "");
    }
    for (std::uint16_t cpu = 0; cpu < kernel_->cpus(); ++cpu) arrive(cpu);
    options.goal = Goal::verify;
    ASSERT_EQ(run_audit(*mirror_, options, *kernel_), State::completed);
    ASSERT_EQ(contents_difference(*kernel_, mirror_->model()), "");
    EXPECT_EQ(mirror_->snapshot().audit.drift.sum(), 0u) << "it was the seeding that was not done yet";
  }
}

TEST_P(DomainAuditTest, FindsNothingInAMirrorThatIsRight) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    start(seed, true, seed % 2 == 0 ? 0 : 1 + seed % 7, 1 + seed % 4);
    run(300);
    const std::uint64_t magazines = 2ull * kCachedOrders * kernel_->cpus();
    ASSERT_EQ(run_audit(*mirror_, Goal::verify, *kernel_), State::completed);
    const DomainSnapshot shot = mirror_->snapshot();
    EXPECT_EQ(shot.audit.drift.sum(), 0u);
    EXPECT_EQ(shot.audit.repairs, 0u);
    EXPECT_EQ(shot.confidence, Confidence::exact);
    ASSERT_EQ(test::difference(*kernel_, mirror_->model()), "");
    std::uint64_t depots = 0;
    for (const OrderSnapshot& order : shot.orders) depots += order.depot_magazines;
    EXPECT_EQ(shot.memory->magazine_bytes, (magazines + depots) * GetParam().magazine_bytes);
    EXPECT_EQ(shot.memory->range_bytes, shot.tree_ranges * 40);
  }
}

// Differences that reports under way explain are neither repaired nor counted, whatever is read meanwhile.
TEST_P(DomainAuditTest, DoesNotMistakeAnOperationUnderWayForDrift) {
  std::uint64_t drift = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    start(seed, true);
    run(200);
    DomainAudit audit(*mirror_, audit_options(Goal::verify, *kernel_));
    while (const auto request = audit.next()) {
      delay_ = below(4) == 0 ? 1 + below(3) : 0;
      if (audit.looks() < 4) program_->clean_step();
      if (delay_ == 0) deliver_all();
      answer(audit, *request, *kernel_, 50);
      delay_ = 0;
      deliver_all();
    }
    drift += audit.drift().sum();
    ASSERT_EQ(audit.state(), State::completed) << audit.why();
    ASSERT_EQ(contents_difference(*kernel_, mirror_->model()), "");
  }
  EXPECT_EQ(drift, 0u);
}

// A CPU may be held up between the change of the tree and its report, while others go on.
TEST_P(DomainAuditTest, ACpuThatStallsInATreeOperationIsNoDrift) {
  for (const bool allocates : {true, false}) {
    SCOPED_TRACE(allocates);
    start(1, true);
    run(50);
    const std::uint64_t large = kernel_->alloc(0, 64);
    const std::deque<Operation> before = std::exchange(wire_, {});
    delay_ = 1'000;
    if (allocates) {
      kernel_->alloc(0, 64);
    } else {
      kernel_->free(0, large, 64);
    }
    std::deque<Operation> stalled = std::exchange(wire_, before);
    ASSERT_FALSE(stalled.empty());
    delay_ = 0;
    deliver_all();
    DomainAudit audit(*mirror_, audit_options(Goal::verify, *kernel_));
    while (const auto request = audit.next()) {
      kernel_->free(1, kernel_->alloc(1, 1), 1);
      if (audit.looks() == DomainAudit::kLooks - 1) {
        wire_.insert(wire_.end(), stalled.begin(), stalled.end());
        stalled.clear();
        deliver_all();
      }
      answer(audit, *request, *kernel_);
    }
    EXPECT_EQ(audit.state(), State::completed) << audit.why();
    EXPECT_EQ(audit.drift().sum(), 0u);
    EXPECT_EQ(contents_difference(*kernel_, mirror_->model()), "");
  }
}

TEST_P(DomainAuditTest, RepairsWhatLossesHaveLeft) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    start(seed, seed % 3 != 0, seed % 2 == 0 ? 0 : 1 + seed % 7, 1 + seed % 4);
    if (seed % 3 == 0) listening_ = true;
    run(50);
    lose_percent_ = 5 + below(50);
    run(200);
    lose_percent_ = 0;
    deliver_all();
    mirror_->mark_loss();
    EXPECT_EQ(mirror_->snapshot().confidence, Confidence::lossy);
    const Goal goal = seed % 3 == 0 ? Goal::seed : Goal::resync;
    ASSERT_EQ(run_audit(*mirror_, goal, *kernel_), State::completed);
    ASSERT_EQ(contents_difference(*kernel_, mirror_->model()), "");
    const DomainSnapshot shot = mirror_->snapshot();
    EXPECT_EQ(shot.confidence, Confidence::resynced);
    EXPECT_EQ(shot.unaccounted, 0);
    EXPECT_EQ(shot.drift.ranges, 0u);
    if (goal == Goal::resync) EXPECT_EQ(shot.audit.repairs, 1u);
    const PredictionSnapshot before = shot.prediction;
    run(100);
    ASSERT_EQ(contents_difference(*kernel_, mirror_->model()), "");
    const PredictionSnapshot after = mirror_->snapshot().prediction;
    EXPECT_EQ(after.hits - before.hits, after.predictions - before.predictions);
  }
}

TEST_P(DomainAuditTest, LossesDuringAnAuditLeaveTheDomainInDoubt) {
  start(1, true);
  run(100);
  DomainAudit audit(*mirror_, audit_options(Goal::verify, *kernel_));
  while (const auto request = audit.next()) {
    answer(audit, *request, *kernel_);
    if (audit.looks() == 1) mirror_->mark_loss();
  }
  EXPECT_EQ(audit.state(), State::completed);
  EXPECT_EQ(mirror_->snapshot().confidence, Confidence::lossy);
  EXPECT_EQ(mirror_->snapshot().audit.audits, 1u);
  ASSERT_EQ(run_audit(*mirror_, Goal::resync, *kernel_), State::completed);
  EXPECT_EQ(mirror_->snapshot().confidence, Confidence::resynced);
}

TEST_P(DomainAuditTest, ResyncsCountTheLossesThatAuditsHaveEnded) {
  start(1, true);
  run(100);
  ASSERT_EQ(run_audit(*mirror_, Goal::verify, *kernel_), State::completed);
  EXPECT_EQ(mirror_->snapshot().audit.resyncs, 0u) << "there was nothing to end";
  for (const std::uint64_t losses : {1u, 2u}) {
    mirror_->mark_loss();
    mirror_->mark_loss();  // two marks before one audit are one loss to end
    EXPECT_EQ(mirror_->snapshot().audit.resyncs, losses - 1);
    ASSERT_EQ(run_audit(*mirror_, Goal::resync, *kernel_), State::completed);
    EXPECT_EQ(mirror_->snapshot().audit.resyncs, losses);
    ASSERT_EQ(run_audit(*mirror_, Goal::verify, *kernel_), State::completed);
    EXPECT_EQ(mirror_->snapshot().audit.resyncs, losses) << "a clean audit ends nothing";
  }
}

// A walk over a tree that is rebalanced may pass by whole subtrees, and come by nodes that have just gone.
TEST_P(DomainAuditTest, ATornWalkRepairsNothing) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    start(seed, true);
    run(200);
    DomainAudit audit(*mirror_, audit_options(Goal::verify, *kernel_));
    while (const auto request = audit.next()) {
      if (request->part != ReadRequest::Part::tree || audit.looks() > 1) {
        answer(audit, *request, *kernel_);
        continue;
      }
      TreeSlice slice = test::read_tree(*kernel_, 0, 100'000);
      std::erase_if(slice.ranges, [&](const TreeRange&) { return below(3) == 0; });
      audit.apply(*request, slice);
    }
    EXPECT_EQ(audit.state(), State::completed) << audit.why();
    EXPECT_EQ(audit.drift().sum(), 0u);
    ASSERT_EQ(test::difference(*kernel_, mirror_->model()), "");
  }
}

TEST_P(DomainAuditTest, APieceThatCannotBeReadIsAskedForAgain) {
  start(1, false);
  run(200);
  DomainAudit audit(*mirror_, audit_options(Goal::seed, *kernel_));
  int refused = 0;
  while (const auto request = audit.next()) {
    if (audit.looks() == 1 && below(3) == 0) {
      audit.unread(*request);
      ++refused;
    } else {
      answer(audit, *request, *kernel_, 1000);
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_EQ(audit.state(), State::completed) << audit.why();
  EXPECT_EQ(contents_difference(*kernel_, mirror_->model()), "");
}

TEST_P(DomainAuditTest, NeverReadableIsGivenUp) {
  start(1, false);
  run(10);
  DomainAudit audit(*mirror_, audit_options(Goal::seed, *kernel_));
  int asked = 0;
  while (const auto request = audit.next()) {
    audit.unread(*request);
    ASSERT_LT(++asked, 1000);
  }
  EXPECT_EQ(audit.state(), State::abandoned);
  EXPECT_EQ(audit.why(), "it changed under every look");
  EXPECT_EQ(mirror_->snapshot().confidence, Confidence::partial);
}

TEST_P(DomainAuditTest, CpusWithoutCachedRangesMayBeLeftOut) {
  for (const bool skip : {false, true}) {
    start(1, true);
    for (int i = 0; i < 5; ++i) kernel_->free(1, kernel_->alloc(1, 1), 1);
    ASSERT_EQ(run_audit(*mirror_, Goal::verify, *kernel_), State::completed);
    const auto memory = mirror_->snapshot().memory;
    DomainAudit::Options options = audit_options(Goal::verify, *kernel_);
    options.skip_unused_cpus = skip;
    std::set<std::uint16_t> cpus;
    DomainAudit audit(*mirror_, options);
    while (const auto request = audit.next()) {
      if (request->part == ReadRequest::Part::cpu) cpus.insert(request->cpu);
      answer(audit, *request, *kernel_);
    }
    EXPECT_EQ(audit.state(), State::completed);
    EXPECT_EQ(cpus.size(), skip ? 1u : kernel_->cpus());
    EXPECT_TRUE(cpus.contains(1));
    EXPECT_EQ(mirror_->snapshot().memory->magazine_bytes, memory->magazine_bytes)
        << "as last read as a whole";
    // Not where the mirror knows nothing.
    options.goal = Goal::seed;
    DomainAudit seed(*mirror_, options);
    int asked = 0;
    while (const auto request = seed.next()) {
      asked += request->part == ReadRequest::Part::cpu;
      answer(seed, *request, *kernel_);
    }
    EXPECT_GE(asked, kernel_->cpus());
  }
}

// --- remote readings

// Answers a request as a reader does that does not interrupt CPU 1; `change` is what it read instead of the truth.
void answer_remotely(DomainAudit& audit, const ReadRequest& request, const Simulator& kernel,
                     const std::function<void(CpuContents&)>& change = {}) {
  if (request.part != ReadRequest::Part::cpu || request.cpu != 1) return answer(audit, request, kernel);
  CpuContents contents = test::read_cpu(kernel, 1);
  contents.remote = true;
  if (change) change(contents);
  audit.apply(contents);
}

// A CPU that stops in the middle of an operation, for less than two late looks.
TEST_P(DomainAuditTest, ATornRemoteReadingIsNoDrift) {
  for (int torn = 1; torn <= DomainAudit::kRemoteLook; ++torn) {
    SCOPED_TRACE(torn);
    start(1, true);
    for (int i = 0; i < 5; ++i) kernel_->free(1, kernel_->alloc(0, 1), 1);
    DomainAudit audit(*mirror_, audit_options(Goal::verify, *kernel_));
    while (const auto request = audit.next()) {
      answer_remotely(audit, *request, *kernel_, [&](CpuContents& contents) {
        if (audit.looks() <= torn) contents.orders[0].loaded.pop_back();
      });
    }
    EXPECT_EQ(audit.state(), State::completed) << audit.why();
    EXPECT_EQ(audit.drift().sum(), 0u);
    EXPECT_FALSE(audit.unsure());
    EXPECT_TRUE(audit.found_nothing());
    EXPECT_EQ(contents_difference(*kernel_, mirror_->model()), "");
  }
}

TEST_P(DomainAuditTest, ADifferenceThatStaysIsRepairedByRemoteReadings) {
  for (const bool others_work : {false, true}) {
    SCOPED_TRACE(others_work);
    start(1, true);
    for (int i = 0; i < 5; ++i) kernel_->free(1, kernel_->alloc(0, 1), 1);
    const std::uint64_t pfn = kernel_->alloc(0, 1);
    listening_ = false;
    kernel_->free(1, pfn, 1);
    listening_ = true;
    DomainAudit audit(*mirror_, audit_options(Goal::verify, *kernel_));
    int adopted_at = 0;
    while (const auto request = audit.next()) {
      if (others_work) kernel_->free(0, kernel_->alloc(0, 1), 1);
      answer_remotely(audit, *request, *kernel_);
      if (adopted_at == 0 && audit.drift().sum() != 0) adopted_at = audit.looks();
    }
    EXPECT_EQ(audit.state(), State::completed) << audit.why();
    EXPECT_EQ(audit.drift().loaded, 1u);
    EXPECT_EQ(adopted_at, others_work ? DomainAudit::kLooks : DomainAudit::kRemoteLook + 1);
    EXPECT_EQ(audit.unsure(), others_work);
    EXPECT_EQ(contents_difference(*kernel_, mirror_->model()), "");
  }
}

// Each remote reading of it is torn in another way: nothing is concluded, and another audit must look.
TEST_P(DomainAuditTest, ACpuThatIsNeverAtRestIsLeftAsItIs) {
  start(1, true);
  for (int i = 0; i < 20; ++i) kernel_->free(1, kernel_->alloc(0, 1), 1);
  DomainAudit audit(*mirror_, audit_options(Goal::verify, *kernel_));
  while (const auto request = audit.next()) {
    answer_remotely(audit, *request, *kernel_, [&](CpuContents& contents) {
      Pfns& loaded = contents.orders[0].loaded;
      loaded.assign(static_cast<std::size_t>(audit.looks()), 7);
    });
  }
  EXPECT_EQ(audit.state(), State::completed) << audit.why();
  EXPECT_EQ(audit.drift().sum(), 0u);
  EXPECT_TRUE(audit.unsure());
  EXPECT_FALSE(audit.found_nothing());
  EXPECT_EQ(contents_difference(*kernel_, mirror_->model()), "");
}

TEST_P(DomainAuditTest, WhatACpuHasCachedIsNotTakenForMappedIfItCannotBeRead) {
  for (const Goal goal : {Goal::seed, Goal::verify}) {
    start(1, goal == Goal::verify);
    run(100);
    listening_ = true;
    DomainAudit audit(*mirror_, audit_options(goal, *kernel_));
    while (const auto request = audit.next()) {
      const bool busy = request->part == ReadRequest::Part::cpu && request->cpu == 1;
      busy ? audit.unread(*request) : answer(audit, *request, *kernel_);
    }
    if (goal == Goal::seed) {
      EXPECT_EQ(audit.state(), State::abandoned);
      EXPECT_EQ(audit.why(), "the magazines of a CPU changed during every reading");
      EXPECT_EQ(mirror_->snapshot().confidence, Confidence::partial);
    } else {
      EXPECT_EQ(audit.state(), State::completed);
      EXPECT_TRUE(audit.unsure());
    }
  }
}

TEST_P(DomainAuditTest, TellsReservedRangesFromMappings) {
  start(1, false);
  program_.reset();
  kernel_->reserve(0xfee00, 0xfeeff);
  const std::uint64_t pfn = kernel_->alloc(0, 4);
  listening_ = true;
  DomainAudit::Options options = audit_options(Goal::seed, *kernel_);
  options.reserved = {{0xfee00, 0xfeeff}};
  DomainAudit audit(*mirror_, options);
  while (const auto request = audit.next()) answer(audit, *request, *kernel_);
  const DomainSnapshot shot = mirror_->snapshot();
  EXPECT_EQ(shot.reserved, 1u);
  EXPECT_EQ(shot.outstanding_before_start, 1u);
  EXPECT_EQ(shot.orders[2].outstanding, 1u);
  kernel_->free(0, pfn, 4);
  EXPECT_EQ(mirror_->snapshot().outstanding, 0u);
  EXPECT_EQ(mirror_->snapshot().outstanding_before_start, 0u);
  EXPECT_EQ(contents_difference(*kernel_, mirror_->model()), "");
}

// More in the flush queue than is outstanding: counted when it stands at a second look.
TEST_P(DomainAuditTest, ComparesTheFlushQueue) {
  start(1, true);
  for (const bool stands : {false, true}) {
    DomainAudit::Options options = audit_options(Goal::verify, *kernel_);
    options.has_flush_queue = true;
    DomainAudit audit(*mirror_, options);
    int asked = 0;
    while (const auto request = audit.next()) {
      if (request->part == ReadRequest::Part::flush_queue) {
        audit.apply_flush_queue(asked++ == 0 || stands ? 3u + kernel_->cpus() : 0u);
      } else {
        answer(audit, *request, *kernel_);
      }
    }
    EXPECT_EQ(asked, 2);
    EXPECT_EQ(audit.state(), State::completed);
    EXPECT_EQ(audit.drift().fq, stands ? 3u : 0u);
  }
}

TEST_P(DomainAuditTest, MeasuresTheSpaceBelow4GiB) {
  start(1, true);
  kernel_->reserve(0x1000, 0x1fff);
  kernel_->reserve(0x80000, 0x8ffff);
  ASSERT_EQ(run_audit(*mirror_, Goal::verify, *kernel_), State::completed);
  const auto space = mirror_->snapshot().space32;
  ASSERT_TRUE(space.has_value());
  EXPECT_EQ(space->free_pages, (1u << 20) - 1 - 0x1000 - 0x10000);
  EXPECT_EQ(space->largest_gap_pages, 0x80000u - 0x2000u);
}

// An event was missed and nobody counted it: the domain is right again after the repair, but it was not exact.
TEST_P(DomainAuditTest, DriftThatNoLossExplainsEndsExactness) {
  start(1, true);
  run(50);
  ASSERT_EQ(mirror_->snapshot().confidence, Confidence::exact);
  listening_ = false;
  run(50);
  listening_ = true;
  ASSERT_EQ(run_audit(*mirror_, Goal::verify, *kernel_), State::completed);
  ASSERT_NE(mirror_->snapshot().audit.drift.sum(), 0u);
  EXPECT_EQ(mirror_->snapshot().confidence, Confidence::resynced);
}

// While operations are missing all the time, no audit makes a domain exact; the one after the end does.
TEST_P(DomainAuditTest, NoAuditEndsTheDoubtWhileTheMirrorIsBlind) {
  start(1, true);
  run(50);
  mirror_->set_blind(true);
  listening_ = false;
  run(50);
  ASSERT_EQ(run_audit(*mirror_, Goal::resync, *kernel_), State::completed);
  EXPECT_EQ(mirror_->snapshot().confidence, Confidence::lossy);
  EXPECT_EQ(contents_difference(*kernel_, mirror_->model()), "");
  listening_ = true;
  mirror_->set_blind(false);
  mirror_->mark_loss();
  EXPECT_EQ(mirror_->snapshot().confidence, Confidence::lossy);
  ASSERT_EQ(run_audit(*mirror_, Goal::resync, *kernel_), State::completed);
  EXPECT_EQ(mirror_->snapshot().confidence, Confidence::resynced);
}

}  // namespace
}  // namespace rcached
