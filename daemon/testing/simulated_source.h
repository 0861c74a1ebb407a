// SPDX-License-Identifier: Apache-2.0
// A kernel with one IOVA domain, simulated: its event stream and its memory, with one clock.
#pragma once

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "allocator/simulated_kernel.h"
#include "allocator/simulator.h"
#include "base/error.h"
#include "daemon/source/event_source.h"
#include "daemon/source/kernel_reader.h"
#include "daemon/source/translate.h"

namespace rcached::testing_support {

class SimulatedReader final : public KernelReader {
 public:
  static constexpr std::uint64_t kKey = 0xffff888000001000;

  std::uint16_t possible_cpus() const override { return kernel->cpus(); }
  Reading<DomainConstants> read_constants(std::uint64_t key) override {
    if (!access(key)) return tl::unexpected(Unread::fault);
    return DomainConstants{4096, 1, 1u << 20};
  }
  Reading<CpuContents> read_cpu(std::uint64_t key, std::uint16_t cpu) override {
    if (!access(key)) return tl::unexpected(Unread::fault);
    if (take(changing_cpus)) return tl::unexpected(Unread::changed);
    return test::read_cpu(*kernel, cpu, now());
  }
  Reading<DepotSlice> read_depot(std::uint64_t key, std::uint8_t order, DepotCursor& cursor) override {
    if (!access(key)) return tl::unexpected(Unread::fault);
    // From the top down, two magazines at a time, like a list.
    DepotSlice slice = test::read_depot(*kernel, order, now());
    if (!cursor.started) cursor.index = slice.depot_size;
    cursor.started = true;
    const std::uint32_t count = std::min<std::uint32_t>(2, cursor.index);
    cursor.index -= count;
    slice.first = cursor.index;
    slice.magazines = {slice.magazines.begin() + cursor.index,
                       slice.magazines.begin() + cursor.index + count};
    cursor.done = cursor.index == 0;
    return slice;
  }
  Reading<TreeSlice> read_tree(std::uint64_t key, std::uint64_t from) override {
    if (!access(key)) return tl::unexpected(Unread::fault);
    if (from != 0 && take(broken_walks)) return tl::unexpected(Unread::changed);
    return test::read_tree(*kernel, from, 16, now());
  }
  Reading<TreeSlice> read_tree_at(std::uint64_t key, std::uint64_t pfn) override {
    if (!access(key)) return tl::unexpected(Unread::fault);
    return test::read_tree_at(*kernel, pfn, now());
  }
  Reading<std::optional<FlushQueueReading>> read_flush_queue(std::uint64_t key) override {
    if (!access(key)) return tl::unexpected(Unread::fault);
    return fq_pending ? std::optional(FlushQueueReading{{now(), now()}, false, *fq_pending, {}})
                      : std::nullopt;
  }
  ReaderStatus status() const override { return status_; }

  Simulator* kernel = nullptr;
  std::atomic<std::uint64_t>* clock = nullptr;
  bool gone = false;             // reading fails
  int changing_cpus = 0;         // this many reads of CPUs fail with Unread::changed
  int broken_walks = 0;          // this many walks over the tree fail after their first chunk
  std::uint64_t cost_ns = 1000;  // of a chunk
  std::optional<std::uint64_t> fq_pending;

 private:
  std::uint64_t now() { return *clock; }
  bool access(std::uint64_t key) {
    ++*clock;
    ++status_.reads;
    status_.time_ns += cost_ns;
    return !gone && key == kKey;
  }
  static bool take(int& count) { return count > 0 && count-- > 0; }

  ReaderStatus status_{true, 0, 0, 0, 0, 0, 0};
};

class SimulatedSource final : public EventSource {
 public:
  SimulatedSource(const KernelProfile& profile, std::uint16_t cpus)
      : profile_(profile), kernel(profile, cpus, [this](const Operation& operation) { report(operation); }) {
    reader_.kernel = &kernel;
    reader_.clock = &clock;
  }

  Expected<void> start() override { return {}; }
  // Everything except the last `held_back` events, which are in flight.
  std::uint64_t poll(const EventSink& sink, std::uint64_t limit_ns) override {
    while (events_.size() > held_back && events_.front().time_ns <= limit_ns) {
      sink({&events_.front(), 1});
      events_.pop_front();
    }
    return std::min<std::uint64_t>(events_.empty() ? ++clock : events_.front().time_ns - 1, limit_ns);
  }
  void flush(const EventSink& sink) override {
    held_back = 0;
    poll(sink, ~std::uint64_t{0});
  }
  std::vector<DiscoveredDomain> discover() override {
    if (hidden) return {};
    DiscoveredDomain domain;
    domain.key = SimulatedReader::kKey;
    domain.group = 7;
    domain.granule_bytes = 4096;
    return {domain};
  }
  LostEvents lost() const override { return {status_.cpus.empty() ? 0 : status_.cpus[0].ring_full, {}}; }
  SourceStatus status() override { return status_; }
  KernelInfo kernel_info() const override { return {"simulated", profile_, kernel.online_cpus()}; }
  KernelReader* reader() override { return &reader_; }
  std::string name() const override { return "simulated"; }
  SimulatedReader& memory() { return reader_; }

 private:
  void report(const Operation& operation) {
    if (!listening) return;
    if (lose_every != 0 && ++count_ % lose_every == 0) {
      if (status_.cpus.empty()) status_.cpus.push_back({});
      ++status_.cpus[0].sent;
      ++status_.cpus[0].ring_full;
      return;
    }
    rcached_event event = to_event(operation, SimulatedReader::kKey, 4096);
    event.time_ns = ++clock;
    events_.push_back(event);
  }

  KernelProfile profile_;
  std::deque<rcached_event> events_;
  SourceStatus status_;
  std::uint64_t count_ = 0;
  SimulatedReader reader_;

 public:
  std::atomic<std::uint64_t> clock{1'000'000};  // read and advanced by several threads
  bool listening = false;
  bool hidden = false;
  std::size_t held_back = 0;
  std::uint64_t lose_every = 0;
  Simulator kernel;
};

}  // namespace rcached::testing_support
