// SPDX-License-Identifier: Apache-2.0
// EventSource: the one door through which events come in, whatever makes them: `kernel` (the probes),
// `synthetic` (the model driven by a workload), later `replay` (a trace file). Everything behind it is the
// same code.
//
// Threads: all calls come from the pipeline's thread.
// Not here: anything about the mirror, the snapshot or how events are shown.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "bpf/event.h"
#include "view/view.h"

namespace rcached {

class KernelReader;

// A domain as the source knows it. `key` is what rcached_event.domain carries; it never leaves the process.
struct DiscoveredDomain {
  std::uint64_t key = 0;
  std::optional<int> group;         // IOMMU group number
  std::uint64_t granule_bytes = 0;  // 0: not known
  // Names that only the source knows (synthetic, replay). All empty: they come from the group's entry in
  // sysfs.
  std::string type;
  std::string devices;
  std::string driver;
  std::string iommu;
};

// Cumulative accounting of everything that was sent, received and lost.
struct SourceStatus {
  std::vector<CpuLoss> cpus;
  std::vector<ProgramStatus> programs;
  std::uint64_t malformed = 0;
  std::uint64_t late = 0;  // events delivered after younger ones
  std::uint64_t lag_ns = 0;
};

class EventSource {
 public:
  virtual ~EventSource() = default;

  // Begins to deliver. On error nothing stays attached.
  virtual Expected<void> start() = 0;

  // Appends to `batch` the events that may be applied now, ordered by time over all CPUs. Does not block.
  // Returns the time (that of the events) up to which the stream is complete.
  virtual std::uint64_t poll(std::vector<rcached_event>& batch) = 0;

  // Every event up to now, with no regard to reordering; for a clean end and for tests at rest.
  virtual void flush(std::vector<rcached_event>& batch) = 0;

  // Looks again which domains exist and which IOMMU group each belongs to. Called at start and when an
  // event names a domain that is not known yet; may be slow (milliseconds).
  virtual std::vector<DiscoveredDomain> discover() = 0;
  // Whether the last discover() saw every domain that belongs to a group: false when the kernel hides the
  // groups, or when the look failed or was cut short. Then a domain that is missing may well be there.
  virtual bool discovery_complete() const { return true; }

  virtual SourceStatus status() = 0;
  virtual KernelInfo kernel_info() const = 0;
  // Nothing to read where there is no kernel. Belongs to the source; valid from start() on.
  virtual KernelReader* reader() { return nullptr; }
  // Descriptors that keep the probes attached. Belong to the source; valid from start() on.
  virtual std::vector<int> links() const { return {}; }
  virtual std::string name() const = 0;
};

}  // namespace rcached
