// SPDX-License-Identifier: Apache-2.0
// FakeSource: an EventSource whose results are set by the test.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "daemon/source/event_source.h"
#include "daemon/source/translate.h"

namespace rcached::testing_support {

inline constexpr std::uint64_t kKeyA = 0xffff888000001000, kKeyB = 0xffff888000002000;

class FakeSource : public EventSource {
 public:
  Expected<void> start() override { return start_error ? tl::unexpected(*start_error) : Expected<void>{}; }
  std::uint64_t poll(const EventSink& sink, std::uint64_t /*limit_ns*/) override {
    ++polls;
    if (on_poll) on_poll();
    sink(std::exchange(next, {}));
    return complete_until_ns;
  }
  void flush(const EventSink& sink) override {
    sink(std::exchange(next, {}));
    sink(std::exchange(held, {}));
  }
  std::vector<DiscoveredDomain> discover() override {
    ++discoveries;
    return domains;
  }
  LostEvents lost() const override {
    LostEvents lost = charged;
    for (const CpuLoss& cpu : source_status.cpus) lost.total += cpu.ring_full + cpu.entry_missing;
    return lost;
  }
  SourceStatus status() override { return source_status; }
  KernelInfo kernel_info() const override { return {"fake", kProfile61, 2}; }
  std::string name() const override { return "fake"; }

  std::optional<Error> start_error;
  std::function<void()> on_poll;
  std::uint64_t complete_until_ns = 0;  // returned by poll()
  std::vector<rcached_event> next;      // returned by the next poll
  std::vector<rcached_event> held;      // returned by flush() only
  std::vector<DiscoveredDomain> domains;
  SourceStatus source_status;
  LostEvents charged;  // in addition to those of source_status
  int polls = 0;
  int discoveries = 0;
};

// An event of `kind` in the domain at `key`; `change` sets the rest.
inline rcached_event event(OperationKind kind, std::uint64_t key,
                           const std::function<void(Operation&)>& change = {}) {
  Operation operation;
  operation.kind = kind;
  operation.time_ns = 1000;
  if (kind == OperationKind::alloc || kind == OperationKind::free || kind == OperationKind::tree_alloc) {
    operation.pfn = 0x1000;
    operation.size = 1;
  }
  if (change) change(operation);
  return to_event(operation, key, 4096);
}

}  // namespace rcached::testing_support
