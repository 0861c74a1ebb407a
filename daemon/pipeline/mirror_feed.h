// SPDX-License-Identifier: Apache-2.0
// MirrorFeed: the single-threaded core of the pipeline. Takes events from an EventSource, translates them, finds
// their domains, applies them to the Mirror, counts losses, and makes Views. Pipeline runs it periodically in a
// thread; tests call it directly.
//
// Losses: the domain of a lost event is unknown, so every loss marks all live domains lossy: immediately when a
// record reports that its CPU lost some before it, and every kLossCheck when the source's counts of full rings,
// skipped programs or malformed records have grown (a CPU that became idle sends no record). If kernel memory
// can be read, only the counts are used, and the reconciler repairs the domains (reconciler.h): a record that
// reports a loss that has already been repaired marks nothing.
//
// Silence: while the source reports that the kernel does not run the probes, no domain is exact, and the daemon is not
// ready. Audits go on meanwhile, as after a loss, so the mirror stays close to the kernel.
//
// Discovery: an event of an unknown domain is applied under a new id and triggers EventSource::discover(), but
// not more often than every kDiscoverGap. While a live domain has no group, discovery is repeated at growing
// intervals, and every kDiscoverRefresh in any case: drivers are bound and unbound without an event.
//
// Threads: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "allocator/mirror.h"
#include "daemon/host/iommu_groups.h"
#include "daemon/pipeline/audit_report.h"
#include "daemon/pipeline/domain_registry.h"
#include "daemon/pipeline/reconciler.h"
#include "daemon/source/event_source.h"
#include "view/view.h"

namespace rcached {

class MirrorFeed {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using GroupReader = std::function<std::vector<IommuGroup>()>;

  static constexpr std::chrono::seconds kDiscoverGap{1};
  static constexpr std::chrono::seconds kDiscoverRefresh{60};
  static constexpr std::chrono::milliseconds kLossCheck{200};

  struct Options {
    Reconciler::ReservedReader read_reserved;
    bool audits = true;
    Reconciler::Options audit;
  };

  // `source` must have started and must outlive the feed.
  MirrorFeed(EventSource& source, GroupReader read_groups, Options options);
  MirrorFeed(EventSource& source, GroupReader read_groups);

  // Applies the events that the source has now. Sources hold events back to put them in order (EventSource::poll).
  void drain(TimePoint now);

  // The same with EventSource::flush: everything up to now.
  void flush(TimePoint now);

  // Snapshot, names and the counts of the source. The daemon's own fields (version, readiness, ...) are set
  // by the caller.
  View view();

  // Every domain that existed at the start has been read from kernel memory, if possible.
  bool settled() const { return !reconciler_ || reconciler_->all_seeded(); }
  // `done` gets the report once, from drain() or immediately.
  void request_audit(const AuditRequest& request, std::function<void(AuditReport)> done);

  void tune_audits(const Reconciler::Options& options) {
    if (reconciler_) reconciler_->tune(options);
  }

  // FQ drains whose domain the probe could not determine; no domain counts them.
  std::uint64_t unattributed_fq_drains() const { return unattributed_fq_drains_; }

 private:
  void apply(const rcached_event& event);
  void apply_batch(TimePoint now, std::uint64_t complete_until_ns);
  void forget(std::uint64_t key, std::uint64_t id);
  void discover_if_due(TimePoint now);
  void discover(TimePoint now);
  void note_losses(const SourceStatus& status);
  void note_silence(const SourceStatus& status);
  void watch_cpus(const KernelInfo& kernel);

  EventSource& source_;
  GroupReader read_groups_;
  Mirror mirror_;
  DomainRegistry registry_;
  std::vector<rcached_event> batch_;  // kept for its capacity
  std::uint64_t events_ = 0;
  std::uint64_t malformed_ = 0;
  std::uint64_t unattributed_fq_drains_ = 0;
  std::uint64_t losses_noted_ = 0;
  std::optional<Reconciler> reconciler_;
  bool loss_checked_ = false;  // in this batch
  TimePoint next_loss_check_{};
  std::uint32_t online_cpus_ = 0;
  std::optional<TracingFault> silence_;

  bool discover_wanted_ = true;  // an unknown domain has appeared since the last discovery
  TimePoint last_discover_{};
  TimePoint last_drain_{};
  std::uint64_t complete_until_ns_ = 0;  // the stream's: events older than this have been applied
  std::chrono::seconds retry_gap_ = kDiscoverGap;
};

}  // namespace rcached
