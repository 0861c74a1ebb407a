// SPDX-License-Identifier: Apache-2.0
// The reader, on structures built in this kernel's memory (FakeKernel): what it returns if everything is
// valid, and what it rejects. The lab tests real domains, the depot as an array, and CPUs that go offline.
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "daemon/source/bpf_kernel_reader.h"
#include "tests/bpf/fake_kernel.h"

namespace rcached {
namespace {

constexpr std::uint64_t kEnd = std::numeric_limits<std::uint64_t>::max();

// With both variants of the walk over the tree.
class Reader : public testing::TestWithParam<BpfKernelReader::TreeWalk> {
 protected:
  void SetUp() override {
    kernel_ = FakeKernel::make();
    ASSERT_NE(kernel_, nullptr) << "BPF test programs need root and CONFIG_DEBUG_INFO_BTF";
    if (!kernel_->usable()) GTEST_SKIP() << "this host's kernel is older than 6.7";
    auto reader = BpfKernelReader::load(kernel_->per_cpu_offset(), GetParam());
    ASSERT_TRUE(reader) << reader.error().message;
    reader_ = std::move(*reader);
    key_ = kernel_->domain();
  }

  static Pfns pfns(std::uint64_t first, std::size_t count) {
    Pfns result(count);
    std::iota(result.begin(), result.end(), first);
    return result;
  }
  Pfns full(std::uint64_t first) const { return pfns(first, kernel_->layout().capacity); }

  static std::vector<TreeRange> ranges(std::size_t count) {
    std::vector<TreeRange> result;
    for (std::uint64_t i = 0; i < count; ++i) result.push_back({16 + i * 8, 16 + i * 8 + i % 8});
    return result;
  }

  // All ranges from `from` on, in as many chunks as necessary; checks the bounds of each chunk.
  std::vector<TreeRange> whole_tree(std::uint64_t from) {
    std::vector<TreeRange> result;
    for (int chunk = 0; chunk < 1000; ++chunk) {
      const auto slice = reader_->read_tree(key_, from);
      EXPECT_TRUE(slice);
      if (!slice) return result;
      EXPECT_EQ(slice->from, from);
      EXPECT_LE(slice->time.begin_ns, slice->time.end_ns);
      result.insert(result.end(), slice->ranges.begin(), slice->ranges.end());
      if (slice->to == kEnd) return result;
      EXPECT_EQ(slice->to, result.back().lo);
      from = slice->to + 1;
    }
    ADD_FAILURE() << "the walk does not end";
    return result;
  }

