// SPDX-License-Identifier: Apache-2.0
// InputLog: puts everything that the mirror learns into one order (allocator/input.h). It takes the events of the
// source, replaces kernel addresses by ids, and places readings of kernel memory, discovered domains, losses and
// ticks between them. The result is a batch for each shard: a domain belongs to shard id % shards; what concerns all
// domains goes to all shards.
//
// Losses: if the domain of a lost event is known, at least by a hash of its key, the loss concerns the domains of that
// hash, else all of them. It is noted where a record reports that its CPU lost some before it, if the source's count has
// grown since the last note (a CPU may report a loss late, when it has been repaired); and whenever the counts of full
// rings, skipped programs or malformed records have grown (a CPU that became idle sends no record).
//
// Silence: while the source reports that the kernel does not run the probes, the mirror is told to be blind.
//
// Threads: one, which drains the source. domains() and status() may be called from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "allocator/input.h"
#include "base/mutex.h"
#include "daemon/host/iommu_groups.h"
#include "daemon/pipeline/domain_registry.h"
#include "daemon/source/event_source.h"

namespace rcached {

// The domains that exist, for those who look for them and read them.
struct DomainList {
  std::vector<LiveDomain> domains;  // by id
  std::uint64_t discoveries = 0;    // taken over so far
  std::uint64_t wanted = 0;         // grows when a discovery is wanted: a domain may have come or gone unseen
  bool has_unnamed = false;
};

// What a search for domains has found.
struct Discovery {
  std::vector<DiscoveredDomain> domains;
  std::vector<IommuGroup> groups;
  bool complete = false;  // a domain that is missing here, and has had a group, is gone
};

// What the source's status says about the stream.
struct StreamNews {
  LostEvents lost;
  std::uint64_t lost_otherwise = 0;  // events that the source could not make or read, so far
  bool silent = false;               // the kernel does not run the probes
  std::uint32_t online_cpus = 0;
};

class InputLog {
 public:
  struct Status {
    std::uint64_t events = 0;                  // valid ones so far
    std::uint64_t malformed = 0;               // rejected ones
    std::uint64_t unattributed_fq_drains = 0;  // of a domain that the probe could not determine
    std::uint64_t complete_until_ns = 0;       // events older than this are in the log
    std::uint64_t longest_gap_ns = 0;          // between two drains
  };

  // `source` must have started. `announce`: discovered domains are put into the log, because they will be read;
  // otherwise a domain appears with its first event.
  InputLog(EventSource& source, std::size_t shards, bool announce);

  // What has been written, by shard. The caller takes it, and leaves empty batches.
  std::vector<InputBatch>& batches() { return out_; }

  // Drains the source, up to `limit_ns` (see ReadingGate).
  void drain(std::uint64_t now_ns, std::uint64_t limit_ns);
  // The same for everything that the source has up to now; for the end.
  void flush(std::uint64_t now_ns);

  void take(const Discovery& discovery);
  void take(const StreamNews& news);
  // An input of a domain: at once, or, with a `time_ns` other than 0, after everything up to that time, in the first
  // drain that is complete until then.
  void write(std::uint64_t id, std::uint64_t time_ns, Input input);
  // A Tick at the end of the next drain, with the time up to which the log is complete.
  void request_tick() { tick_requested_ = true; }
  // Whether there has been one since the last call.
  bool ticked() { return std::exchange(ticked_, false); }

  // Any thread.
  std::shared_ptr<const DomainList> domains() const;
  Status status() const;
  // Losses noted so far. Any thread.
  std::uint64_t losses() const { return losses_.load(std::memory_order_relaxed); }

 private:
  struct Reading {
    std::uint64_t time_ns = 0;
    std::uint64_t id = 0;
    Input input;
  };

  void begin_drain();
  void append(std::span<const rcached_event> events);
  void append(const rcached_event& event);
  void end_drain(std::uint64_t now_ns, std::uint64_t complete_until_ns);
  void place_readings_until(std::uint64_t time_ns);
  std::optional<std::uint64_t> domain_of(const rcached_event& event, const Operation& operation);
  void end_domain(std::uint64_t key, std::uint64_t id);
  void note_loss(const LostEvents& lost);
  void note_loss_of_all();
  void doubts_begin();
  void name_domains();
  InputBatch& batch_of(std::uint64_t id) { return out_[id % out_.size()]; }
  void add_to_all(const Input& input);
  void publish();

  EventSource& source_;
  const bool announce_;
  DomainRegistry registry_;
  std::vector<InputBatch> out_;   // by shard
  std::deque<Reading> readings_;  // by time_ns
  Status status_now_;
  std::uint64_t last_drain_ns_ = 0;
  LostEvents lost_;                   // when the last loss was noted
  std::uint64_t lost_otherwise_ = 0;  // the same
  bool loss_checked_ = false;         // in this drain
  bool malformed_noted_ = false;      // in this drain
  bool silent_ = false;
  std::uint32_t online_cpus_ = 0;
  std::uint64_t discoveries_ = 0;
  std::uint64_t wanted_ = 0;
  bool domains_changed_ = true;
  bool tick_requested_ = false;
  bool ticked_ = false;
  std::atomic<std::uint64_t> losses_{0};

  mutable Mutex mutex_;
  std::shared_ptr<const DomainList> domains_ GUARDED_BY(mutex_) = std::make_shared<const DomainList>();
  Status status_ GUARDED_BY(mutex_);
};

}  // namespace rcached
