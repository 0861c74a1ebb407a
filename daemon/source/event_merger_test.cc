// SPDX-License-Identifier: Apache-2.0
#include "daemon/source/event_merger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace rcached {
namespace {

rcached_event event(std::uint64_t time, std::uint16_t cpu, std::uint64_t pfn = 0) {
  rcached_event result{};
  result.time_ns = time;
  result.cpu = cpu;
  result.pfn = pfn;
  return result;
}

std::vector<std::uint64_t> times(const std::vector<rcached_event>& events) {
  std::vector<std::uint64_t> result;
  for (const auto& each : events) result.push_back(each.time_ns);
  return result;
}

EventSink into(std::vector<rcached_event>& out) {
  return
      [&out](std::span<const rcached_event> events) { out.insert(out.end(), events.begin(), events.end()); };
}

TEST(EventMerger, JoinsCpusByTime) {
  EventMerger merger;
  merger.add(event(10, 0));
  merger.add(event(30, 0));
  merger.add(event(20, 1));
  merger.add(event(40, 1));
  std::vector<rcached_event> out;
  merger.take_until(100, into(out));
  EXPECT_EQ(times(out), (std::vector<std::uint64_t>{10, 20, 30, 40}));
  EXPECT_EQ(merger.held(), 0u);
}

TEST(EventMerger, HoldsBackRecordsNewerThanTheWatermark) {
  EventMerger merger;
  merger.add(event(10, 0));
  merger.add(event(30, 0));
  std::vector<rcached_event> out;
  merger.take_until(20, into(out));
  EXPECT_EQ(times(out), (std::vector<std::uint64_t>{10}));
  EXPECT_EQ(merger.held(), 1u);
  EXPECT_EQ(merger.oldest_ns(), 30u);
  merger.add(event(25, 1));
  merger.take_until(30, into(out));
  EXPECT_EQ(times(out), (std::vector<std::uint64_t>{10, 25, 30}));
  EXPECT_EQ(merger.oldest_ns(), 0u);
  EXPECT_EQ(merger.late(), 0u);
}

TEST(EventMerger, ReordersARecordOfAnInterrupt) {
  EventMerger merger;
  merger.add(event(20, 0, 2));  // the interrupt's record was reserved first
  merger.add(event(10, 0, 1));
  std::vector<rcached_event> out;
  merger.take_until(100, into(out));
  EXPECT_EQ(times(out), (std::vector<std::uint64_t>{10, 20}));
}

TEST(EventMerger, KeepsRingOrderForEqualTimes) {
  EventMerger merger;
  for (std::uint64_t pfn = 1; pfn <= 5; ++pfn) merger.add(event(10, 0, pfn));
  std::vector<rcached_event> out;
  merger.take_until(10, into(out));
  for (std::uint64_t pfn = 1; pfn <= 5; ++pfn) EXPECT_EQ(out[pfn - 1].pfn, pfn);
}

TEST(EventMerger, CountsAndDeliversLateRecords) {
  EventMerger merger;
  merger.add(event(50, 0));
  std::vector<rcached_event> out;
  merger.take_until(60, into(out));
  merger.add(event(40, 0));
  merger.take_until(60, into(out));
  EXPECT_EQ(merger.late(), 1u);
  EXPECT_EQ(times(out), (std::vector<std::uint64_t>{50, 40}));
}

TEST(EventMerger, AgreesWithASortOnRandomStreams) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    const std::size_t cpus = 1 + random() % 9;
    const std::uint64_t span = std::uint64_t{500} << random() % 30;  // up to minutes
    EventMerger merger;
    std::vector<std::uint64_t> expected;
    std::vector<rcached_event> out;
    std::uint64_t base = 1000;
    for (int round = 0; round < 5; ++round) {
      for (std::size_t cpu = 0; cpu < cpus; ++cpu) {
        const auto count = random() % (seed % 4 == 0 ? 2000 : 50);
        for (std::uint64_t i = 0; i < count; ++i) {
          const auto time = base + random() % span;
          expected.push_back(time);
          merger.add(event(time, static_cast<std::uint16_t>(cpu)));
        }
      }
      base += span;
      merger.take_until(base - 1, into(out));
    }
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(times(out), expected) << "seed " << seed;
    EXPECT_EQ(merger.late(), 0u);
  }
}

// Bursts fill some buckets, one with records of all CPUs at the same few instants, and leave the others empty.
TEST(EventMerger, SortsBurstsAndKeepsTheOrderOfEqualTimes) {
  std::mt19937_64 random(1);
  std::vector<rcached_event> expected;
  EventMerger merger;
  std::uint64_t pfn = 0;
  const auto add = [&](std::uint64_t time, std::uint16_t cpu) {
    expected.push_back(event(time, cpu, ++pfn));
    merger.add(expected.back());
  };
  for (std::uint16_t cpu = 0; cpu < 64; ++cpu) {
    add(1000, cpu);
    for (int i = 0; i < 500; ++i) add(2'000'000'000 + random() % 100, cpu);
    for (int i = 0; i < 10; ++i) add(4'000'000'000 + random() % 100'000, cpu);
  }
  std::vector<rcached_event> out;
  merger.take_until(5'000'000'000, into(out));
  const auto earlier = [](const rcached_event& a, const rcached_event& b) { return a.time_ns < b.time_ns; };
  std::stable_sort(expected.begin(), expected.end(), earlier);
  ASSERT_EQ(out.size(), expected.size());
  for (std::size_t i = 0; i < out.size(); ++i) ASSERT_EQ(out[i].pfn, expected[i].pfn) << i;
}

}  // namespace
}  // namespace rcached
