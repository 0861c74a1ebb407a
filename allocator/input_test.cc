// SPDX-License-Identifier: Apache-2.0
// The Mirror as a function of its inputs: the same stream gives the same snapshots, however it is cut into batches and
// however the domains are divided.
#include "allocator/input.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <variant>
#include <vector>

#include "allocator/mirror.h"
#include "allocator/simulated_kernel.h"
#include "allocator/test_support.h"

namespace rcached {
namespace {

using Entry = std::variant<DomainOperation, Input>;
using Stream = std::vector<Entry>;

KernelProfile profile() { return test::scaled(kProfile612, 4, 4); }

// The domain that an input concerns; 0: all.
std::uint64_t domain_of(const Input& input) {
  return std::visit(
      [](const auto& value) -> std::uint64_t {
        if constexpr (requires { value.info.id; })
          return value.info.id;
        else if constexpr (requires { *value.id; })
          return value.id.value_or(0);
        else if constexpr (requires { value.id; })
          return value.id;
        else
          return 0;
      },
      input);
}

// A stream of several domains with everything that an Input can be: losses, blindness, domains that come and go, audits
// with pieces that could not be read, and ticks.
class Recorder {
 public:
  explicit Recorder(std::uint64_t seed) : random_(seed), mirror_(profile()) {
    for (int i = 0; i < 4; ++i) create();
  }

  Stream record(int steps) {
    for (int i = 0; i < steps; ++i) step();
    write(Tick{now_});
    return std::move(stream_);
  }

 private:
  struct Kernel {
    bool listening = false;
    std::unique_ptr<Simulator> simulator;
    std::unique_ptr<test::Program> program;
  };
  struct Wanted {
    std::uint64_t id, audit;
    ReadRequest request;
  };

  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  void create() {
    const std::uint64_t id = next_id_++;
    Kernel& kernel = kernels_[id];
    kernel.simulator =
        std::make_unique<Simulator>(profile(), std::uint16_t{3}, [this, id](const Operation& operation) {
          if (kernels_.at(id).listening) write(id, operation);
        });
    test::Program::Options options;
    options.cpus = 3;
    options.batch = 8;
    options.max_live = 64;
    options.time_passes = false;
    kernel.program = std::make_unique<test::Program>(below(1u << 30), *kernel.simulator, options);
    if (below(2) == 0) {  // older than the stream
      for (int i = 0; i < 10; ++i) kernel.program->clean_step();
      write(DomainFound{id});
    } else {
      Operation init;
      init.kind = OperationKind::domain_init;
      write(id, init);
    }
    kernel.listening = true;
    DomainInfo info;
    info.id = id;
    info.label = std::to_string(id);
    write(DomainNamed{std::move(info)});
  }

  std::uint64_t any_domain() {
    return std::next(kernels_.begin(), static_cast<long>(below(kernels_.size())))->first;
  }

  void step() {
    const std::uint64_t id = any_domain();
    Kernel& kernel = kernels_.at(id);
    switch (below(120)) {
      case 0:
        return write(OperationsLost{});
      case 1:
        return write(OperationsLost{id});
      case 2:
        return write(BlindnessChanged{blind_ = !blind_ && below(3) == 0});
      case 3:
        return write(CpusChanged{static_cast<std::uint32_t>(below(4))});
      case 4:
        if (kernels_.size() < 6) return create();
        kernels_.erase(id);
        return write(DomainGone{id});
      case 5: {
        kernel.listening = false;  // lost
        kernel.program->clean_step();
        kernel.listening = true;
        return write(OperationsLost{id});
      }
      case 6:
        return write(FlushQueueRead{id, below(2) == 0 ? std::nullopt : std::optional(below(9))});
      case 7:
        return write(Tick{now_});
      case 8:
      case 9: {
        AuditBegun begun;
        begun.id = id;
        begun.audit = next_audit_++;
        begun.options = test::audit_options(DomainAudit::Goal::verify, *kernel.simulator);
        begun.options.has_flush_queue = below(2) == 0;
        return write(begun);
      }
      default:
        if (below(3) == 0) return kernel.program->step();
        return answer();
    }
  }

