// SPDX-License-Identifier: Apache-2.0
// Auditor: compares the mirror with kernel memory. Schedules the domains to read, reads in pieces, within the budget,
// what their audits ask for (allocator/domain_audit.h), and writes each piece to the input log at its time.
//
// A domain is audited, in this order of urgency: on request; when it is older than rcached and has not been read
// (seed); after events were lost, as soon as no more are lost, or every kLossRetry while they are (resync);
// after CPUs went offline or came online; and every Options::interval (verify).
//
// Verifying does not disturb what is at rest: each domain has its own moment in the interval, so that they are not all due
// at once. A domain without operations since its last audit, which found nothing, is not read, and of the others only the
// CPUs on which the mirror has something cached. Every kWholeInterval-th time everything is read, and after drift.
//
// Budget: a bucket that fills with Options::budget of reading time per second and holds kBurstSeconds of it.
// It is full at the start, so that seeding is fast. One round takes at most kRoundNs, so
// that the mirror's answers are heard; a chunk is always completed.
//
// Threads: one. status() may be called from any.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "allocator/input.h"
#include "allocator/mirror.h"
#include "base/mutex.h"
#include "daemon/pipeline/audit_report.h"
#include "daemon/pipeline/input_log.h"
#include "daemon/pipeline/reading_gate.h"
#include "daemon/source/kernel_reader.h"

namespace rcached {

class Auditor {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  // The ranges that the kernel has reserved in a group's domain, in pfns of the given granule.
  using ReservedReader = std::function<std::vector<TreeRange>(int group, std::uint64_t granule_bytes)>;
  // Writes an input of a domain to the log: after everything up to `time_ns` (0: at once).
  using Write = std::function<void(std::uint64_t id, std::uint64_t time_ns, Input input)>;

  struct Options {
    std::chrono::nanoseconds interval{std::chrono::seconds{60}};
    std::chrono::nanoseconds budget{std::chrono::milliseconds{50}};  // per second
  };

  struct Status {
    ReaderStatus reader;      // with the budget
    bool all_seeded = false;  // every domain that can be read has been
  };

  static constexpr std::size_t kJobs = 4;  // concurrent audits
  static constexpr int kBurstSeconds = 10;
  static constexpr std::int64_t kRoundNs = 20'000'000;
  // Delay before the third pass, doubled for each further pass: a virtual CPU may be descheduled during a call.
  static constexpr std::chrono::milliseconds kLookGap{30};
  static constexpr std::chrono::milliseconds kQuietAfterLoss{100};
  static constexpr std::chrono::milliseconds kLossRetry{1000};
  // Delay after an audit was abandoned, or before it is confirmed.
  static constexpr std::chrono::milliseconds kRetry{500};
  static constexpr int kConfirmations = 3;
  static constexpr std::chrono::milliseconds kFlushQueueGap{1000};
  static constexpr int kWholeInterval = 10;

  // All must outlive the auditor.
  Auditor(KernelReader& reader, ReadingGate& gate, Write write, ReservedReader read_reserved,
          const Options& options);

  // Changes schedule and budget from the next round on.
  void tune(const Options& options) { options_ = options; }
  // What the mirror has answered.
  void take(const MirrorNews& news, TimePoint now);
  // The set of online CPUs changed: audit all domains soon.
  void audit_all();
  // Audits on request; `done` gets the report once. When the auditor is destroyed first, it is not called.
  void request(const AuditRequest& request, std::function<void(AuditReport)> done);

  // One round: starts due audits and reads within the budget. `losses`: InputLog::losses(). True: something was
  // written.
  bool work(TimePoint now, std::shared_ptr<const DomainList> domains, std::uint64_t losses);

  // Any thread.
  Status status() const;

