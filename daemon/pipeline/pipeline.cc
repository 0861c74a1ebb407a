// SPDX-License-Identifier: Apache-2.0
#include "daemon/pipeline/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace rcached {

using Clock = std::chrono::steady_clock;

namespace {

std::int64_t unix_minus_monotonic_ns() {
  using std::chrono::duration_cast;
  using std::chrono::nanoseconds;
  return duration_cast<nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count() -
         duration_cast<nanoseconds>(Clock::now().time_since_epoch()).count();
}

}  // namespace

Pipeline::Pipeline(std::unique_ptr<EventSource> source, MirrorFeed::GroupReader read_groups,
                   PipelineOptions options)
    : options_(std::move(options)),
      read_groups_(std::move(read_groups)),
      source_(std::move(source)),
      chronicle_(options_.history_bytes, options_.snapshot_interval),
      tuning_(options_.tuning) {}

Pipeline::~Pipeline() { stop(); }

Expected<void> Pipeline::start() {
  std::promise<Expected<void>> started;
  std::future<Expected<void>> result = started.get_future();
  thread_ = std::thread([this, promise = std::move(started)]() mutable { run(std::move(promise)); });
  return result.get();
}

void Pipeline::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Pipeline::run(std::promise<Expected<void>> started) {
  bool answered = false;
  try {
    Expected<void> result = source_->start();
    if (result && options_.after_source_start) result = options_.after_source_start();
    const bool running = result.has_value();
    if (running) links_ = source_->links();
    started.set_value(std::move(result));
    answered = true;
    if (running) {
      MirrorFeed feed(
          *source_, read_groups_,
          {options_.read_reserved, options_.audit_enabled, {tuning_.audit_interval, tuning_.audit_budget}});
      loop(feed);
    }
  } catch (const std::exception& error) {
    if (!answered) started.set_value(fail(ErrorCode::internal, error.what(), "report this as a bug"));
    const MutexLock lock(mutex_);
    failure_ = error.what();
  }
  slot_.close();
  {
    const MutexLock lock(mutex_);
    over_ = true;
    audit_requests_.clear();  // breaks their promises: audit() reports it
  }
  source_.reset();
}

void Pipeline::loop(MirrorFeed& feed) {
  auto next_drain = Clock::now();
  auto next_snapshot = next_drain;
  std::shared_ptr<const View> unpublished;
  const auto seeding_end = next_drain + options_.seeding_limit;
  bool settled = false;
  do {
    const auto now = Clock::now();
    feed.drain(now);
    heartbeat_.fetch_add(1, std::memory_order_relaxed);
    take_requests(feed);
    settled = settled || feed.settled() || now >= seeding_end;
    if (settled && now >= next_snapshot) {
      unpublished = make_view(feed, now);
      next_snapshot = now + options_.snapshot_interval;
    }
    // Does not wait for a reader that is copying the pointer: the next round tries again.
    if (unpublished && slot_.try_publish(unpublished)) unpublished.reset();
    // Late rounds are not repeated: the next one applies all pending events.
    next_drain = std::max(next_drain + options_.drain_interval, now);
  } while (!sleep_until(next_drain));
  const auto end = Clock::now();
  feed.flush(end);
  slot_.publish(make_view(feed, end));
}

std::shared_ptr<const View> Pipeline::make_view(MirrorFeed& feed, MirrorFeed::TimePoint now) {
  View view = feed.view();
  view.status.unix_minus_monotonic_ns = unix_minus_monotonic_ns();
  view.status.version = options_.version;
  view.status.started_unix_s = options_.started_unix_s;
  view.status.ready = view.status.not_ready_reason.empty();
  chronicle_.complete(view, now);
  return std::make_shared<const View>(std::move(view));
}

bool Pipeline::sleep_until(MirrorFeed::TimePoint when) {
  const MutexLock lock(mutex_);
  while (!stopping_) {
    if (changed_.wait_until(mutex_, when) == std::cv_status::timeout) break;
  }
  return stopping_;
}

bool Pipeline::wait_for_view(std::chrono::milliseconds timeout) const {
  return slot_.wait_for_newer(nullptr, timeout) != nullptr;
}

void Pipeline::tune(const PipelineTuning& tuning) {
  const MutexLock lock(mutex_);
  wanted_tuning_ = tuning;
}

void Pipeline::take_requests(MirrorFeed& feed) {
  std::vector<std::pair<AuditRequest, std::shared_ptr<std::promise<AuditReport>>>> requests;
  std::optional<PipelineTuning> tuning;
  {
    const MutexLock lock(mutex_);
    requests.swap(audit_requests_);
    tuning.swap(wanted_tuning_);
  }
  if (tuning) {
    tuning_ = *tuning;
    feed.tune_audits({tuning_.audit_interval, tuning_.audit_budget});
  }
  for (auto& [request, promise] : requests) {
    feed.request_audit(request,
                       [promise = promise](AuditReport report) { promise->set_value(std::move(report)); });
  }
}

AuditReport Pipeline::audit(const AuditRequest& request, std::chrono::milliseconds timeout) {
  auto promise = std::make_shared<std::promise<AuditReport>>();
  std::future<AuditReport> result = promise->get_future();
  AuditReport failed;
  {
    const MutexLock lock(mutex_);
    if (over_ || stopping_) {
      failed.unavailable = "rcached is shutting down";
      return failed;
    }
    audit_requests_.emplace_back(request, std::move(promise));
  }
  if (result.wait_for(timeout) != std::future_status::ready) {
    failed.unavailable =
        fmt::format("it took longer than {} ms; the budget (audit.budget) may be too small", timeout.count());
    return failed;
  }
  try {
    return result.get();
  } catch (const std::future_error&) {
    failed.unavailable = "rcached is shutting down";
    return failed;
  }
}

std::optional<std::string> Pipeline::failure() const {
  const MutexLock lock(mutex_);
  return failure_;
}

}  // namespace rcached