  void answer() {
    if (wanted_.empty()) return;
    const Wanted wanted = wanted_.front();
    wanted_.pop_front();
    const auto kernel = kernels_.find(wanted.id);
    if (kernel == kernels_.end()) return;
    if (below(40) == 0) return write(AuditGivenUp{wanted.id, wanted.audit, below(2) == 0});
    PieceRead read{wanted.id, wanted.audit, wanted.request, NotReadable{}};
    if (below(20) == 0) return write(std::move(read));
    const Simulator& simulator = *kernel->second.simulator;
    switch (wanted.request.part) {
      case ReadRequest::Part::cpu:
        read.piece = test::read_cpu(simulator, wanted.request.cpu, now_);
        break;
      case ReadRequest::Part::depot: {
        DepotSlice slice = test::read_depot(simulator, wanted.request.order, now_);
        if (slice.magazines.size() > 1) {  // the topmost one first, and perhaps too late
          DepotSlice top = slice;
          top.first = static_cast<std::uint32_t>(slice.magazines.size() - 1);
          top.magazines = {slice.magazines.back()};
          top.last = false;
          slice.magazines.pop_back();
          read.piece = below(10) == 0 ? ReadPiece(NotReadable{}) : top;
          write(read);
        }
        read.piece = std::move(slice);
        break;
      }
      case ReadRequest::Part::tree:
        for (std::uint64_t from = 0;;) {
          const TreeSlice slice = test::read_tree(simulator, from, 7, now_);
          // A slice that came too late; the others come all the same.
          const bool late = below(30) == 0;
          write(PieceRead{wanted.id, wanted.audit, wanted.request, late ? ReadPiece(NotReadable{}) : slice});
          if (slice.to == ~0ull) return;
          from = slice.to + 1;
        }
      case ReadRequest::Part::tree_at:
        read.piece = test::read_tree_at(simulator, wanted.request.pfn, now_);
        break;
      case ReadRequest::Part::flush_queue:
        read.piece = FlushQueuePending{{now_, now_}, below(3)};
        break;
    }
    write(std::move(read));
  }

  void write(std::uint64_t id, Operation operation) {
    operation.time_ns = now_ += 1000;
    mirror_.apply(id, operation);
    stream_.push_back(DomainOperation{id, operation});
  }

  void write(Input input) {
    mirror_.apply(input);
    stream_.push_back(std::move(input));
    const MirrorNews news = mirror_.take_news();
    for (const AuditNews& audit : news.audits) {
      for (const ReadRequest& request : audit.wanted) wanted_.push_back({audit.id, audit.audit, request});
    }
  }

