// SPDX-License-Identifier: Apache-2.0
// The probes' own functions, run in this host's kernel (raw_tp, BPF_PROG_TEST_RUN) on a domain built in BPF
// memory with the layout of this kernel's BTF. The lab adds the attachment and a real allocator.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <vector>

#include "bpf/event.h"
#include "bpf/feeder.h"
#include "bpf/state.h"
#include "daemon/source/call_table.h"
#include "daemon/source/ring.h"

// The skeleton needs the types above.
#include "bpf/feeder.skel.h"

namespace rcached {
namespace {

constexpr std::uint32_t kRingBytes = 4096;  // the smallest: 64 records of 64 bytes

constexpr std::uint64_t kFrame = 0xffffc90000123000;  // of the fed calls

class Probes : public testing::Test {
 protected:
  explicit Probes(std::uint32_t ring_bytes = kRingBytes) : ring_bytes_(ring_bytes) {}

  void SetUp() override {
    feeder_.reset(feeder_bpf::open(nullptr));
    ASSERT_NE(feeder_, nullptr);
    bpf_map__set_max_entries(feeder_->maps.rings, static_cast<__u32>(libbpf_num_possible_cpus()));
    ASSERT_EQ(feeder_bpf::load(feeder_.get()), 0) << "BPF test programs need root and CONFIG_DEBUG_INFO_BTF";
    for (int cpu = 0; cpu < libbpf_num_possible_cpus(); ++cpu) {
      const int ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, ring_bytes_, nullptr);
      ASSERT_GE(ring, 0);
      ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(feeder_->maps.rings), &cpu, &ring, BPF_ANY), 0);
      auto mapped = Ring::map(ring, ring_bytes_);
      ASSERT_TRUE(mapped) << std::strerror(errno);
      rings_.push_back(std::move(*mapped));
      close(ring);
    }
    build({.bottom = 0x1000,
           .iova_pfn = 0x2000,
           .order = 0,
           .depot = 3,
           .loaded = 5,
           .prev = 7,
           .loaded_null = 0,
           .unused = 0});
  }

  void build(const feeder_domain &domain) {
    feeder_->bss->fake_domain = domain;
    run(feeder_->progs.feeder_build);
  }

  // Calls one of the probes' functions on CPU `cpu` and returns the events from the rings.
  std::vector<rcached_event> feed(std::uint32_t function, std::uint64_t pfn, std::uint64_t size,
                                  std::uint64_t arg = 0, std::uint32_t repeat = 1, int cpu = 0) {
    call(function, pfn, size, arg, repeat, cpu);
    return drain();
  }

  void call(std::uint32_t function, std::uint64_t pfn, std::uint64_t size, std::uint64_t arg = 0,
            std::uint32_t repeat = 1, int cpu = 0) {
    feeder_->bss->call_arguments = {frame_, pfn, size, arg, function, repeat};
    const auto &programs = feeder_->progs;
    run(function < FEED_MAGAZINE_FREE        ? programs.feeder_feed
        : function < FEED_FIRST_ALLOC_BEGINS ? programs.feeder_feed_rare
                                             : programs.feeder_feed_twin,
        cpu);
  }

  std::vector<rcached_event> drain() {
    events_.clear();
    for (Ring &ring : rings_) {
      EXPECT_TRUE(
          ring.consume(ring.reserved(), [this](const void *data, std::size_t size) { receive(data, size); }));
    }
    return events_;
  }

  rcached_cpu_stats stats(std::size_t cpu) {
    const std::size_t size = (bpf_map__value_size(feeder_->maps.cpu_state) + 7) / 8 * 8;
    std::vector<char> values(size * static_cast<std::size_t>(libbpf_num_possible_cpus()));
    const __u32 key = 0;
    EXPECT_EQ(bpf_map_lookup_elem(bpf_map__fd(feeder_->maps.cpu_state), &key, values.data()), 0);
    rcached_cpu_stats result{};
    std::memcpy(&result, values.data() + cpu * size, sizeof(result));
    return result;
  }

  static void stay_on(int cpu) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  }

  // On that CPU, so that the programs always see this thread: from another one they would run in an interrupt
  // of whatever task is there.
  void run(bpf_program *program, int cpu = 0) {
    stay_on(cpu);
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.flags = BPF_F_TEST_RUN_ON_CPU;
    options.cpu = static_cast<__u32>(cpu);
    ASSERT_EQ(bpf_prog_test_run_opts(bpf_program__fd(program), &options), 0);
  }

  void receive(const void *data, std::size_t size) {
    EXPECT_EQ(size, sizeof(rcached_event));
    rcached_event event{};
    std::memcpy(&event, data, sizeof(event));
    events_.push_back(event);
  }

  struct Destroy {
    void operator()(feeder_bpf *feeder) const { feeder_bpf::destroy(feeder); }
  };
  const std::uint32_t ring_bytes_;
  std::uint64_t frame_ = kFrame;
  std::unique_ptr<feeder_bpf, Destroy> feeder_;
  std::vector<Ring> rings_;
  std::vector<rcached_event> events_;
};

