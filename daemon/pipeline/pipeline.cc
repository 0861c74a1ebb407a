// SPDX-License-Identifier: Apache-2.0
#include "daemon/pipeline/pipeline.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace rcached {

using Clock = std::chrono::steady_clock;

Pipeline::Pipeline(std::unique_ptr<EventSource> source, MirrorFeed::GroupReader read_groups,
                   PipelineOptions options)
    : options_(std::move(options)), read_groups_(std::move(read_groups)), source_(std::move(source)) {}

Pipeline::~Pipeline() { stop(); }

Expected<void> Pipeline::start() {
  std::promise<Expected<void>> started;
  std::future<Expected<void>> result = started.get_future();
  thread_ = std::thread([this, promise = std::move(started)]() mutable { run(std::move(promise)); });
  return result.get();
}

void Pipeline::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Pipeline::run(std::promise<Expected<void>> started) {
  bool answered = false;
  try {
    Expected<void> result = source_->start();
    const bool running = result.has_value();
    started.set_value(std::move(result));
    answered = true;
    if (running) {
      MirrorFeed feed(*source_, read_groups_);
      loop(feed);
    }
  } catch (const std::exception& error) {
    if (!answered) started.set_value(fail(ErrorCode::internal, error.what(), "report this as a bug"));
    const std::lock_guard lock(mutex_);
    failure_ = error.what();
  }
  source_.reset();
}

void Pipeline::loop(MirrorFeed& feed) {
  auto next_drain = Clock::now();
  auto next_snapshot = next_drain;
  do {
    const auto now = Clock::now();
    feed.drain(now);
    heartbeat_.fetch_add(1, std::memory_order_relaxed);
    if (now >= next_snapshot) {
      publish(feed);
      next_snapshot = now + options_.snapshot_interval;
    }
    // A late round is not made up for: the next one takes what has gathered.
    next_drain = std::max(next_drain + options_.drain_interval, now);
  } while (!sleep_until(next_drain));
  feed.flush(Clock::now());
  publish(feed);
}

void Pipeline::publish(MirrorFeed& feed) {
  View view = feed.view();
  view.status.version = options_.version;
  view.status.started_unix_s = options_.started_unix_s;
  view.status.per_cpu_series = options_.per_cpu_series;
  view.status.ready = true;
  auto published = std::make_shared<const View>(std::move(view));
  {
    const std::lock_guard lock(mutex_);
    std::swap(view_, published);
  }  // the old one is freed outside
  changed_.notify_all();
}

bool Pipeline::sleep_until(MirrorFeed::TimePoint when) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, when, [this] { return stopping_; });
}

std::shared_ptr<const View> Pipeline::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

bool Pipeline::wait_for_view(std::chrono::milliseconds timeout) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return view_ != nullptr || failure_; }) &&
         view_ != nullptr;
}

AuditReport Pipeline::audit(const AuditRequest& /*request*/, std::chrono::milliseconds /*timeout*/) {
  AuditReport report;
  report.unavailable = "not built yet";
  return report;
}

std::optional<std::string> Pipeline::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace rcached
