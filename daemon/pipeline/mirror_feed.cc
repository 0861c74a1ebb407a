// SPDX-License-Identifier: Apache-2.0
#include "daemon/pipeline/mirror_feed.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "daemon/source/translate.h"

namespace rcached {
namespace {

// steady_clock is CLOCK_MONOTONIC, as are the times in the events.
std::uint64_t to_ns(MirrorFeed::TimePoint time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

// Work that the kernel does on a domain in use: an event of it alone is no sign of a domain, but of one that has just
// ended (a reclaim worker may outlast put_iova_domain).
bool comes_after_others(OperationKind kind) {
  return kind == OperationKind::magazine_free || kind == OperationKind::cpu_flush ||
         kind == OperationKind::reclaim || kind == OperationKind::fq_drain;
}

}  // namespace

MirrorFeed::MirrorFeed(EventSource& source, GroupReader read_groups)
    : MirrorFeed(source, std::move(read_groups), Options{}) {}

MirrorFeed::MirrorFeed(EventSource& source, GroupReader read_groups, Options options)
    : source_(source), read_groups_(std::move(read_groups)), mirror_(source.kernel_info().profile) {
  if (options.audits && source.reader() != nullptr) {
    reconciler_.emplace(*source.reader(), mirror_, registry_, std::move(options.read_reserved),
                        options.audit);
  }
}

void MirrorFeed::drain(TimePoint now) {
  batch_.clear();
  const std::uint64_t complete_until = source_.poll(batch_);
  apply_batch(now, complete_until);
  if (reconciler_) {
    if (now >= next_loss_check_) {
      next_loss_check_ = now + kLossCheck;
      const SourceStatus status = source_.status();
      note_losses(status);
      note_silence(status);
    }
    reconciler_->work(now);
  }
  last_drain_ = now;
}

void MirrorFeed::flush(TimePoint now) {
  batch_.clear();
  source_.flush(batch_);
  apply_batch(now, to_ns(now));
  last_drain_ = now;
}

void MirrorFeed::apply_batch(TimePoint now, std::uint64_t complete_until_ns) {
  loss_checked_ = false;
  for (const rcached_event& event : batch_) {
    if (reconciler_) reconciler_->apply_readings_until(event.time_ns);
    apply(event);
  }
  if (reconciler_) reconciler_->apply_readings_until(complete_until_ns);
  complete_until_ns_ = std::max(complete_until_ns_, complete_until_ns);
  discover_if_due(now);
}

void MirrorFeed::forget(std::uint64_t key, std::uint64_t id) {
  if (reconciler_) reconciler_->forget(id);
  mirror_.drop(id);
  registry_.retire(key);
}

void MirrorFeed::apply(const rcached_event& event) {
  auto operation = to_operation(event);
  if (!operation) {
    ++malformed_;
    return;
  }
  ++events_;
  if (operation->after_loss && reconciler_) {
    operation->after_loss = false;
    if (!std::exchange(loss_checked_, true)) note_losses(source_.status());
  }
  if (is_failed_reserve(event) || event.domain == 0) {
    // Nothing to apply: a failed reservation, or an FQ drain without a known domain.
    if (operation->after_loss) mirror_.mark_loss();
    if (event.domain == 0) ++unattributed_fq_drains_;
    return;
  }

  auto id = registry_.find(event.domain);
  if (operation->kind == OperationKind::domain_put) {
    if (!id) return;
    if (operation->after_loss) mirror_.mark_loss();
    return forget(event.domain, *id);
  }
  if (operation->kind == OperationKind::domain_init && id) {
    // A new domain at the address of a live one: the end of the old one was missed.
    forget(event.domain, *id);
    id.reset();
  }
  if (!id && comes_after_others(operation->kind)) {
    if (operation->after_loss) mirror_.mark_loss();
    return;
  }
  if (!id) {
    const bool is_init = operation->kind == OperationKind::domain_init;
    id = registry_.add(event.domain, is_init ? event.arg : 0);
    discover_wanted_ = true;
  }
  mirror_.apply(*id, *operation);
}

void MirrorFeed::discover_if_due(TimePoint now) {
  if (discover_wanted_) retry_gap_ = kDiscoverGap;
  const bool first = last_discover_ == TimePoint{};
  const std::chrono::seconds gap = discover_wanted_          ? kDiscoverGap
                                   : registry_.has_unnamed() ? retry_gap_
                                                             : kDiscoverRefresh;
  if (!first && now - last_discover_ < gap) return;
  discover(now);
  if (!discover_wanted_) retry_gap_ = std::min(retry_gap_ * 2, kDiscoverRefresh);
  discover_wanted_ = false;
}

void MirrorFeed::discover(TimePoint now) {
  const std::vector<DiscoveredDomain> discovered = source_.discover();
  for (const std::uint64_t id : registry_.update(discovered, read_groups_())) {
    if (reconciler_) mirror_.add(id);  // it will be read before its first event
  }
  if (source_.discovery_complete()) {
    for (const std::uint64_t key : registry_.vanished(discovered)) forget(key, *registry_.find(key));
  }
  last_discover_ = now;
}

void MirrorFeed::note_losses(const SourceStatus& status) {
  const std::uint64_t lost = status.malformed + malformed_ + events_lost(status.cpus, status.programs);
  if (lost <= losses_noted_) return;
  losses_noted_ = lost;
  mirror_.mark_loss();
  discover_wanted_ = true;  // a domain may have appeared or vanished unnoticed
  if (reconciler_) reconciler_->note_loss(last_drain_);
}

void MirrorFeed::note_silence(const SourceStatus& status) {
  if (silence_ == status.silence) return;
  const bool was_silent = silence_.has_value();
  silence_ = status.silence;
  if (silence_) {
    spdlog::error("{}; {}. No figure is exact until then", silence_->message, silence_->hint);
  } else {
    spdlog::info("the kernel runs the probes again; the mirror is read again");
  }
  if (was_silent == silence_.has_value()) return;
  mirror_.set_blind(silence_.has_value());
  discover_wanted_ = true;
  if (reconciler_) reconciler_->note_loss(last_drain_);
}

void MirrorFeed::watch_cpus(const KernelInfo& kernel) {
  const std::uint32_t before = std::exchange(online_cpus_, kernel.online_cpus);
  if (before != 0 && before != kernel.online_cpus && reconciler_) reconciler_->audit_all();
}

void MirrorFeed::request_audit(const AuditRequest& request, std::function<void(AuditReport)> done) {
  if (reconciler_) return reconciler_->request(request, std::move(done));
  AuditReport report;
  report.unavailable = source_.reader() == nullptr
                           ? "the event source '" + source_.name() + "' has no kernel memory to read"
                           : "audits are disabled (audit.enabled)";
  done(std::move(report));
}

View MirrorFeed::view() {
  SourceStatus status = source_.status();
  note_losses(status);
  note_silence(status);
  if (reconciler_) reconciler_->read_flush_queues();
  mirror_.settle(complete_until_ns_);
  View view;
  view.snapshot = mirror_.snapshot();
  view.domains = registry_.infos();
  view.kernel = source_.kernel_info();
  watch_cpus(view.kernel);
  view.status.source = source_.name();
  view.status.events = events_;
  view.status.malformed = status.malformed + malformed_;
  view.status.late = status.late;
  view.status.lag_ns = status.lag_ns;
  view.status.cpus = std::move(status.cpus);
  view.status.programs = std::move(status.programs);
  if (silence_) {
    view.status.silence = silence_->reason;
    view.status.not_ready_reason = silence_->message + "; " + silence_->hint;
  }
  view.status.unattributed_fq_drains = unattributed_fq_drains_;
  if (reconciler_) view.status.reader = reconciler_->reader_status();
  return view;
}

}  // namespace rcached