TEST_F(Probes, AnAllocationEventIsComplete) {
  const auto events = feed(FEED_ALLOC, 0xabc, 1, 0xfffff);
  ASSERT_EQ(events.size(), 1u);
  const auto &event = events[0];
  EXPECT_EQ(event.op, RCACHED_OP_ALLOC);
  EXPECT_EQ(event.pfn, 0xabcu);
  EXPECT_EQ(event.size, 1u);
  EXPECT_EQ(event.arg, 0xfffffu);
  EXPECT_EQ(event.order, 0);
  EXPECT_EQ(event.cpu, 0);
  EXPECT_EQ(event.flags, RCACHED_FLAG_FILL);
  EXPECT_EQ(event.loaded, 5);
  EXPECT_EQ(event.prev, 7);
  EXPECT_EQ(event.depot, 3u);
  EXPECT_NE(event.domain, 0u);
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const std::uint64_t now_ns =
      static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
  EXPECT_LE(event.time_ns, now_ns);
  EXPECT_GT(event.time_ns + 10'000'000'000u, now_ns);
}

TEST_F(Probes, EveryCpuHasItsOwnRing) {
  for (int cpu = 0; cpu < libbpf_num_possible_cpus(); ++cpu) {
    const auto events = feed(FEED_ALLOC, 1, 1, 0, 1, cpu);
    ASSERT_EQ(events.size(), 1u) << "cpu " << cpu;
    EXPECT_EQ(events[0].cpu, cpu);
    EXPECT_EQ(stats(static_cast<std::size_t>(cpu)).sent, 1u);
  }
}

TEST_F(Probes, ARingReportsReservedAndReadBytes) {
  const Ring &ring = rings_[0];
  const std::uint64_t begin = ring.reserved();
  EXPECT_EQ(ring.consumed(), begin);
  call(FEED_ALLOC, 1, 1);
  call(FEED_ALLOC, 2, 1);
  EXPECT_EQ(ring.reserved(), begin + 2 * (sizeof(rcached_event) + BPF_RINGBUF_HDR_SZ));
  EXPECT_EQ(ring.consumed(), begin);
  EXPECT_EQ(drain().size(), 2u);
  EXPECT_EQ(ring.consumed(), ring.reserved());
}

// While the kernel goes on writing, a drain must end all the same.
TEST_F(Probes, ARingIsReadUpToAPosition) {
  Ring &ring = rings_[0];
  call(FEED_ALLOC, 1, 1);
  const std::uint64_t end = ring.reserved();
  std::vector<std::uint64_t> pfns;
  const auto take = [&](const void *data, std::size_t) {
    if (pfns.empty()) call(FEED_ALLOC, 2, 1);  // meanwhile
    pfns.push_back(static_cast<const rcached_event *>(data)->pfn);
  };
  EXPECT_TRUE(ring.consume(end, take));
  EXPECT_EQ(pfns, std::vector<std::uint64_t>{1});
  EXPECT_EQ(ring.consumed(), end);
  EXPECT_TRUE(ring.consume(ring.reserved(), take));
  EXPECT_EQ(pfns, (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(Probes, ARingIsReadRoundAndRound) {
  std::uint64_t next = 0;
  while (rings_[0].consumed() < 3 * std::uint64_t{ring_bytes_}) {
    for (std::uint64_t i = 0; i < 7; ++i) call(FEED_ALLOC, next + i, 1);
    for (const rcached_event &event : drain()) ASSERT_EQ(event.pfn, next++);
  }
  EXPECT_EQ(stats(0).ring_full, 0u);
}

struct SizeCase {
  std::uint64_t size;
  unsigned order;
};
class ProbeOrders : public Probes, public testing::WithParamInterface<SizeCase> {};

TEST_P(ProbeOrders, MatchTheKernelAndOnlyCacheableOnesHaveAFill) {
  const auto [size, order] = GetParam();
  if (order < RCACHED_CACHED_ORDERS)
    build({.bottom = 1,
           .iova_pfn = 1,
           .order = order,
           .depot = 2,
           .loaded = 9,
           .prev = 4,
           .loaded_null = 0,
           .unused = 0});
  const auto events = feed(FEED_FREE, 0x10, size);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].order, order);
  EXPECT_EQ(events[0].size, size);
  if (order < RCACHED_CACHED_ORDERS) {
    EXPECT_EQ(events[0].flags, RCACHED_FLAG_FILL);
    EXPECT_EQ(events[0].loaded, 9);
    EXPECT_EQ(events[0].prev, 4);
    EXPECT_EQ(events[0].depot, 2u);
  } else {
    EXPECT_EQ(events[0].flags, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, ProbeOrders,
                         testing::Values(SizeCase{1, 0}, SizeCase{2, 1}, SizeCase{3, 2}, SizeCase{4, 2},
                                         SizeCase{5, 3}, SizeCase{8, 3}, SizeCase{9, 4}, SizeCase{16, 4},
                                         SizeCase{17, 5}, SizeCase{32, 5}, SizeCase{33, RCACHED_ORDER_NONE},
                                         SizeCase{128, RCACHED_ORDER_NONE}));

TEST_F(Probes, AMissingMagazineIsEmpty) {
  build({.bottom = 1,
         .iova_pfn = 1,
         .order = 0,
         .depot = 0,
         .loaded = 9,
         .prev = 4,
         .loaded_null = 1,
         .unused = 0});
  const auto events = feed(FEED_ALLOC, 1, 1);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].flags, RCACHED_FLAG_FILL);
  EXPECT_EQ(events[0].loaded, 0);
  EXPECT_EQ(events[0].prev, 4);
}

TEST_F(Probes, AnAllocationAfterItsTreeAllocationIsAMiss) {
  const auto tree = feed(FEED_TREE_ALLOC, 0, 1);
  ASSERT_EQ(tree.size(), 1u);
  EXPECT_EQ(tree[0].op, RCACHED_OP_TREE_ALLOC);
  EXPECT_EQ(tree[0].pfn, 0x2000u);
  EXPECT_GT(tree[0].arg, 0u) << "duration";
  const auto miss = feed(FEED_ALLOC, 0x2000, 1);
  ASSERT_EQ(miss.size(), 1u);
  EXPECT_EQ(miss[0].flags, RCACHED_FLAG_FILL | RCACHED_FLAG_TREE);
  // The same pfn again comes from the cache: the tree allocation has already been matched.
  EXPECT_EQ(feed(FEED_ALLOC, 0x2000, 1).at(0).flags, RCACHED_FLAG_FILL);
}

TEST_F(Probes, ATreeAllocationOfAnotherPfnIsNotMatched) {
  feed(FEED_TREE_ALLOC, 0, 1);
  EXPECT_EQ(feed(FEED_ALLOC, 0x2008, 1).at(0).flags, RCACHED_FLAG_FILL);  // same slot
}

TEST_F(Probes, AFreedTreeAllocationIsNotMatched) {
  feed(FEED_TREE_ALLOC, 0, 1);
  feed(FEED_FREE, 0x2000, 1);
  EXPECT_EQ(feed(FEED_ALLOC, 0x2000, 1).at(0).flags, RCACHED_FLAG_FILL);
}

TEST_F(Probes, AFailedTreeAllocationHasNoPfn) {
  build({.bottom = 1,
         .iova_pfn = 0,
         .order = 0,
         .depot = 0,
         .loaded = 0,
         .prev = 0,
         .loaded_null = 0,
         .unused = 0});
  const auto events = feed(FEED_TREE_ALLOC, 0, 4);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].pfn, 0u);
  EXPECT_EQ(events[0].size, 4u);
}

