// SPDX-License-Identifier: Apache-2.0
// View: the one plain struct that every exporter reads: the model's snapshot, the names of the domains and
// the daemon's own status. The daemon builds a new one for every snapshot and publishes it; exporters hold a
// shared_ptr<const View> while they render and never access the daemon itself.
//
// Immutable after publication: any number of threads may read it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/diagnosis.h"
#include "allocator/domain_info.h"
#include "allocator/snapshot.h"
#include "allocator/trend.h"

namespace rcached {

struct KernelInfo {
  std::string release;  // uname -r, or "synthetic"
  KernelProfile profile;
  std::uint32_t online_cpus = 0;             // the reclaim threshold of unbounded depots
  std::vector<std::int16_t> cpu_nodes = {};  // NUMA node by CPU number; -1 or beyond the end: not known
};

// One probe program in the kernel.
struct ProgramStatus {
  std::string function;    // kernel function as attached, e.g. "alloc_iova_fast"
  std::string method;      // "fentry", "fexit", "kprobe", "kretprobe", "synthetic"
  std::uint64_t runs = 0;  // 0 unless the kernel's run statistics are enabled
  std::uint64_t run_ns = 0;
  std::uint64_t skipped = 0;  // runs that the kernel skipped: these events are lost
  // false: the program only records an entry; if it is skipped, entry_missing counts the loss
  bool makes_events = true;
  bool skips_countable = true;  // false: this kernel does not report it; `skipped` stays 0
};

struct CpuLoss {
  std::uint16_t cpu = 0;
  std::uint64_t sent = 0;       // events the probes of this CPU tried to send (at rest: received + ring_full)
  std::uint64_t received = 0;   // events read from this CPU's ring
  std::uint64_t ring_full = 0;  // events lost because the ring was full
  std::uint64_t entry_missing = 0;  // returns whose entry was skipped or not recorded: no event was sent
};

// How full the rings of the CPUs are.
struct RingUse {
  std::uint64_t bytes = 0;    // of one CPU's ring
  std::uint64_t used = 0;     // of the fullest one, when it was last drained
  std::uint64_t highest = 0;  // the same, since the start
};

// Kernel events that never reached the mirror.
inline std::uint64_t events_lost(const std::vector<CpuLoss>& cpus,
                                 const std::vector<ProgramStatus>& programs) {
  std::uint64_t lost = 0;
  for (const CpuLoss& cpu : cpus) lost += cpu.ring_full + cpu.entry_missing;
  for (const ProgramStatus& program : programs) lost += program.makes_events ? program.skipped : 0;
  return lost;
}

// Cost of reading kernel memory (daemon/source/kernel_reader.h).
struct ReaderStatus {
  bool available = false;     // false: this source reads no kernel memory
  std::uint64_t reads = 0;    // chunks
  std::uint64_t changed = 0;  // of them, discarded because the structure changed during the read
  std::uint64_t faults = 0;   // of them, failed or inconsistent
  std::uint64_t time_ns = 0;  // spent in all chunks
  std::uint64_t longest_ns = 0;
  std::uint64_t budget_ns_per_s = 0;  // config: audit.budget
  std::uint64_t spared_cpus = 0;      // CPUs that are not interrupted to be read
};

// "ftrace-disabled": kernel.ftrace_enabled is 0. "kprobes-disabled": kprobes/enabled in debugfs is 0.
inline constexpr std::array<std::string_view, 3> kSilenceReasons = {"ftrace-disabled", "kprobes-disabled",
                                                                    "unknown"};

struct DaemonStatus {
  std::string version;
  std::string source;  // "kernel" or "synthetic"
  std::string mode = "mirror";
  bool ready = false;            // first snapshot published and events come
  std::string not_ready_reason;  // when !ready
  // Why the kernel does not run the attached probes: one of kSilenceReasons; empty: it does.
  std::string silence;
  std::uint64_t started_unix_s = 0;
  std::uint64_t events = 0;     // applied to the mirror, all CPUs
  std::uint64_t malformed = 0;  // records that were rejected (wrong size, unknown operation)
  std::uint64_t late = 0;       // events applied after newer ones because they arrived too late from a ring
  std::uint64_t lag_ns = 0;     // age of the oldest event not yet applied at the last drain
  std::uint64_t backlog = 0;    // events that have been drained and wait to be applied
  std::uint64_t longest_drain_gap_ns = 0;  // the longest time between two drains, since the start
  std::optional<RingUse> rings;            // nullopt: the source has none
  std::vector<CpuLoss> cpus;               // by cpu
  std::vector<ProgramStatus> programs;
  ReaderStatus reader;
  std::uint64_t unattributed_fq_drains = 0;  // drains whose domain the probe could not determine
  std::int64_t unix_minus_monotonic_ns = 0;  // add it to the snapshot's times to get Unix times
};

// The last hour of a domain, one point every History::interval_s, oldest first; all vectors are equally long.
// NaN: no value for that interval (no tree allocation, no overflow).
struct DomainHistory {
  std::uint64_t id = 0;            // DomainSnapshot::id
  std::int64_t first_unix_s = 0;   // time of the first point
  std::vector<float> tree_ranges;  // levels at the end of the interval
  std::vector<float> outstanding;
  std::vector<float> cpu_cached;
  std::vector<float> depot_cached;
  std::vector<float> allocations_per_second;  // means over the interval
  std::vector<float> overflows_per_second;
  std::vector<float> tree_allocation_mean_seconds;
  std::vector<float> tree_allocation_p99_seconds;  // upper bound of its histogram bucket
};

struct History {
  std::uint32_t interval_s = 10;
  std::size_t points = 360;            // at most, per domain
  std::vector<DomainHistory> domains;  // by id
  std::size_t domains_left_out = 0;    // omitted because of the memory limit
};

// An event worth reporting to the operator. Oldest first; numbers increase by one.
struct Note {
  std::uint64_t number = 0;
  std::int64_t unix_ms = 0;
  std::string kind;    // a word, e.g. "events-lost"; the list is in daemon/pipeline/note_keeper.h
  std::string domain;  // label; empty: of the whole host
  std::string text;    // a sentence, without addresses
};

struct View {
  Snapshot snapshot;
  std::vector<DomainInfo> domains;  // by id; every domain of the snapshot has one
  KernelInfo kernel;
  DaemonStatus status;
  std::vector<std::optional<DomainRates>> rates;   // by position in snapshot.domains; may be shorter
  std::vector<std::vector<Verdict>> verdicts;      // the same
  std::shared_ptr<const History> history;          // shared by the views of one interval; may be null
  std::shared_ptr<const std::vector<Note>> notes;  // the latest ones; may be null
};

// Provides Views to the exporters. Thread-safe. The publisher never waits for a reader.
class ViewSource {
 public:
  virtual ~ViewSource() = default;
  // Null before the first View is published.
  virtual std::shared_ptr<const View> view() const = 0;
  // Waits until view() differs from `seen`, at most `limit`; returns view() in either case.
  virtual std::shared_ptr<const View> wait_for_newer(const std::shared_ptr<const View>& seen,
                                                     std::chrono::milliseconds limit) const = 0;
};

}  // namespace rcached
