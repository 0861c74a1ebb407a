// SPDX-License-Identifier: Apache-2.0
// Pipeline: the thread that moves events from the source to the mirror and publishes Views.
//
//   every drain_interval     poll the source, apply
//   every snapshot_interval  make a View, publish it
//
// Threads: start(), stop() and the destructor belong to one thread; view(), heartbeat() and failure() may be
// called from any. Only the pipeline's own thread uses the source, from its start to its destruction.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "daemon/pipeline/audit_report.h"
#include "daemon/pipeline/chronicle.h"
#include "daemon/pipeline/mirror_feed.h"
#include "daemon/source/event_source.h"
#include "view/view.h"
#include "view/view_slot.h"

namespace rcached {

// Can be changed at run time.
struct PipelineTuning {
  std::chrono::milliseconds audit_interval{60'000};
  std::chrono::milliseconds audit_budget{50};  // of reading, per second
};

struct PipelineOptions {
  std::chrono::milliseconds drain_interval{10};
  std::chrono::milliseconds snapshot_interval{1000};
  // Copied into every View's status.
  std::string version;
  std::uint64_t started_unix_s = 0;
  PipelineTuning tuning{};                // at the start
  std::size_t history_bytes = 16u << 20;  // at most, for the last hour of all domains
  // Auditing the mirror against the source's KernelReader, if it has one.
  bool audit_enabled = true;
  Reconciler::ReservedReader read_reserved{};
  // Run in the pipeline's thread as soon as the source has started, before anything else; start() returns its
  // errors.
  std::function<Expected<void>()> after_source_start{};
  // Limit for reading all domains before the first View.
  std::chrono::milliseconds seeding_limit{5'000};
};

class Pipeline : public ViewSource {
 public:
  Pipeline(std::unique_ptr<EventSource> source, MirrorFeed::GroupReader read_groups, PipelineOptions options);
  ~Pipeline() override;
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // Starts the source and the thread. Errors: those of EventSource::start(), and nothing is left running. Call once.
  Expected<void> start();

  // Descriptors of the source that keep its probes attached. Valid between start() and stop().
  const std::vector<int>& links() const { return links_; }

  // Applies the remaining events, publishes a last View and ends the thread and the source. Idempotent.
  void stop();

  std::shared_ptr<const View> view() const override { return slot_.view(); }
  std::shared_ptr<const View> wait_for_newer(const std::shared_ptr<const View>& seen,
                                             std::chrono::milliseconds limit) const override {
    return slot_.wait_for_newer(seen, limit);
  }

  // False when no View was published within `timeout`.
  bool wait_for_view(std::chrono::milliseconds timeout) const;

  // Audits domains against kernel memory, outside the schedule but within the budget; waits for the result,
  // at most `timeout`. Any thread but the pipeline's.
  AuditReport audit(const AuditRequest& request, std::chrono::milliseconds timeout);

  // Takes effect in the next round. Any thread.
  void tune(const PipelineTuning& tuning);

  // Grows with every round of the thread; if it stops growing, the thread hangs.
  std::uint64_t heartbeat() const { return heartbeat_.load(std::memory_order_relaxed); }

  // Why the thread failed, if it did. Then Views no longer change.
  std::optional<std::string> failure() const;

 private:
  void run(std::promise<Expected<void>> started);
  void loop(MirrorFeed& feed);
  std::shared_ptr<const View> make_view(MirrorFeed& feed, MirrorFeed::TimePoint now);
  void take_requests(MirrorFeed& feed);
  bool sleep_until(MirrorFeed::TimePoint when);  // true: stop

  const PipelineOptions options_;
  const MirrorFeed::GroupReader read_groups_;
  std::unique_ptr<EventSource> source_;
  std::vector<int> links_;  // written before start() returns
  std::atomic<std::uint64_t> heartbeat_{0};

  Chronicle chronicle_;    // used by the thread only
  PipelineTuning tuning_;  // used by the thread only
  ViewSlot slot_;

  mutable Mutex mutex_;  // never taken by threads that render or scrape
  mutable std::condition_variable_any changed_;
  std::optional<std::string> failure_ GUARDED_BY(mutex_);
  std::vector<std::pair<AuditRequest, std::shared_ptr<std::promise<AuditReport>>>> audit_requests_
      GUARDED_BY(mutex_);
  std::optional<PipelineTuning> wanted_tuning_ GUARDED_BY(mutex_);
  bool over_ GUARDED_BY(mutex_) = false;  // the thread takes no more requests
  bool stopping_ GUARDED_BY(mutex_) = false;

  std::thread thread_;  // last: it uses the rest
};

}  // namespace rcached