TEST_F(Probes, AFreeAroundATreeFreeWentToTheTree) {
  EXPECT_EQ(feed(FEED_TREE_FREE, 0x77, 0).at(0).op, RCACHED_OP_TREE_FREE);
  EXPECT_EQ(feed(FEED_FREE, 0x77, 1).at(0).flags, RCACHED_FLAG_FILL | RCACHED_FLAG_TREE);
  EXPECT_EQ(feed(FEED_FREE, 0x77, 1).at(0).flags, RCACHED_FLAG_FILL);
}

// Drivers with a domain of their own call __free_iova; free_iova may call it, too.
TEST_F(Probes, AFreeIsReportedOnceHoweverItGetsToTheTree) {
  const auto inner = feed(FEED_INNER_FREE, 0, 0);
  ASSERT_EQ(inner.size(), 1u);
  EXPECT_EQ(inner[0].op, RCACHED_OP_TREE_FREE);
  EXPECT_EQ(inner[0].pfn, 0x2000u) << "the pfn of its struct iova";
  EXPECT_EQ(feed(FEED_TREE_FREE, 0x77, 0).size(), 1u) << "free_iova alone";
  feeder_->bss->inner_free_reports = 1;
  EXPECT_TRUE(feed(FEED_TREE_FREE, 0x2000, 0).empty());
  EXPECT_EQ(feed(FEED_INNER_FREE, 0, 0).size(), 1u);
  EXPECT_EQ(feed(FEED_FREE, 0x2000, 1).at(0).flags, RCACHED_FLAG_FILL | RCACHED_FLAG_TREE);
}

