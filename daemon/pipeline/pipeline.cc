// SPDX-License-Identifier: Apache-2.0
#include "daemon/pipeline/pipeline.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "base/monotonic_clock.h"

namespace rcached {

using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds kLookInterval{200};  // at losses
constexpr std::chrono::milliseconds kAuditRound{10};
constexpr std::size_t kLoops = 3;  // threads that make a round even if there is nothing to do

std::int64_t unix_minus_monotonic_ns() {
  using std::chrono::duration_cast;
  using std::chrono::nanoseconds;
  return duration_cast<nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count() -
         duration_cast<nanoseconds>(Clock::now().time_since_epoch()).count();
}

}  // namespace

Pipeline::Pipeline(std::unique_ptr<EventSource> source, Discoverer::GroupReader read_groups,
                   PipelineOptions options)
    : options_(std::move(options)),
      read_groups_(std::move(read_groups)),
      source_(std::move(source)),
      chronicle_(options_.history_bytes, options_.snapshot_interval) {}

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

// Runs the body of a thread. A failure ends all of them.
template <typename Body>
void Pipeline::guard(Body body) {
  try {
    body();
  } catch (const std::exception& error) {
    const MutexLock lock(mutex_);
    if (!failure_) failure_ = error.what();
    stopping_ = true;
  }
  changed_.notify_all();
}

std::thread Pipeline::start_thread(void (Pipeline::*body)()) {
  return std::thread([this, body] { guard([&] { (this->*body)(); }); });
}

void Pipeline::run(std::promise<Expected<void>> started) {
  bool answered = false;
  bool running = false;
  try {
    Expected<void> result = source_->start();
    if (result && options_.after_source_start) result = options_.after_source_start();
    running = result.has_value();
    if (running) {
      links_ = source_->links();
      make_parts();
    }
    started.set_value(std::move(result));
    answered = true;
  } catch (const std::exception& error) {
    if (!answered) started.set_value(fail(ErrorCode::internal, error.what(), "report this as a bug"));
    running = false;
    const MutexLock lock(mutex_);
    failure_ = error.what();
  }
  if (running) guard([this] { drain(); });
  guard([this] { end(); });
  slot_.close();
  {
    const MutexLock lock(mutex_);
    over_ = true;
  }
  auditor_mail_.clear();  // breaks the promises of audits: audit() reports it
  auditor_.reset();       // the same
  source_.reset();
}

void Pipeline::make_parts() {
  KernelReader* const reader = options_.audit_enabled ? source_->reader() : nullptr;
  const KernelProfile profile = source_->kernel_info().profile;
  log_.emplace(*source_, options_.shards, reader != nullptr);
  discoverer_.emplace(*source_, read_groups_);
  maker_.emplace(*source_);
  if (reader != nullptr) {
    auditor_.emplace(
        *reader, gate_,
        [this](std::uint64_t id, std::uint64_t time_ns, Input input) {
          log_mail_.post([id, time_ns, input = std::move(input)](InputLog& log) mutable {
            log.write(id, time_ns, std::move(input));
          });
        },
        options_.read_reserved,
        Auditor::Options{options_.tuning.audit_interval, options_.tuning.audit_budget});
    const MutexLock lock(mutex_);
    has_auditor_ = true;
  }
  seeding_end_ = Clock::now() + options_.seeding_limit;
  for (std::size_t i = 0; i < options_.shards; ++i) {
    Shard::Outputs outputs;
    outputs.news = [this](MirrorNews news) {
      if (!auditor_) return;
      auditor_mail_.post([news = std::move(news)](Auditor& auditor) { auditor.take(news, Clock::now()); });
      wake(Loop::audit);
    };
    outputs.snapshot = [this](std::uint64_t tick, SnapshotPart part) {
      const MutexLock lock(mutex_);
      if (tick != awaited_tick_) return;
      parts_.push_back(std::move(part));
      changed_.notify_all();
    };
    shards_.push_back(std::make_unique<Shard>(profile, std::move(outputs)));
  }
  for (const auto& shard : shards_)
    shard_threads_.emplace_back([this, &shard = *shard] { guard([&] { shard.run(); }); });
  auditor_thread_ = start_thread(&Pipeline::audit_domains);
  publisher_thread_ = start_thread(&Pipeline::publish);
}