 private:
  struct Job {
    std::uint64_t audit = 0;  // its number
    std::uint64_t key = 0;
    bool has_group = false;
    bool light = false;  // what is at rest is left alone
    std::deque<ReadRequest> wanted;
    std::optional<ReadRequest> sliced;  // a depot or the tree, being read slice by slice
    DepotCursor cursor;
    std::uint64_t tree_from = 0;
    std::uint64_t begin_ns = 0;
    std::uint64_t end_ns = 0;
    std::uint64_t read_ns = 0;
    int look = 1;
    TimePoint next_read{};
    bool faulty = false;
  };
  struct Schedule {
    TimePoint last_end{};     // of the last audit, whether completed or not
    bool completed = false;   // the last audit was completed
    bool wanted = false;      // requested, or CPUs have changed
    bool contents = false;    // ... with the contents
    bool unreadable = false;  // the last audit ended with a fault
    int light = 0;            // consecutive audits that were skipped or left CPUs out
    int unsure = 0;           // consecutive audits whose repairs under load need confirmation
    bool resyncing = false;   // ... after a loss: differences found then count as drift
    std::optional<std::vector<TreeRange>> reserved;  // of its group, once read
    std::optional<int> reserved_group;               // the group
    std::optional<DomainConstants> constants;        // as last read
  };
  struct Request {
    AuditRequest what;
    std::function<void(AuditReport)> done;
    std::vector<std::uint64_t> waiting;  // ids
    AuditReport report;
  };

  void set_domains(std::shared_ptr<const DomainList> domains);
  const LiveDomain* live(std::uint64_t id) const;
  const DomainStanding* standing(std::uint64_t id) const;
  void start_due_jobs(TimePoint now);
  bool due(const DomainStanding& standing, const Schedule& schedule, TimePoint now) const;
  bool verify_due(std::uint64_t id, TimePoint last, TimePoint now) const;
  void start(const LiveDomain& domain, bool scheduled);
  const std::vector<TreeRange>& reserved(const LiveDomain& domain, Schedule& schedule,
                                         std::uint64_t granule_bytes) const;
  void read_jobs(TimePoint now);
  // Reads one piece of this job; false when nothing is to be read now.
  bool read_piece(std::uint64_t id, Job& job, TimePoint now);
  Reading<FlushQueuePending> read_flush_queue(const Job& job);
  void read_slice(std::uint64_t id, Job& job);
  template <typename T>
  void keep(std::uint64_t id, Job& job, const ReadRequest& request, Reading<T> piece);
  void end_job(std::uint64_t id, Job& job, const AuditResult& result, TimePoint now);
  void report(const LiveDomain& domain, const Job& job, const AuditResult& result);
  void answer_requests();
  DomainContents read_contents(std::uint64_t key);
  void read_flush_queues(TimePoint now);
  bool all_seeded() const;
  void publish();
  void write(std::uint64_t id, std::uint64_t time_ns, Input input);

  KernelReader& reader_;
  ReadingGate& gate_;
  const Write write_;
  const ReservedReader read_reserved_;
  Options options_;
  std::shared_ptr<const DomainList> domains_ = std::make_shared<const DomainList>();
  std::unordered_map<std::uint64_t, DomainStanding> standings_;  // by id
  std::map<std::uint64_t, Job> jobs_;                            // by id
  std::unordered_map<std::uint64_t, Schedule> schedules_;        // by id
  std::vector<Request> requests_;
  std::uint64_t next_audit_ = 1;
  std::uint64_t next_id_ = 0;  // the next domain in turn
  std::uint64_t losses_ = 0;
  TimePoint last_loss_{};
  TimePoint last_round_{};
  TimePoint next_start_{};
  TimePoint next_flush_queues_{};
  std::size_t next_flush_queue_ = 0;  // position in the list of domains; its size: all have been read
  std::int64_t affordable_ns_ = 0;
  bool started_ = false;
  bool wrote_ = false;  // in this round

  mutable Mutex mutex_;
  Status status_ GUARDED_BY(mutex_);
};

}  // namespace rcached