struct CodeCase {
  const char *name;
  std::vector<std::uint8_t> x86;
  std::uint32_t arm64;
  std::int64_t target;  // from the beginning of the code, in which the instruction is at byte 8
  bool reached;
};
void PrintTo(const CodeCase &row, std::ostream *out) { *out << row.name; }
class ProbeCode : public Probes, public testing::WithParamInterface<CodeCase> {};

TEST_P(ProbeCode, FindsACallOfTheInnerFunction) {
  const CodeCase &row = GetParam();
  auto &code = feeder_->bss->memory_code;
  std::memset(code, 0, sizeof(code));
#if defined(__aarch64__)
  std::memcpy(code + 8, &row.arm64, sizeof(row.arm64));
#else
  std::copy(row.x86.begin(), row.x86.end(), code + 8);
#endif
  feeder_->bss->call_arguments.pfn = static_cast<__u64>(row.target);
  run(feeder_->progs.feeder_find_inner_free);
  EXPECT_EQ(feeder_->bss->inner_free_reports != 0, row.reached);
}

const CodeCase kCodeCases[] = {
    {"none", {}, 0, 4096, false},
    {"call", {0xe8, 0x33, 0x01, 0, 0}, 0x94000000u | 0x4e, 320, true},
    {"jump", {0xe9, 0x33, 0x01, 0, 0}, 0x14000000u | 0x4e, 320, true},
    {"backward", {0xe8, 0xb3, 0xfe, 0xff, 0xff}, 0x94000000u | (0x3ffffffu & -82), -320, true},
    {"conditional_jump", {0x0f, 0x84, 0x32, 0x01, 0, 0}, 0x14000000u | 0x4e, 320, true},
    {"elsewhere", {0xe8, 0x33, 0x01, 0, 0}, 0x94000000u | 0x4e, 328, false},
    {"another_instruction", {0xb8, 0x33, 0x01, 0, 0}, 0x58000000u | 0x4e, 320, false},
};

INSTANTIATE_TEST_SUITE_P(Table, ProbeCode, testing::ValuesIn(kCodeCases),
                         [](const auto &row) { return std::string(row.param.name); });

TEST_F(Probes, RcacheInsertReportsItsResult) {
  feed(FEED_TREE_FREE, 0x77, 0);
  EXPECT_EQ(feed(FEED_FREE_TO_CACHE, 0x77, 1).at(0).flags, RCACHED_FLAG_FILL);
  EXPECT_EQ(feed(FEED_FREE_TO_TREE, 0x78, 1).at(0).flags, RCACHED_FLAG_FILL | RCACHED_FLAG_TREE);
}