// --- the thread that drains

void Pipeline::drain() {
  auto begin = Clock::now();
  do {
    begin = Clock::now();
    drain_once();
    drain_rounds_.fetch_add(1, std::memory_order_relaxed);
    // Late rounds are not repeated: the next one takes all pending events.
  } while (!sleep_until(begin + options_.drain_interval, Loop::drain));
}

void Pipeline::drain_once() {
  if (const bool full = backlog() > options_.max_backlog; full != held_back_) {
    held_back_ = full;
    if (full)
      spdlog::warn(
          "more than {} events wait to be applied; the rest stays in the rings until that is done. Set "
          "pipeline.shards to more than {} if this happens often",
          options_.max_backlog, shards_.size());
  }
  if (held_back_) return;
  const std::uint64_t now = monotonic_now_ns();
  const std::uint64_t limit = gate_.limit_ns(now);  // first: see ReadingGate
  log_mail_.deliver(*log_);
  log_->drain(now, limit);
  hand_over();
}

void Pipeline::hand_over() {
  std::uint64_t tick = 0;
  if (log_->ticked()) {
    const MutexLock lock(mutex_);
    tick = awaited_tick_;
  }
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    InputBatch& batch = log_->batches()[i];
    if (batch.operations.empty() && batch.others.empty()) continue;
    shards_[i]->push(std::exchange(batch, shards_[i]->spare()), tick);
  }
}

std::uint64_t Pipeline::backlog() const {
  std::uint64_t sum = 0;
  for (const auto& shard : shards_) sum += shard->backlog();
  return sum;
}

// Everything that the source has left, and a last View of it. Also after a start that failed halfway.
void Pipeline::end() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (auditor_thread_.joinable()) auditor_thread_.join();
  if (publisher_thread_.joinable()) publisher_thread_.join();
  bool failed = shard_threads_.empty();
  {
    const MutexLock lock(mutex_);
    failed = failed || failure_.has_value();
    parts_.clear();
    ++awaited_tick_;
  }
  if (!failed) {
    log_mail_.deliver(*log_);
    log_->take(maker_->look());
    log_->request_tick();
    log_->flush(monotonic_now_ns());
    hand_over();
  }
  for (const auto& shard : shards_) shard->finish();
  for (std::thread& thread : shard_threads_) thread.join();
  std::vector<SnapshotPart> parts;
  {
    const MutexLock lock(mutex_);
    if (failed || failure_ || parts_.size() != shards_.size()) return;
    parts.swap(parts_);
  }
  slot_.publish(make_view(std::move(parts)));
}

// --- the auditor's thread

void Pipeline::audit_domains() {
  auto begin = Clock::now();
  do {
    begin = Clock::now();
    if (auto found = discoverer_->work(begin, *log_->domains())) {
      log_mail_.post([found = std::move(*found)](InputLog& log) { log.take(found); });
      wake(Loop::drain);
    }
    if (auditor_) {
      auditor_mail_.deliver(*auditor_);
      if (auditor_->work(Clock::now(), log_->domains(), log_->losses())) wake(Loop::drain);
    }
    audit_rounds_.fetch_add(1, std::memory_order_relaxed);
  } while (!sleep_until(begin + kAuditRound, Loop::audit));
}

// --- the publisher's thread

// Every domain that existed at the start has been read from kernel memory, if possible.
bool Pipeline::settled() const {
  if (Clock::now() >= seeding_end_) return true;
  return auditor_ ? auditor_->status().all_seeded : log_->domains()->discoveries != 0;
}

