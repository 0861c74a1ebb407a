// SPDX-License-Identifier: Apache-2.0
// Pipeline: the threads between the source and the Views.
//
//   drain      every drain_interval: moves events from the source into the input log, and the log to the shards
//   shards     apply their part of the log to their Mirrors
//   auditor    looks for domains, and reads kernel memory
//   publisher  asks the source for losses, makes a View every snapshot_interval and publishes it
//
// The drain thread waits for none of the others, with one exception: when more than max_backlog events wait for the
// shards, it leaves the rest in the source, whose rings fill then, and what does not fit is counted as lost.
//
// Threads: start(), stop() and the destructor belong to one thread; the other functions may be called from any.
#pragma once

#include <array>
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
#include "base/mailbox.h"
#include "base/mutex.h"
#include "daemon/pipeline/audit_report.h"
#include "daemon/pipeline/auditor.h"
#include "daemon/pipeline/chronicle.h"
#include "daemon/pipeline/discoverer.h"
#include "daemon/pipeline/input_log.h"
#include "daemon/pipeline/reading_gate.h"
#include "daemon/pipeline/shard.h"
#include "daemon/pipeline/view_maker.h"
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
  std::size_t shards = 1;
  std::uint64_t max_backlog = 1'000'000;  // events
  // Copied into every View's status.
  std::string version;
  std::uint64_t started_unix_s = 0;
  PipelineTuning tuning{};                // at the start
  std::size_t history_bytes = 16u << 20;  // at most, for the last hour of all domains
  // Auditing the mirror against the source's KernelReader, if it has one.
  bool audit_enabled = true;
  Auditor::ReservedReader read_reserved{};
  // Run in the thread that drains as soon as the source has started, before any other is started; start() returns
  // its errors.
  std::function<Expected<void>()> after_source_start{};
  // Limit for reading all domains before the first View.
  std::chrono::milliseconds seeding_limit{15'000};  // a busy guest has taken 5 s for eight domains
};

class Pipeline : public ViewSource {
 public:
  Pipeline(std::unique_ptr<EventSource> source, Discoverer::GroupReader read_groups, PipelineOptions options);
  ~Pipeline() override;
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // Starts the source and the threads. Errors: those of EventSource::start(), and nothing is left running. Call once.
  Expected<void> start();

  // Descriptors of the source that keep its probes attached. Valid between start() and stop().
  const std::vector<int>& links() const { return links_; }

  // Applies the remaining events, publishes a last View and ends the threads and the source. Idempotent.
  void stop();

  std::shared_ptr<const View> view() const override { return slot_.view(); }
  std::shared_ptr<const View> wait_for_newer(const std::shared_ptr<const View>& seen,
                                             std::chrono::milliseconds limit) const override {
    return slot_.wait_for_newer(seen, limit);
  }

  // False when no View was published within `timeout`.
  bool wait_for_view(std::chrono::milliseconds timeout) const;

  // Audits domains against kernel memory, outside the schedule but within the budget; waits for the result,
  // at most `timeout`. Any thread but the pipeline's own.
  AuditReport audit(const AuditRequest& request, std::chrono::milliseconds timeout);

  // Takes effect in the next round.
  void tune(const PipelineTuning& tuning);

  // Grows while all threads make progress. Valid once start() has returned.
  std::uint64_t heartbeat() const;

  // Why a thread failed, if one did. Then Views no longer change.
  std::optional<std::string> failure() const;

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  enum class Loop : std::uint8_t { drain, audit };

  void run(std::promise<Expected<void>> started);
  void make_parts();
  std::thread start_thread(void (Pipeline::*body)());
  template <typename Body>
  void guard(Body body);
  void drain();
  void drain_once();
  void hand_over();
  void audit_domains();
  void publish();
  bool settled() const;
  bool await_parts(std::vector<SnapshotPart>& parts);
  std::shared_ptr<const View> make_view(std::vector<SnapshotPart> parts);
  std::uint64_t backlog() const;
  void end();
  // True: the pipeline stops. With a loop, wake() of that loop ends it, too.
  bool sleep_until(TimePoint when, std::optional<Loop> loop = std::nullopt);
  void wake(Loop loop);

  const PipelineOptions options_;
  const Discoverer::GroupReader read_groups_;
  std::unique_ptr<EventSource> source_;
  std::vector<int> links_;  // written before start() returns
  ViewSlot slot_;

  // Made by the thread that drains, before the others are started.
  ReadingGate gate_;
  std::optional<InputLog> log_;  // the drain thread's, but for the functions that any thread may call
  std::vector<std::unique_ptr<Shard>> shards_;
  std::optional<Auditor> auditor_;        // the auditor's
  std::optional<Discoverer> discoverer_;  // the auditor's
  std::optional<ViewMaker> maker_;        // the publisher's
  Chronicle chronicle_;                   // the publisher's
  Mailbox<InputLog> log_mail_;
  Mailbox<Auditor> auditor_mail_;
  TimePoint seeding_end_{};
  std::atomic<std::uint64_t> drain_rounds_{0}, audit_rounds_{0}, publish_rounds_{0};
  bool held_back_ = false;  // the backlog is full

  mutable Mutex mutex_;  // never taken by threads that render or scrape
  mutable std::condition_variable_any changed_;
  std::optional<std::string> failure_ GUARDED_BY(mutex_);
  std::vector<SnapshotPart> parts_ GUARDED_BY(mutex_);  // of the tick that is waited for
  std::uint64_t awaited_tick_ GUARDED_BY(mutex_) = 0;
  mutable std::vector<std::uint64_t> last_rounds_ GUARDED_BY(mutex_);  // at the last growth of the heartbeat
  mutable std::uint64_t heartbeat_ GUARDED_BY(mutex_) = 0;
  std::array<bool, 2> woken_ GUARDED_BY(mutex_){};  // by Loop
  bool over_ GUARDED_BY(mutex_) = false;            // no more requests are taken
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool has_auditor_ GUARDED_BY(mutex_) = false;

  std::vector<std::thread> shard_threads_;
  std::thread auditor_thread_, publisher_thread_;
  std::thread thread_;  // last: it uses the rest
};

}  // namespace rcached
