// SPDX-License-Identifier: Apache-2.0
#include "daemon/pipeline/mirror_feed.h"

#include <algorithm>
#include <utility>

#include "daemon/pipeline/translate.h"

namespace rcached {
namespace {

// steady_clock is CLOCK_MONOTONIC, as are the times in the events.
std::uint64_t to_ns(MirrorFeed::TimePoint time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

}  // namespace

MirrorFeed::MirrorFeed(EventSource& source, GroupReader read_groups)
    : source_(source), read_groups_(std::move(read_groups)), mirror_(source.kernel_info().profile) {}

void MirrorFeed::drain(TimePoint now) {
  batch_.clear();
  source_.poll(batch_);
  apply_batch(now);
  delivered_until_ = std::exchange(last_drain_, now);
}

void MirrorFeed::flush(TimePoint now) {
  batch_.clear();
  source_.flush(batch_);
  apply_batch(now);
  delivered_until_ = last_drain_ = now;
}

void MirrorFeed::apply_batch(TimePoint now) {
  for (const rcached_event& event : batch_) apply(event);
  discover_if_due(now);
}

void MirrorFeed::apply(const rcached_event& event) {
  const auto operation = to_operation(event);
  if (!operation) {
    ++malformed_;
    return;
  }
  ++events_;
  if (is_failed_reserve(event) || event.domain == 0) {
    // Nothing to apply: the reservation failed, or an FQ drain belongs to no domain that is known.
    if (operation->after_loss) mirror_.mark_loss();
    if (event.domain == 0) ++unattributed_fq_drains_;
    return;
  }

  auto id = registry_.find(event.domain);
  if (operation->kind == OperationKind::domain_put) {
    if (!id) return;
    mirror_.apply(*id, *operation);
    registry_.retire(event.domain);
    return;
  }
  if (operation->kind == OperationKind::domain_init && id) {
    // A domain is born where another is thought to live: the other one's end was missed.
    Operation put = *operation;
    put.kind = OperationKind::domain_put;
    mirror_.apply(*id, put);
    registry_.retire(event.domain);
    id.reset();
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
  registry_.update(source_.discover(), read_groups_());
  last_discover_ = now;
  if (!discover_wanted_) retry_gap_ = std::min(retry_gap_ * 2, kDiscoverRefresh);
  discover_wanted_ = false;
}

void MirrorFeed::note_losses(const SourceStatus& status) {
  const std::uint64_t lost = status.malformed + malformed_ + events_lost(status.cpus, status.programs);
  if (lost > losses_noted_) mirror_.mark_loss();
  losses_noted_ = std::max(losses_noted_, lost);
}

View MirrorFeed::view() {
  SourceStatus status = source_.status();
  note_losses(status);
  mirror_.settle(to_ns(delivered_until_));
  View view;
  view.snapshot = mirror_.snapshot();
  view.domains = registry_.infos();
  view.kernel = source_.kernel_info();
  view.status.source = source_.name();
  view.status.events = events_;
  view.status.malformed = status.malformed + malformed_;
  view.status.lag_ns = status.lag_ns;
  view.status.cpus = std::move(status.cpus);
  view.status.programs = std::move(status.programs);
  return view;
}

}  // namespace rcached
