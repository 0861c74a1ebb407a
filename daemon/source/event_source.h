// SPDX-License-Identifier: Apache-2.0
// EventSource: the interface of everything that produces events: `kernel` (the probes), `synthetic` (the model
// driven by a workload), later `replay` (a trace file). All code that consumes the events is the same.
//
// Threads: start() and the destructor are called while no other call is under way. Then one thread calls poll()
// and flush(), another status() and kernel_info(), a third discover() and the KernelReader; these may run at
// the same time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "bpf/event.h"
#include "daemon/host/tracing_switches.h"
#include "view/view.h"

namespace rcached {

class KernelReader;

// Takes the next events of a stream, a few at a time: what was written for a few is still in the CPU's cache when they
// are read.
using EventSink = std::function<void(std::span<const rcached_event>)>;

// A domain found by the source. `key` is the value of rcached_event.domain; it never leaves the process.
struct DiscoveredDomain {
  std::uint64_t key = 0;
  std::optional<int> group;         // IOMMU group number
  std::uint64_t granule_bytes = 0;  // 0: unknown
  // Names set by the source (synthetic, replay). All empty: they come from the group's entry in sysfs.
  std::string type;
  std::string devices;
  std::string driver;
  std::string iommu;
};

// Events lost because a ring was full or the entry of a call was missed, so far.
struct LostEvents {
  std::uint64_t total = 0;
  // The part whose domain is known, by rcached_loss_bucket() of its key.
  std::array<std::uint64_t, RCACHED_LOSS_BUCKETS> by_bucket{};
};

// Cumulative accounting of everything that was sent, received and lost.
struct SourceStatus {
  std::vector<CpuLoss> cpus;
  std::vector<ProgramStatus> programs;
  std::uint64_t malformed = 0;
  std::uint64_t late = 0;  // events delivered after newer ones
  std::uint64_t lag_ns = 0;
  std::optional<RingUse> rings;  // nullopt: there are no rings
  // Why no event comes although the probes are attached; nullopt: they run, or it cannot be tested.
  std::optional<TracingFault> silence;
};

class EventSource {
 public:
  virtual ~EventSource() = default;

  // Starts delivering events. On error nothing stays attached.
  virtual Expected<void> start() = 0;

  // Passes on the events that may be applied now, ordered by time over all CPUs, but none that is later than `limit_ns`.
  // Does not block. Returns the event time up to which the stream is complete.
  virtual std::uint64_t poll(const EventSink& sink, std::uint64_t limit_ns) = 0;

  // Passes on every event up to now, ignoring reordering; for a clean shutdown and for idle tests.
  virtual void flush(const EventSink& sink) = 0;

  // Finds the existing domains and their IOMMU groups. Called at start and when an event names an unknown
  // domain; may be slow (milliseconds).
  virtual std::vector<DiscoveredDomain> discover() = 0;
  // Whether the last discover() found every domain that belongs to a group: false when the kernel hides the
  // groups, or when it failed or was interrupted. Then missing domains may exist.
  virtual bool discovery_complete() const { return true; }

  // Cheap. Any thread.
  virtual LostEvents lost() const = 0;

  virtual SourceStatus status() = 0;
  virtual KernelInfo kernel_info() const = 0;
  // nullptr if there is no kernel memory to read. Owned by the source; valid from start() on.
  virtual KernelReader* reader() { return nullptr; }
  // Descriptors that keep the probes attached. Owned by the source; valid from start() on.
  virtual std::vector<int> links() const { return {}; }
  virtual std::string name() const = 0;
};

}  // namespace rcached