  std::mt19937_64 random_;
  Mirror mirror_;  // says what the audits want
  std::map<std::uint64_t, Kernel> kernels_;
  std::deque<Wanted> wanted_;
  Stream stream_;
  std::uint64_t next_id_ = 1;
  std::uint64_t next_audit_ = 1;
  std::uint64_t now_ = 1'000'000;
  bool blind_ = false;
};

// The domains as some Mirrors have them after every tick, and what they have to say.
struct Replay {
  std::vector<std::vector<DomainSnapshot>> snapshots;
  std::vector<DomainInfo> infos;
  std::size_t audits_over = 0;
};

Replay replay(const Stream& stream, std::size_t shards, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::unique_ptr<Mirror>> mirrors;
  for (std::size_t i = 0; i < shards; ++i) mirrors.push_back(std::make_unique<Mirror>(profile()));
  std::vector<InputBatch> batches(shards);
  Replay result;
  const auto apply = [&] {
    for (std::size_t i = 0; i < shards; ++i) {
      mirrors[i]->apply(batches[i]);
      batches[i].clear();
      for (const AuditNews& news : mirrors[i]->take_news().audits) result.audits_over += news.over ? 1 : 0;
    }
  };
  for (const Entry& entry : stream) {
    if (const auto* operation = std::get_if<DomainOperation>(&entry)) {
      batches[operation->id % shards].add(operation->id, operation->operation);
    } else {
      const Input& input = std::get<Input>(entry);
      const std::uint64_t id = domain_of(input);
      for (std::size_t i = 0; i < shards; ++i) {
        if (id == 0 || id % shards == i) batches[i].add(input);
      }
      if (std::holds_alternative<Tick>(input)) {
        apply();
        auto& domains = result.snapshots.emplace_back();
        for (const auto& mirror : mirrors) {
          for (const DomainSnapshot& domain : mirror->snapshot().domains) domains.push_back(domain);
        }
        std::ranges::sort(domains, {}, &DomainSnapshot::id);
      }
    }
    if (random() % 16 == 0) apply();
  }
  apply();
  for (const auto& mirror : mirrors) std::ranges::copy(mirror->infos(), std::back_inserter(result.infos));
  std::ranges::sort(result.infos, {}, &DomainInfo::id);
  return result;
}

TEST(Inputs, TheSameStreamGivesTheSameSnapshotsHoweverItIsCutAndDivided) {
  std::size_t audits = 0;
  std::size_t resynced = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const Stream stream = Recorder(seed).record(3000);
    const Replay once = replay(stream, 1, 1);
    ASSERT_FALSE(once.snapshots.empty());
    for (const auto& [shards, cuts] : {std::pair{1u, 2u}, {2u, 3u}, {3u, 4u}}) {
      const Replay again = replay(stream, shards, cuts);
      ASSERT_EQ(again.snapshots.size(), once.snapshots.size());
      for (std::size_t i = 0; i < once.snapshots.size(); ++i)
        ASSERT_TRUE(again.snapshots[i] == once.snapshots[i])
            << "seed " << seed << ", tick " << i << ", " << shards;
      EXPECT_EQ(again.infos, once.infos);
      EXPECT_EQ(again.audits_over, once.audits_over);
    }
    audits += once.audits_over;
    for (const DomainSnapshot& domain : once.snapshots.back()) resynced += domain.audit.resyncs;
  }
  EXPECT_GT(audits, 500u);
  EXPECT_GT(resynced, 20u);
}

TEST(Inputs, AnInputOfADomainThatIsGoneIsIgnored) {
  Mirror mirror(profile());
  mirror.apply(DomainFound{1});
  mirror.apply(AuditBegun{1, 7, {}, false});
  (void)mirror.take_news();
  mirror.apply(DomainGone{1});
  mirror.apply(PieceRead{1, 7, {}, CpuContents{}});
  mirror.apply(AuditGivenUp{1, 7});
  mirror.apply(FlushQueueRead{1, 5});
  mirror.apply(DomainNamed{});
  mirror.apply(AuditBegun{1, 8, {}, false});
  mirror.apply(OperationsLost{1});
  EXPECT_EQ(mirror.size(), 0u);
  const MirrorNews news = mirror.take_news();
  EXPECT_TRUE(news.audits.empty());
  ASSERT_TRUE(news.standings.has_value());
  EXPECT_TRUE(news.standings->empty());
}

TEST(Inputs, AnAuditIsOnlySkippedAfterOneThatFoundNothing) {
  Mirror mirror(profile());
  std::uint64_t number = 0;
  // True: it was skipped. Otherwise everything is answered: there is nothing in the kernel.
  const auto skips = [&] {
    AuditBegun begun{1, ++number, {}, false};
    begun.options.possible_cpus = 1;
    begun.only_if_changed = true;
    mirror.apply(begun);
    for (;;) {
      for (const AuditNews& news : mirror.take_news().audits) {
        if (news.over) return news.over->skipped;
        for (const ReadRequest& request : news.wanted) {
          if (request.part == ReadRequest::Part::cpu)
            mirror.apply(PieceRead{1, number, request, CpuContents{}});
          if (request.part == ReadRequest::Part::depot) {
            DepotSlice empty;
            empty.order = request.order;
            mirror.apply(PieceRead{1, number, request, empty});
          }
          if (request.part == ReadRequest::Part::tree || request.part == ReadRequest::Part::tree_at)
            mirror.apply(PieceRead{1, number, request, TreeSlice{{}, request.pfn, ~0ull, {}}});
        }
      }
    }
  };
  mirror.apply(DomainFound{1});
  EXPECT_FALSE(skips()) << "it has never been read";
  EXPECT_TRUE(skips());
  EXPECT_TRUE(skips());
  EXPECT_EQ(mirror.snapshot().domains.at(0).audit.skipped, 2u);
  EXPECT_EQ(mirror.snapshot().domains.at(0).audit.audits, 1u);
  Operation operation;
  operation.kind = OperationKind::tree_alloc;
  operation.pfn = 0x1000;
  operation.size = 1;
  mirror.apply(1, operation);
  EXPECT_FALSE(skips()) << "an operation";
  EXPECT_EQ(mirror.snapshot().domains.at(0).audit.repairs, 1u);
  EXPECT_FALSE(skips()) << "drift was found";
  EXPECT_TRUE(skips());
  mirror.apply(OperationsLost{1});
  EXPECT_FALSE(skips()) << "a loss";
  EXPECT_TRUE(skips());
}

// The reading of a CPU, as the audit `audit` of domain 1 asks for it.
PieceRead reading_of_cpu(Mirror& mirror, std::uint64_t audit, const Pfns& loaded) {
  DomainAudit::Options options;
  options.possible_cpus = 1;
  mirror.apply(AuditBegun{1, audit, options, false});
  PieceRead read{1, audit, mirror.take_news().audits.at(0).wanted.at(0), CpuContents{}};
  std::get<CpuContents>(read.piece).orders[0].loaded = loaded;
  return read;
}

// A piece that was asked for by an audit that has been given up since.
TEST(Inputs, APieceOfAnotherAuditIsIgnored) {
  Mirror mirror(profile());
  mirror.apply(DomainFound{1});
  const PieceRead old = reading_of_cpu(mirror, 7, {5});
  const PieceRead read = reading_of_cpu(mirror, 8, {5});
  mirror.apply(old);
  EXPECT_EQ(mirror.find(1)->model().rcache(0).loaded(0).size(), 0u);
  mirror.apply(read);
  EXPECT_EQ(mirror.find(1)->model().rcache(0).loaded(0).size(), 1u);
}

TEST(Inputs, ARequestIsAnsweredOnce) {
  Mirror mirror(profile());
  mirror.apply(DomainFound{1});
  PieceRead read = reading_of_cpu(mirror, 7, {5});
  mirror.apply(PieceRead{1, 7, read.request, NotReadable{}});
  mirror.apply(read);
  EXPECT_EQ(mirror.find(1)->model().rcache(0).loaded(0).size(), 0u);
}

// One slice of a depot came too late, and the rest did not: the audit goes on.
TEST(Inputs, SlicesAfterOneThatIsMissingDoNotCount) {
  Mirror mirror(profile());
  mirror.apply(DomainFound{1});
  mirror.apply(AuditBegun{1, 7, {}, false});
  std::optional<AuditResult> over;
  for (int round = 0; round < 20 && !over; ++round) {
    for (const AuditNews& news : mirror.take_news().audits) {
      over = news.over;
      for (const ReadRequest& request : news.wanted) {
        PieceRead read{1, 7, request, NotReadable{}};
        if (request.part == ReadRequest::Part::depot) {
          if (round == 0) mirror.apply(read);
          DepotSlice slice;
          slice.order = request.order;
          read.piece = slice;
        } else {
          TreeSlice slice;
          slice.to = ~0ull;
          read.piece = slice;
        }
        mirror.apply(read);
      }
    }
  }
  ASSERT_TRUE(over.has_value());
  EXPECT_TRUE(over->completed) << over->why;
}

TEST(Inputs, WhatHasNotChangedIsSharedByTheSnapshots) {
  Mirror mirror(profile());
  for (const std::uint64_t id : {1, 2}) mirror.apply(DomainFound{id});
  const Snapshot before = mirror.snapshot();
  Operation reserve;
  reserve.kind = OperationKind::reserve;
  reserve.pfn = reserve.pfn_hi = 9;
  mirror.apply(2, reserve);
  mirror.apply(Tick{1});
  const Snapshot after = mirror.snapshot();
  EXPECT_EQ(after.domains.shared()[0], before.domains.shared()[0]);
  EXPECT_NE(after.domains.shared()[1], before.domains.shared()[1]);
  EXPECT_EQ(after.domains[1].reserved, 1u);
  EXPECT_EQ(before.domains[1].reserved, 0u);
  mirror.apply(FlushQueueRead{1, 3});
  EXPECT_NE(mirror.snapshot().domains.shared()[0], before.domains.shared()[0]);
}

}  // namespace
}  // namespace rcached