TEST_F(Probes, AMagazineFreedInsideAFreeIsAnOverflow) {
  const auto magazine = feed(FEED_MAGAZINE_FREE, 0, 0);
  ASSERT_EQ(magazine.size(), 1u);
  EXPECT_EQ(magazine[0].op, RCACHED_OP_MAGAZINE_FREE);
  EXPECT_EQ(magazine[0].cause, RCACHED_CAUSE_OVERFLOW);
  EXPECT_EQ(magazine[0].pfn, 0x1000u);
  EXPECT_EQ(magazine[0].size, 5u);
  EXPECT_EQ(feed(FEED_FREE, 0x77, 1).at(0).flags, RCACHED_FLAG_FILL | RCACHED_FLAG_OVERFLOW);
  EXPECT_EQ(feed(FEED_FREE, 0x78, 1).at(0).flags, RCACHED_FLAG_FILL);
}

TEST_F(Probes, AFlushIsNotAnOverflow) {
  const auto events = feed(FEED_CPU_FLUSH, 0, 0, 1);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].op, RCACHED_OP_MAGAZINE_FREE);
  EXPECT_EQ(events[0].cause, RCACHED_CAUSE_FLUSH);
  EXPECT_EQ(events[1].op, RCACHED_OP_CPU_FLUSH);
  EXPECT_EQ(events[1].arg, 1u);
  EXPECT_EQ(feed(FEED_FREE, 0x77, 1).at(0).flags, RCACHED_FLAG_FILL);
  // The allocation that caused the flush retries; from then on, a magazine free is an overflow again.
  feed(FEED_TREE_ALLOC, 0, 1);
  EXPECT_EQ(feed(FEED_MAGAZINE_FREE, 0, 0).at(0).cause, RCACHED_CAUSE_OVERFLOW);
}

TEST_F(Probes, TheDepotWorkerReclaimsInTheOrderOfItsRcache) {
  build({.bottom = 0x500,
         .iova_pfn = 1,
         .order = 4,
         .depot = 6,
         .loaded = 127,
         .prev = 0,
         .loaded_null = 0,
         .unused = 0});
  const auto events = feed(FEED_RECLAIM, 0, 0);
  ASSERT_EQ(events.size(), 2u) << "this host's kernel has no depot worker (older than 6.7)";
  EXPECT_EQ(events[0].cause, RCACHED_CAUSE_RECLAIM);
  EXPECT_EQ(events[0].order, 4);
  EXPECT_EQ(events[0].size, 127u);
  EXPECT_EQ(events[1].op, RCACHED_OP_RECLAIM);
  EXPECT_EQ(events[1].order, 4);
  EXPECT_EQ(events[1].depot, 6u);
  EXPECT_EQ(events[1].flags, RCACHED_FLAG_FILL | RCACHED_FLAG_DEPOT_ONLY);
}

TEST_F(Probes, DomainsAndReservationsAreReported) {
  const auto reserved = feed(FEED_RESERVE, 0xfee00, 1, 0xfeeff);
  EXPECT_EQ(reserved.at(0).op, RCACHED_OP_RESERVE);
  EXPECT_EQ(reserved.at(0).pfn, 0xfee00u);
  EXPECT_EQ(reserved.at(0).arg, 0xfeeffu);
  EXPECT_EQ(reserved.at(0).size, 1u);
  EXPECT_EQ(feed(FEED_RESERVE, 1, 0, 2).at(0).size, 0u);
  const auto init = feed(FEED_DOMAIN_INIT, 0, 0, 4096);
  EXPECT_EQ(init.at(0).op, RCACHED_OP_DOMAIN_INIT);
  EXPECT_EQ(init.at(0).arg, 4096u);
  EXPECT_EQ(feed(FEED_DOMAIN_PUT, 0, 0).at(0).op, RCACHED_OP_DOMAIN_PUT);
}