void Pipeline::publish() {
  const auto look_interval = std::min(kLookInterval, options_.snapshot_interval);
  std::uint32_t online_cpus = 0;
  const auto started = Clock::now();
  auto next_snapshot = started;
  bool settled_once = false;
  for (;;) {
    const auto now = Clock::now();
    if (!settled_once && settled()) {
      settled_once = true;
      using std::chrono::duration_cast;
      spdlog::debug("start: {} domains read, {} ms after the probes were attached",
                    log_->domains()->domains.size(),
                    duration_cast<std::chrono::milliseconds>(now - started).count());
    }
    const bool wanted = settled_once && now >= next_snapshot;
    const StreamNews news = maker_->look();
    const std::uint32_t before = std::exchange(online_cpus, news.online_cpus);
    if (auditor_ && before != 0 && before != news.online_cpus)
      auditor_mail_.post([](Auditor& auditor) { auditor.audit_all(); });
    std::vector<SnapshotPart> parts;
    if (wanted) {
      const MutexLock lock(mutex_);
      ++awaited_tick_;
      parts_.clear();
    }
    log_mail_.post([news, wanted](InputLog& log) {
      log.take(news);
      if (wanted) log.request_tick();
    });
    if (wanted) {
      next_snapshot = now + options_.snapshot_interval;
      wake(Loop::drain);
      if (!await_parts(parts)) return;
      slot_.publish(make_view(std::move(parts)));
    }
    publish_rounds_.fetch_add(1, std::memory_order_relaxed);
    if (sleep_until(now + (settled_once ? look_interval : std::min(look_interval, kAuditRound)))) return;
  }
}

bool Pipeline::await_parts(std::vector<SnapshotPart>& parts) {
  const MutexLock lock(mutex_);
  while (!stopping_ && parts_.size() != shards_.size()) changed_.wait(mutex_);
  parts.swap(parts_);
  return !stopping_;
}

std::shared_ptr<const View> Pipeline::make_view(std::vector<SnapshotPart> parts) {
  View view = maker_->make(std::move(parts), log_->status(),
                           auditor_ ? auditor_->status().reader : ReaderStatus{}, backlog());
  view.status.unix_minus_monotonic_ns = unix_minus_monotonic_ns();
  view.status.version = options_.version;
  view.status.started_unix_s = options_.started_unix_s;
  view.status.ready = view.status.not_ready_reason.empty();
  chronicle_.complete(view, Clock::now());
  return std::make_shared<const View>(std::move(view));
}

// --- any thread

void Pipeline::wake(Loop loop) {
  {
    const MutexLock lock(mutex_);
    woken_[static_cast<std::size_t>(loop)] = true;
  }
  changed_.notify_all();
}

bool Pipeline::sleep_until(TimePoint when, std::optional<Loop> loop) {
  const MutexLock lock(mutex_);
  while (!stopping_ && !(loop && std::exchange(woken_[static_cast<std::size_t>(*loop)], false))) {
    if (changed_.wait_until(mutex_, when) == std::cv_status::timeout) break;
  }
  return stopping_;
}

bool Pipeline::wait_for_view(std::chrono::milliseconds timeout) const {
  return slot_.wait_for_newer(nullptr, timeout) != nullptr;
}

std::uint64_t Pipeline::heartbeat() const {
  std::vector<std::uint64_t> rounds = {drain_rounds_, audit_rounds_, publish_rounds_};
  for (const auto& shard : shards_) rounds.push_back(shard->rounds());
  const MutexLock lock(mutex_);
  last_rounds_.resize(rounds.size());
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    const bool idle = i >= kLoops && shards_[i - kLoops]->backlog() == 0;
    if (rounds[i] == last_rounds_[i] && !idle) return heartbeat_;
  }
  last_rounds_ = std::move(rounds);
  return ++heartbeat_;
}

void Pipeline::tune(const PipelineTuning& tuning) {
  auditor_mail_.post([tuning](Auditor& auditor) {
    auditor.tune({tuning.audit_interval, tuning.audit_budget});
  });
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
    if (!has_auditor_) {
      failed.unavailable = options_.audit_enabled ? "the event source has no kernel memory to read"
                                                  : "audits are disabled (audit.enabled)";
      return failed;
    }
    auditor_mail_.post([request, promise = std::move(promise)](Auditor& auditor) {
      auditor.request(request, [promise](AuditReport report) { promise->set_value(std::move(report)); });
    });
    woken_[static_cast<std::size_t>(Loop::audit)] = true;
  }
  changed_.notify_all();
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
