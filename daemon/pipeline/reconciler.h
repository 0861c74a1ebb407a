// SPDX-License-Identifier: Apache-2.0
// Reconciler: keeps the mirror consistent with kernel memory. Schedules the domains to read, reads them in pieces
// within the budget, and passes each piece to its DomainAudit at its position in the event stream.
//
// A domain is audited, in this order of urgency: on request; when it is older than rcached and has not been read
// (seed); after events were lost, as soon as no more are lost, or every kLossRetry while they are (resync);
// after CPUs went offline or came online; and every Options::interval (verify).
//
// Budget: a bucket that fills with Options::budget of reading time per second and holds kBurstSeconds of it.
// It is full at the start, so that seeding is fast. One round takes at most kRoundNs, so that the rings do not
// fill up; a chunk is always completed.
//
// Threads: one, the pipeline's.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "allocator/domain_audit.h"
#include "allocator/mirror.h"
#include "daemon/pipeline/audit_report.h"
#include "daemon/pipeline/domain_registry.h"
#include "daemon/source/kernel_reader.h"

namespace rcached {

class Reconciler {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  // The ranges that the kernel has reserved in a group's domain, in pfns of the given granule.
  using ReservedReader = std::function<std::vector<TreeRange>(int group, std::uint64_t granule_bytes)>;

  struct Options {
    std::chrono::nanoseconds interval{std::chrono::seconds{60}};
    std::chrono::nanoseconds budget{std::chrono::milliseconds{50}};  // per second
  };

  static constexpr std::size_t kJobs = 4;  // concurrent audits
  static constexpr int kBurstSeconds = 10;
  static constexpr std::int64_t kRoundNs = 5'000'000;
  // Delay before the third pass, doubled for each further pass: a virtual CPU may be descheduled during a call.
  static constexpr std::chrono::milliseconds kLookGap{30};
  static constexpr std::chrono::milliseconds kQuietAfterLoss{100};
  static constexpr std::chrono::milliseconds kLossRetry{1000};
  // Delay after an audit was abandoned, or before it is confirmed.
  static constexpr std::chrono::milliseconds kRetry{500};
  static constexpr int kConfirmations = 3;

  // All must outlive the reconciler.
  Reconciler(KernelReader& reader, Mirror& mirror, const DomainRegistry& registry,
             ReservedReader read_reserved, const Options& options);

  // Applies pending readings that ended before `time_ns`. Called before an event of that time is applied, and
  // with the time up to which the stream is complete.
  void apply_readings_until(std::uint64_t time_ns) {
    if (!readings_.empty() && readings_.front().end_ns < time_ns) apply_due_readings(time_ns);
  }

  // Changes schedule and budget from the next round on.
  void tune(const Options& options) { options_ = options; }

  // One round: starts due audits and reads within the budget.
  void work(TimePoint now);

  // The domain is gone.
  void forget(std::uint64_t id);
  // Events of an unknown domain were lost.
  void note_loss(TimePoint now) { last_loss_ = now; }
  // The set of online CPUs changed: audit all domains soon.
  void audit_all();

  // Audits on request; `done` gets the report once. When the reconciler is destroyed first, it is not called.
  void request(const AuditRequest& request, std::function<void(AuditReport)> done);

  // Every domain that can be read has been.
  bool all_seeded() const;
  // The reader's status, with the budget.
  ReaderStatus reader_status() const;
  // Reads the flush queues' entries for the next snapshot.
  void read_flush_queues();

 private:
  struct PendingReading {  // to be applied at its position in the stream
    std::uint64_t end_ns;
    std::uint64_t id;
    ReadRequest request;
    std::variant<CpuContents, DepotSlice, TreeSlice, FlushQueueReading> piece;
  };
  struct Job {
    std::unique_ptr<DomainAudit> audit;
    std::uint64_t key = 0;
    std::optional<ReadRequest> held;    // requested, but not to be read before next_read
    std::optional<ReadRequest> sliced;  // a depot or the tree, being read slice by slice
    DepotCursor cursor;
    std::uint64_t tree_from = 0;
    std::uint64_t begin_ns = 0;
    std::uint64_t end_ns = 0;
    std::uint64_t read_ns = 0;
    int look = 1;
    TimePoint next_read{};
    bool faulty = false;
    bool resyncing = false;
  };
  struct Schedule {
    TimePoint last_end{};     // of the last audit, whether completed or not
    bool completed = false;   // the last audit was completed
    bool wanted = false;      // requested, or CPUs have changed
    bool unreadable = false;  // the last audit ended with a fault
    int unsure = 0;           // consecutive audits whose repairs under load need confirmation
    bool resyncing = false;   // ... after a loss: differences found then count as drift
  };
  struct Request {
    AuditRequest what;
    std::function<void(AuditReport)> done;
    std::vector<std::uint64_t> waiting;  // ids
    AuditReport report;
  };

  void apply_due_readings(std::uint64_t time_ns);
  void start_due_jobs(TimePoint now);
  bool due(const DomainMirror& mirror, const Schedule& schedule, TimePoint now) const;
  void start(std::uint64_t id, DomainMirror& mirror);
  std::function<bool(const TreeRange&)> lazily_reserved(int group, std::uint64_t granule_bytes) const;
  // Reads one piece of this job; false when nothing is to be read now.
  bool read_piece(std::uint64_t id, Job& job, TimePoint now);
  Reading<FlushQueueReading> read_flush_queue(const Job& job);
  std::optional<ReadRequest> next_request(Job& job, TimePoint now);
  void read_slice(std::uint64_t id, Job& job);
  template <typename T>
  void keep(std::uint64_t id, Job& job, const ReadRequest& request, Reading<T> piece);
  void end_jobs(TimePoint now);
  void forget_job(std::uint64_t id);
  void report(std::uint64_t id, const Job& job);
  void log(std::uint64_t id, const Job& job) const;
  void answer_requests();
  DomainContents read_contents(std::uint64_t key);
  std::optional<LiveDomain> live(std::uint64_t id) const;

  KernelReader& reader_;
  Mirror& mirror_;
  const DomainRegistry& registry_;
  const ReservedReader read_reserved_;
  Options options_;
  std::deque<PendingReading> readings_;  // by end_ns
  std::map<std::uint64_t, Job> jobs_;
  std::map<std::uint64_t, Schedule> schedules_;
  std::vector<Request> requests_;
  std::uint64_t next_id_ = 0;  // the next domain in turn
  TimePoint last_loss_{};
  TimePoint last_round_{};
  TimePoint next_start_{};
  std::int64_t affordable_ns_ = 0;
  bool started_ = false;
};

}  // namespace rcached