TEST_F(Probes, ADrainCountsTheFreesOfItsDomain) {
  EXPECT_TRUE(feed(FEED_FQ_DRAIN_BEGIN, 0, 0).empty());
  EXPECT_EQ(feed(FEED_FREE, 0x77, 1, 0, 3).size(), 3u);
  EXPECT_EQ(feed(FEED_FREE_TO_TREE, 0x78, 64).size(), 1u);
  const auto drain = feed(FEED_FQ_DRAIN_END, 0, 0);
  ASSERT_EQ(drain.size(), 1u);
  EXPECT_EQ(drain[0].op, RCACHED_OP_FQ_DRAIN);
  EXPECT_EQ(drain[0].size, 4u);
  EXPECT_GT(drain[0].arg, 0u) << "duration";
  // Frees outside of a drain do not count for one, and the next drain starts at zero.
  feed(FEED_FREE, 0x79, 1);
  feed(FEED_FQ_DRAIN_BEGIN, 0, 0);
  EXPECT_EQ(feed(FEED_FQ_DRAIN_END, 0, 0).at(0).size, 0u);
}

TEST_F(Probes, AnInterruptOnTopOfADrainIsNotPartOfIt) {
  feed(FEED_FQ_DRAIN_BEGIN, 0, 0);
  frame_ = kFrame - 256;  // deeper on the same stack
  feed(FEED_FREE, 0x77, 1);
  frame_ = kFrame - 0x8000;  // another stack
  feed(FEED_FREE, 0x78, 1);
  feed(FEED_MAGAZINE_FREE, 0, 0);
  frame_ = kFrame;
  EXPECT_EQ(feed(FEED_FREE, 0x79, 1).at(0).flags & RCACHED_FLAG_OVERFLOW, 0);
  EXPECT_EQ(feed(FEED_FQ_DRAIN_END, 0, 0).at(0).size, 2u);
}

TEST_F(Probes, ANestedCallBelongsToTheCallAroundIt) {
  feed(FEED_TREE_FREE, 0x77, 0);
  frame_ = kFrame + 0x8000;  // another stack
  EXPECT_EQ(feed(FEED_FREE, 0x77, 1).at(0).flags, RCACHED_FLAG_FILL);
  frame_ = kFrame + 256;
  EXPECT_EQ(feed(FEED_FREE, 0x77, 1).at(0).flags, RCACHED_FLAG_FILL | RCACHED_FLAG_TREE);
}

TEST_F(Probes, AnInterruptOnTopOfTheDepotWorkerDoesNotReclaim) {
  EXPECT_TRUE(feed(FEED_RECLAIM_BEGIN, 0, 0).empty());
  frame_ = kFrame - 256;
  EXPECT_EQ(feed(FEED_MAGAZINE_FREE, 0, 0).at(0).cause, RCACHED_CAUSE_RECLAIM);
  frame_ = kFrame - 0x8000;
  EXPECT_EQ(feed(FEED_MAGAZINE_FREE, 0, 0).at(0).cause, RCACHED_CAUSE_OVERFLOW);
}

// Calls whose returns were missed, as many as the table holds.
class FullCallTable : public Probes {
 protected:
  static constexpr std::uint64_t kOld = 1000;  // ns

  void SetUp() override {
    Probes::SetUp();
    const bpf_map *calls = feeder_->maps.calls;
    ASSERT_EQ(bpf_map__key_size(calls), sizeof(std::uint64_t));
    std::vector<char> call(bpf_map__value_size(calls));
    std::memcpy(call.data(), &kOld, sizeof(kOld));
    for (std::uint64_t key = 1; key <= bpf_map__max_entries(calls); ++key)
      ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(calls), &key, call.data(), BPF_ANY), 0);
  }

  std::size_t remove(std::uint64_t begun_before_ns) {
    return remove_old_calls(bpf_map__fd(feeder_->maps.calls), begun_before_ns);
  }
};

TEST_F(FullCallTable, LosesCallsAndCountsThem) {
  feed(FEED_FQ_DRAIN_BEGIN, 0, 0);
  EXPECT_TRUE(feed(FEED_FQ_DRAIN_END, 0, 0).empty());
  EXPECT_EQ(stats(0).entry_missing, 1u);
  EXPECT_TRUE(feed(FEED_MAGAZINE_FREE, 0, 0).empty());
  EXPECT_EQ(stats(0).entry_missing, 2u);
  // The magazine, and the flush that would give later magazines their cause.
  EXPECT_EQ(feed(FEED_CPU_FLUSH, 0, 0, 1).size(), 1u);
  EXPECT_EQ(stats(0).entry_missing, 4u);
  EXPECT_EQ(feed(FEED_TREE_ALLOC, 0, 1).at(0).arg, 0u) << "the duration is unknown";
}