  std::unique_ptr<FakeKernel> kernel_;
  std::unique_ptr<BpfKernelReader> reader_;
  std::uint64_t key_ = 0;
};

TEST_P(Reader, ReportsTheConstants) {
  const auto constants = reader_->read_constants(key_);
  ASSERT_TRUE(constants);
  EXPECT_EQ(constants->granule_bytes, 4096u);
  EXPECT_EQ(constants->start_pfn, 1u);
  EXPECT_EQ(constants->dma_32bit_pfn, 1u << 20);
}

TEST_P(Reader, ReadsTheMagazinesOfEveryCpu) {
  const auto cpus = static_cast<std::uint16_t>(sysconf(_SC_NPROCESSORS_CONF));
  ASSERT_EQ(reader_->possible_cpus(), cpus);
  for (std::uint16_t cpu = 0; cpu < cpus; ++cpu) {
    kernel_->set_cpu(cpu, 0, kernel_->make_magazine(pfns(100 + cpu, 5)), kernel_->make_magazine(full(1000)));
    kernel_->set_cpu(cpu, 5, kernel_->make_magazine({}), kernel_->make_magazine(pfns(7, 1)));
  }
  for (std::uint16_t cpu = 0; cpu < cpus; ++cpu) {
    const auto contents = reader_->read_cpu(key_, cpu);
    ASSERT_TRUE(contents);
    EXPECT_EQ(contents->cpu, cpu);
    EXPECT_EQ(contents->orders[0].loaded, pfns(100 + cpu, 5));
    EXPECT_EQ(contents->orders[0].prev, full(1000));
    EXPECT_EQ(contents->orders[5].loaded, Pfns{});
    EXPECT_EQ(contents->orders[5].prev, pfns(7, 1));
    EXPECT_EQ(contents->magazines, 4);
    EXPECT_GT(contents->time.begin_ns, 0u);
    EXPECT_LE(contents->time.begin_ns, contents->time.end_ns);
  }
  EXPECT_EQ(reader_->read_cpu(key_, cpus).error(), Unread::fault);
}

TEST_P(Reader, AMissingMagazineIsEmpty) {
  kernel_->set_cpu(0, 2, 0, kernel_->make_magazine(pfns(9, 3)));
  const auto contents = reader_->read_cpu(key_, 0);
  ASSERT_TRUE(contents);
  EXPECT_EQ(contents->magazines, 1);
  EXPECT_EQ(contents->orders[2].loaded, Pfns{});
  EXPECT_EQ(contents->orders[2].prev, pfns(9, 3));
}

TEST_P(Reader, AMagazineWithAnImpossibleSizeIsRejectedAfterAllAttempts) {
  const KernelAddress magazine = kernel_->make_magazine({});
  kernel_->set_cpu(0, 0, magazine, 0);
  kernel_->put(magazine + kernel_->layout().size, kernel_->layout().capacity + 1);
  const ReaderStatus before = reader_->status();
  EXPECT_EQ(reader_->read_cpu(key_, 0).error(), Unread::changed);
  EXPECT_EQ(reader_->status().reads - before.reads, std::uint64_t{BpfKernelReader::kAttempts});
  EXPECT_EQ(reader_->status().changed - before.changed, std::uint64_t{BpfKernelReader::kAttempts});
}

TEST_P(Reader, ReadsADepotFromTheTopInChunks) {
  constexpr std::uint32_t kMagazines = 40;
  for (std::uint32_t i = 0; i < kMagazines; ++i) kernel_->push_depot(3, full(1000 * (i + 1)));
  DepotCursor cursor;
  std::vector<Pfns> depot(kMagazines);
  std::vector<std::uint32_t> firsts;
  while (!cursor.done) {
    const auto slice = reader_->read_depot(key_, 3, cursor);
    ASSERT_TRUE(slice);
    EXPECT_EQ(slice->order, 3);
    EXPECT_EQ(slice->depot_size, kMagazines);
    firsts.push_back(slice->first);
    for (std::size_t i = 0; i < slice->magazines.size(); ++i)
      depot.at(slice->first + i) = slice->magazines[i];
  }
  EXPECT_EQ(firsts, (std::vector<std::uint32_t>{24, 8, 0}));
  for (std::uint32_t i = 0; i < kMagazines; ++i) EXPECT_EQ(depot[i], full(1000 * (i + 1))) << i;
}

TEST_P(Reader, AnEmptyDepotIsOneEmptySlice) {
  DepotCursor cursor;
  const auto slice = reader_->read_depot(key_, 0, cursor);
  ASSERT_TRUE(slice);
  EXPECT_TRUE(slice->magazines.empty());
  EXPECT_EQ(slice->depot_size, 0u);
  EXPECT_TRUE(cursor.done);
}

TEST_P(Reader, ADepotMayGrowAndShrinkAboveTheCursor) {
  for (std::uint64_t i = 0; i < 20; ++i) kernel_->push_depot(0, full(1000 * (i + 1)));
  DepotCursor cursor;
  ASSERT_TRUE(reader_->read_depot(key_, 0, cursor));
  kernel_->pop_depot(0);
  kernel_->push_depot(0, full(77));
  kernel_->push_depot(0, full(78));
  const auto slice = reader_->read_depot(key_, 0, cursor);
  ASSERT_TRUE(slice);
  EXPECT_EQ(slice->depot_size, 21u);
  EXPECT_EQ(slice->first, 0u);
  ASSERT_EQ(slice->magazines.size(), 4u);
  EXPECT_EQ(slice->magazines[3], full(4000));
  EXPECT_TRUE(cursor.done);
}

TEST_P(Reader, ADepotThatWasPoppedBelowTheCursorHasChanged) {
  for (std::uint64_t i = 0; i < 20; ++i) kernel_->push_depot(0, full(1000 * (i + 1)));
  DepotCursor cursor;
  ASSERT_TRUE(reader_->read_depot(key_, 0, cursor));
  for (int i = 0; i < 17; ++i) kernel_->pop_depot(0);
  EXPECT_EQ(reader_->read_depot(key_, 0, cursor).error(), Unread::changed);
  // Popped and pushed again: the magazine of the cursor is in use elsewhere, and its first word is a size.
  for (std::uint64_t i = 0; i < 17; ++i) kernel_->push_depot(0, full(9000 + 1000 * i));
  EXPECT_EQ(reader_->read_depot(key_, 0, cursor).error(), Unread::changed);
  DepotCursor again;
  EXPECT_TRUE(reader_->read_depot(key_, 0, again));
}

TEST_P(Reader, ADepotWithAWrongLengthHasChanged) {
  const KernelAddress bottom = kernel_->push_depot(0, full(1000));
  const KernelAddress top = kernel_->push_depot(0, full(2000));
  kernel_->put(top + kernel_->layout().size, 0);
  DepotCursor cursor;
  EXPECT_EQ(reader_->read_depot(key_, 0, cursor).error(), Unread::changed);
  kernel_->put(top + kernel_->layout().size, bottom);
  kernel_->put(bottom + kernel_->layout().size, top);
  EXPECT_EQ(reader_->read_depot(key_, 0, cursor).error(), Unread::changed);
  EXPECT_FALSE(cursor.started);
}

TEST_P(Reader, WalksTheTreeFromAnywhere) {
  const auto all = ranges(5000);
  kernel_->set_tree(all);
  for (const std::size_t skip : {std::size_t{0}, std::size_t{1}, std::size_t{511}, std::size_t{512},
                                 std::size_t{2500}, std::size_t{4998}, std::size_t{4999}}) {
    const std::vector<TreeRange> wanted(all.begin() + static_cast<std::ptrdiff_t>(skip), all.end());
    EXPECT_EQ(whole_tree(all[skip].lo), wanted) << "from the range itself, " << skip;
    EXPECT_EQ(whole_tree(all[skip].lo - 1), wanted) << "from below it, " << skip;
  }
  EXPECT_EQ(whole_tree(0), all);
  EXPECT_TRUE(whole_tree(all.back().lo + 1).empty());
  EXPECT_TRUE(whole_tree(kEnd).empty());
  EXPECT_GE(reader_->read_tree(key_, 0)->ranges.size(), 350u) << "a chunk should contain many ranges";
}

TEST_P(Reader, AnEmptyTreeHasOnlyItsAnchor) {
  const auto slice = reader_->read_tree(key_, 0);
  ASSERT_TRUE(slice);
  EXPECT_TRUE(slice->ranges.empty());
  EXPECT_EQ(slice->to, kEnd);
}

TEST_P(Reader, LooksUpOneRange) {
  kernel_->set_tree(ranges(1000));
  const auto there = reader_->read_tree_at(key_, 16 + 500 * 8);
  ASSERT_TRUE(there);
  EXPECT_EQ(there->ranges, (std::vector<TreeRange>{{16 + 500 * 8, 16 + 500 * 8 + 500 % 8}}));
  EXPECT_EQ(there->from, there->to);
  const auto inside = reader_->read_tree_at(key_, 16 + 500 * 8 + 1);
  ASSERT_TRUE(inside);
  EXPECT_TRUE(inside->ranges.empty());
  EXPECT_TRUE(reader_->read_tree_at(key_, 1u << 30)->ranges.empty());
}

TEST_P(Reader, AWalkIntoAnotherTreeStops) {
  const auto all = ranges(1000);
  const auto nodes = kernel_->set_tree(all);
  // A leaf in the middle was freed and is now in another tree.
  std::size_t leaf = 500;
  while (kernel_->get(nodes[leaf] + kernel_->layout().left) != 0 ||
         kernel_->get(nodes[leaf] + kernel_->layout().right) != 0)
    ++leaf;
  const std::uint64_t parent = kernel_->get(nodes[leaf] + kernel_->layout().parent);
  kernel_->put(nodes[leaf] + kernel_->layout().parent, kernel_->allocate(64));
  const auto before = reader_->read_tree(key_, all[400].lo);
  ASSERT_TRUE(before) << "ranges read before it are valid";
  ASSERT_FALSE(before->ranges.empty());
  EXPECT_LT(before->ranges.back().lo, all[leaf].lo);
  EXPECT_EQ(before->to, before->ranges.back().lo);
  EXPECT_EQ(reader_->read_tree(key_, before->to + 1).error(), Unread::changed);
  EXPECT_EQ(reader_->read_tree_at(key_, all[leaf].lo).error(), Unread::changed);
  // After it is restored, a second reading finds it.
  kernel_->put(nodes[leaf] + kernel_->layout().parent, parent);
  EXPECT_EQ(whole_tree(0), all);
}

TEST_P(Reader, ARootOfAnotherDomainHasChanged) {
  const auto nodes = kernel_->set_tree(ranges(100));
  const KernelAddress root = kernel_->get(key_ + kernel_->layout().rbroot);
  kernel_->put(root + kernel_->layout().parent, nodes[3]);
  EXPECT_EQ(reader_->read_tree(key_, 0).error(), Unread::changed);
}

TEST_P(Reader, AWalkOverACyclicTreeEnds) {
  const auto nodes = kernel_->set_tree(ranges(100));
  const KernelAddress root = kernel_->get(key_ + kernel_->layout().rbroot);
  kernel_->put(nodes[0] + kernel_->layout().left, root);
  EXPECT_EQ(reader_->read_tree(key_, 0).error(), Unread::changed);
  // Even if the parent pointers are consistent: the root as its own child.
  kernel_->put(root + kernel_->layout().left, root);
  kernel_->put(root + kernel_->layout().parent, root);
  EXPECT_FALSE(reader_->read_tree(key_, 0));
}

TEST_P(Reader, InvalidPointersAndUnsortedRangesHaveChanged) {
  const auto all = ranges(100);
  auto nodes = kernel_->set_tree(all);
  kernel_->put(nodes[0] + kernel_->layout().left, 0x0123456789abcdefu);
  EXPECT_EQ(reader_->read_tree(key_, 0).error(), Unread::changed);
  nodes = kernel_->set_tree(all);
  const std::uint32_t lo = kernel_->layout().pfn_lo - kernel_->layout().node;
  kernel_->put(nodes[50] + lo, all[49].lo);
  EXPECT_EQ(reader_->read_tree(key_, all[40].lo).error(), Unread::changed);
}

TEST_P(Reader, ATreeWithoutItsAnchorHasNoEnd) {
  const auto all = ranges(9);  // then it is a leaf
  const auto nodes = kernel_->set_tree(all);
  const KernelAddress anchor = nodes.back();
  const KernelAddress parent = kernel_->get(anchor + kernel_->layout().parent) & ~std::uint64_t{3};
  ASSERT_EQ(kernel_->get(parent + kernel_->layout().right), anchor);
  kernel_->put(parent + kernel_->layout().right, 0);
  const auto slice = reader_->read_tree(key_, 0);
  ASSERT_TRUE(slice);
  EXPECT_EQ(slice->to, all.back().lo);
  EXPECT_EQ(reader_->read_tree(key_, slice->to + 1).error(), Unread::changed);
}

TEST_P(Reader, CountsTheFlushQueueOfEveryCpu) {
  kernel_->set_flush_queue(0, 10, 14, 255);
  std::uint64_t pending = 4;
  for (std::uint16_t cpu = 1; cpu < reader_->possible_cpus(); ++cpu, pending += 6)
    kernel_->set_flush_queue(cpu, 253, 3, 255);
  const auto reading = reader_->read_flush_queue(key_);
  ASSERT_TRUE(reading);
  ASSERT_TRUE(*reading);
  EXPECT_FALSE((*reading)->single_queue);
  EXPECT_EQ((*reading)->pending, pending);
  ASSERT_EQ((*reading)->by_cpu.size(), reader_->possible_cpus());
  EXPECT_EQ((*reading)->by_cpu[0], 4u);
}

// As many CPUs as in "0-1,8,10-11": the ids are beyond their number.
TEST_P(Reader, CpuIdsMayHaveGaps) {
  const PossibleCpus cpus{{0, 1, 8, 10, 11}};
  auto reader = BpfKernelReader::load(kernel_->per_cpu_offset(), cpus, GetParam());
  ASSERT_TRUE(reader);
  ASSERT_EQ((*reader)->possible_cpus(), 12);
  kernel_->set_cpu(8, 0, kernel_->make_magazine(pfns(108, 5)), kernel_->make_magazine(full(1000)));
  kernel_->set_cpu(11, 2, 0, kernel_->make_magazine(pfns(111, 3)));
  EXPECT_EQ((*reader)->read_cpu(key_, 8)->orders[0].loaded, pfns(108, 5));
  EXPECT_TRUE((*reader)->read_cpu(key_, 8)->remote) << "as if it were offline";
  EXPECT_EQ((*reader)->read_cpu(key_, 11)->orders[2].prev, pfns(111, 3));
  EXPECT_EQ((*reader)->read_cpu(key_, 12).error(), Unread::fault);
  // The kernel has an offset for a CPU that is not possible, but no memory there.
  kernel_->set_cpu(9, 0, 0xdead0000, 0xdead0000);
  const auto none = (*reader)->read_cpu(key_, 9);
  ASSERT_TRUE(none);
  EXPECT_EQ(none->cpu, 9);
  EXPECT_EQ(none->magazines, 0);
  EXPECT_GT(none->time.begin_ns, 0u);

  for (const std::uint16_t cpu : cpus.ids) kernel_->set_flush_queue(cpu, 10, 10u + cpu, 255);
  kernel_->set_flush_queue(9, 0, 300, 255);  // invalid
  const auto queue = (*reader)->read_flush_queue(key_);
  ASSERT_TRUE(queue && *queue);
  EXPECT_EQ((*queue)->by_cpu, (std::vector<std::uint32_t>{0, 1, 0, 0, 0, 0, 0, 0, 8, 0, 10, 11}));
  EXPECT_EQ((*queue)->pending, 30u);
}

// --- CPUs that must not be interrupted

// Function-call interrupts of a CPU so far; nullopt: this kernel does not count them.
std::optional<std::uint64_t> function_calls(unsigned cpu) {
  std::ifstream file("/proc/interrupts");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word;
    if (!(words >> word) || word != "CAL:") continue;
    std::uint64_t count = 0;
    for (unsigned i = 0; i <= cpu; ++i) words >> count;
    return words ? std::optional(count) : std::nullopt;
  }
  return std::nullopt;
}

TEST_P(Reader, ASparedCpuIsReadFromAnother) {
  // Other tests of this process may have bound its first thread to a CPU.
  cpu_set_t all;
  std::memset(&all, 0xff, sizeof(all));
  ASSERT_EQ(sched_setaffinity(getpid(), sizeof(all), &all), 0);
  std::thread([&] {
    auto reader = BpfKernelReader::load(kernel_->per_cpu_offset(), GetParam(),
                                        [] { return std::vector<std::uint16_t>{1}; });
    ASSERT_TRUE(reader);
    for (const std::uint16_t cpu : {std::uint16_t{0}, std::uint16_t{1}})
      kernel_->set_cpu(cpu, 0, kernel_->make_magazine(pfns(100 + cpu, 5)),
                       kernel_->make_magazine(full(1000)));
    EXPECT_FALSE((*reader)->read_cpu(key_, 0)->remote);
    EXPECT_EQ((*reader)->status().spared_cpus, 1u);
    cpu_set_t mine;
    ASSERT_EQ(sched_getaffinity(0, sizeof(mine), &mine), 0);
    EXPECT_FALSE(CPU_ISSET(1, &mine)) << "a program runs where its caller is";
    const auto before = function_calls(1);
    constexpr std::uint64_t kReads = 1000;
    for (std::uint64_t i = 0; i < kReads; ++i) {
      const auto contents = (*reader)->read_cpu(key_, 1);
      ASSERT_TRUE(contents);
      ASSERT_TRUE(contents->remote);
      ASSERT_EQ(contents->orders[0].loaded, pfns(101, 5));
      ASSERT_EQ(contents->orders[0].prev, full(1000));
      ASSERT_EQ(contents->magazines, 2);
      ASSERT_GT(contents->time.end_ns - contents->time.begin_ns, 20'000u) << "two readings, a moment apart";
    }
    if (before) {
      EXPECT_LT(*function_calls(1) - *before, kReads / 4) << "those of others";
    }
  }).join();
}

// A CPU that is at work is not read, or read between two operations.
TEST_P(Reader, ASparedCpuAtWork) {
  std::thread([&] {
    auto reader = BpfKernelReader::load(kernel_->per_cpu_offset(), GetParam(),
                                        [] { return std::vector<std::uint16_t>{1}; });
    ASSERT_TRUE(reader);
    const KernelAddress magazine = kernel_->make_magazine(pfns(1, 100));
    kernel_->set_cpu(1, 0, magazine, 0);
    std::atomic<bool> stop{false};
    std::thread cpu([&] {
      for (std::uint64_t size = 0; !stop; size = (size + 1) % 100)
        kernel_->put(magazine + kernel_->layout().size, size);
    });
    for (int i = 0; i < 20; ++i) {
      const auto contents = (*reader)->read_cpu(key_, 1);
      if (contents) {
        EXPECT_EQ(contents->orders[0].loaded, pfns(1, contents->orders[0].loaded.size()));
      } else {
        EXPECT_EQ(contents.error(), Unread::changed);
      }
    }
    stop = true;
    cpu.join();
    EXPECT_GT((*reader)->status().changed, 0u);
    const auto contents = (*reader)->read_cpu(key_, 1);
    ASSERT_TRUE(contents);
    EXPECT_TRUE(contents->remote);
  }).join();
}

TEST_P(Reader, CountsASingleFlushQueue) {
  kernel_->set_single_flush_queue(32000, 100, 32767);
  const auto reading = reader_->read_flush_queue(key_);
  ASSERT_TRUE(reading);
  ASSERT_TRUE(*reading);
  EXPECT_TRUE((*reading)->single_queue);
  EXPECT_EQ((*reading)->by_cpu, (std::vector<std::uint32_t>{868}));
  EXPECT_EQ((*reading)->pending, 868u);
}

TEST_P(Reader, StrictDomainsHaveNoFlushQueue) {
  const auto reading = reader_->read_flush_queue(key_);
  ASSERT_TRUE(reading);
  EXPECT_FALSE(*reading);
  kernel_->set_single_flush_queue(5, 700, 511);
  EXPECT_EQ(reader_->read_flush_queue(key_).error(), Unread::fault) << "beyond the ring";
}

TEST_P(Reader, AnInvalidKeyIsAFault) {
  const KernelAddress zeros = kernel_->allocate(4096);
  const std::uint64_t before = reader_->status().faults;
  for (const std::uint64_t key : {std::uint64_t{0}, std::uint64_t{0xdeadbeef}, zeros,
                                  std::uint64_t{0x0123456789abcdef}, kEnd, kernel_->per_cpu_offset()}) {
    DepotCursor cursor;
    EXPECT_EQ(reader_->read_constants(key).error(), Unread::fault);
    EXPECT_EQ(reader_->read_cpu(key, 0).error(), Unread::fault);
    EXPECT_EQ(reader_->read_depot(key, 0, cursor).error(), Unread::fault);
    EXPECT_EQ(reader_->read_tree(key, 0).error(), Unread::fault);
    EXPECT_EQ(reader_->read_tree_at(key, 1).error(), Unread::fault);
    EXPECT_EQ(reader_->read_flush_queue(key).error(), Unread::fault);
  }
  EXPECT_EQ(reader_->status().faults - before, 36u);
}

TEST_P(Reader, MeasuresItsTime) {
  const ReaderStatus before = reader_->status();
  EXPECT_TRUE(before.available);
  ASSERT_TRUE(reader_->read_tree(key_, 0));
  const ReaderStatus after = reader_->status();
  EXPECT_EQ(after.reads, before.reads + 1);
  EXPECT_GT(after.time_ns, before.time_ns);
  EXPECT_GE(after.longest_ns, after.time_ns - before.time_ns);
}

INSTANTIATE_TEST_SUITE_P(Kernels, Reader,
                         testing::Values(BpfKernelReader::TreeWalk::loop, BpfKernelReader::TreeWalk::helper),
                         [](const auto& walk) {
                           return walk.param == BpfKernelReader::TreeWalk::loop ? "Loop" : "Helper";
                         });

TEST(ReaderWithoutPerCpuData, IsNotOffered) {
  const auto reader = BpfKernelReader::load(0);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, ErrorCode::unknown_layout);
}

}  // namespace
}  // namespace rcached