TEST_F(FullCallTable, IsUsableAgainAfterOldCallsAreRemoved) {
  EXPECT_EQ(remove(kOld), 0u);
  EXPECT_EQ(remove(kOld + 1), bpf_map__max_entries(feeder_->maps.calls));
  EXPECT_TRUE(feed(FEED_FQ_DRAIN_BEGIN, 0, 0).empty());
  EXPECT_EQ(remove(kOld + 1), 0u) << "that call is in progress";
  EXPECT_EQ(feed(FEED_FQ_DRAIN_END, 0, 0).size(), 1u);
  EXPECT_EQ(stats(0).entry_missing, 0u);
}

class ProbeRaces : public Probes {
 protected:
  ProbeRaces() : Probes(8 << 20) {}
};

// In two softirqs at the same time, on top of two idle tasks, which have the same pid, whenever this machine
// is idle.
TEST_F(ProbeRaces, CallsOnTwoCpusAreNeverMixedUp) {
  constexpr std::uint64_t kCalls = 10'000;
  constexpr int kPatience = 60'000;  // ms
  if (libbpf_num_possible_cpus() < FEEDER_RACERS) GTEST_SKIP() << "one CPU";
  volatile feeder_race &race = feeder_->bss->race;
  const auto both = [&](volatile __u64(&counts)[FEEDER_RACERS]) { return counts[0] + counts[1]; };
  race.wanted = kCalls;
  for (int racer = 0; racer < FEEDER_RACERS; ++racer) {
    stay_on(racer);
    race.racer = static_cast<__u32>(racer);
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    ASSERT_EQ(bpf_prog_test_run_opts(bpf_program__fd(feeder_->progs.feeder_race_begin), &options), 0);
    ASSERT_EQ(options.retval, 0u);
  }
  std::uint64_t mixed = 0;
  std::map<int, std::uint64_t> events;
  const auto check = [&] {
    const std::uint64_t first = feeder_->bss->domain_address;
    for (const rcached_event &event : drain()) {
      ++events[event.op];
      const std::uint64_t domain = first + std::uint64_t{event.cpu} * FEEDER_RACER_DOMAINS;
      const std::uint32_t size = event.op == RCACHED_OP_FREE       ? 64
                                 : event.op == RCACHED_OP_FQ_DRAIN ? 1
                                 : event.cpu == 0                  ? 7
                                                                   : 5;
      mixed += event.domain != domain || event.size != size ? 1 : 0;
    }
  };
  for (int ms = 0; ms < kPatience && both(race.alike) < kCalls; ms += 20) {
    usleep(20'000);
    check();
  }
  race.wanted = 0;
  // A round counts when it has sent its events: if there are no more of them than counted, none is under way.
  std::uint64_t calls = 0;
  for (int ms = 0; ms < kPatience; ms += 20) {
    calls = both(race.calls);
    check();
    if (events[RCACHED_OP_FQ_DRAIN] == calls) break;
    usleep(20'000);
  }
  const std::uint64_t missing = stats(0).entry_missing + stats(1).entry_missing;
  std::cout << "[          ] " << calls << " calls, " << both(race.overlaps) << " overlapping, "
            << both(race.alike) << " of them with the same pid, " << mixed << " events mixed, " << missing
            << " missing\n";
  EXPECT_GE(both(race.overlaps), kCalls);
  EXPECT_EQ(mixed, 0u);
  EXPECT_EQ(missing, 0u);
  EXPECT_EQ(stats(0).ring_full + stats(1).ring_full, 0u);
  for (const int op : {RCACHED_OP_MAGAZINE_FREE, RCACHED_OP_FREE, RCACHED_OP_FQ_DRAIN})
    EXPECT_EQ(events[op], calls) << op;
}

TEST_F(Probes, LossInAFullRingIsCountedExactlyAndReported) {
  constexpr std::uint32_t kSent = 200;
  call(FEED_ALLOC, 1, 1, 0, kSent);
  const auto received = drain();
  EXPECT_LT(received.size(), kSent);
  EXPECT_GT(received.size(), 0u);
  EXPECT_EQ(stats(0).sent, kSent);
  EXPECT_EQ(stats(0).sent, received.size() + stats(0).ring_full);
  EXPECT_EQ(stats(0).ring_full_by_bucket[rcached_loss_bucket(received[0].domain)], stats(0).ring_full);
  for (const auto &event : received) EXPECT_EQ(event.flags & RCACHED_FLAG_AFTER_LOSS, 0);
  // The first record that fits again reports the loss, the next one does not.
  EXPECT_NE(feed(FEED_ALLOC, 1, 1).at(0).flags & RCACHED_FLAG_AFTER_LOSS, 0);
  EXPECT_EQ(feed(FEED_ALLOC, 1, 1).at(0).flags & RCACHED_FLAG_AFTER_LOSS, 0);
  EXPECT_EQ(stats(0).sent, kSent + 2);
}

TEST_F(Probes, ATwinSendsNothingAfterItsFirstProgram) {
  EXPECT_EQ(feed(FEED_FIRST_ALLOC, 0x77, 1).size(), 1u);
  EXPECT_TRUE(feed(FEED_TWIN_ALLOC, 0x77, 1).empty());
  EXPECT_EQ(feed(FEED_FIRST_FREE, 0x77, 1).size(), 1u);
  EXPECT_TRUE(feed(FEED_TWIN_FREE, 0x77, 1).empty());
  EXPECT_EQ(stats(0).nested_allocs, 0u);
  EXPECT_EQ(stats(0).nested_frees, 0u);
}

TEST_F(Probes, ATwinSendsTheEventIfTheFirstProgramWasSkipped) {
  feed(FEED_FIRST_ALLOC_BEGINS, 0, 0);
  const auto nested = feed(FEED_TWIN_ALLOC, 0x78, 2, 0xfffff);  // the kernel skipped its first program
  ASSERT_EQ(nested.size(), 1u);
  EXPECT_EQ(nested[0].op, RCACHED_OP_ALLOC);
  EXPECT_EQ(nested[0].pfn, 0x78u);
  EXPECT_EQ(nested[0].size, 2u);
  EXPECT_EQ(nested[0].arg, 0xfffffu);
  EXPECT_EQ(stats(0).nested_allocs, 1u);
  EXPECT_TRUE(feed(FEED_TWIN_FREE, 0x78, 2).empty()) << "only allocations are running";
  feed(FEED_FIRST_ALLOC_ENDS, 0x77, 1);
  EXPECT_TRUE(feed(FEED_TWIN_ALLOC, 0x77, 1).empty());
  EXPECT_TRUE(feed(FEED_TWIN_ALLOC, 0x78, 2).empty()) << "the first program is no longer running";
}

// Preemption in programs (7.x): B's first program has run; before its twin runs, A is stopped inside the
// first one.
TEST_F(Probes, ATwinSendsNothingIfAnotherTaskIsPreemptedInTheFirstProgram) {
  EXPECT_EQ(feed(FEED_FIRST_ALLOC, 0x78, 1).size(), 1u);  // B
  feed(FEED_FIRST_ALLOC_BEGINS, 0, 0);                    // A
  EXPECT_TRUE(feed(FEED_TWIN_ALLOC, 0x78, 1).empty());    // B
  EXPECT_EQ(stats(0).nested_allocs, 0u);
  // The same range again, freed and allocated meanwhile: this time its first program is skipped.
  EXPECT_EQ(feed(FEED_TWIN_ALLOC, 0x78, 1).size(), 1u);
  EXPECT_EQ(stats(0).nested_allocs, 1u);
}

TEST_F(Probes, AKernelWithoutIommuGroupsEndsTheWalk) {
  feeder_->bss->discovery.next = 0;
  run(feeder_->progs.feeder_walk_groups);
  EXPECT_EQ(feeder_->bss->discovery.done, 1u);
  EXPECT_EQ(feeder_->bss->discovery.count, 0u);
}

}  // namespace
}  // namespace rcached
