// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/run.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <utility>

#include "base/version.h"
#include "daemon/command/audit.h"
#include "daemon/command/outputs.h"
#include "daemon/command/pipeline_setup.h"
#include "daemon/command/reload.h"
#include "daemon/command/summary.h"
#include "daemon/config/values.h"
#include "daemon/host/run_statistics.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/service/activation.h"
#include "daemon/service/capabilities.h"
#include "daemon/service/control_socket.h"
#include "daemon/service/instance_lock.h"
#include "daemon/service/link_store.h"
#include "daemon/service/logging.h"
#include "daemon/service/notifier.h"
#include "daemon/service/signals.h"

namespace rcached {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kFirstSnapshotLimit{30'000};  // within TimeoutStartSec of rcached.service
constexpr milliseconds kSignalPollInterval{100};     // while waiting for the first View
constexpr milliseconds kShutdownLimit{8'000};        // documented; within TimeoutStopSec of rcached.service
constexpr milliseconds kAuditLimit{60'000};          // of an audit on request
constexpr milliseconds kSummaryInterval{2'000};
constexpr milliseconds kMaxTick{500};

// Null: the daemon runs without it; the reason is logged. The synthetic source has no lock on the run
// directory, which may be in use or not writable, and nothing to audit: there a missing socket is no error.
Expected<std::unique_ptr<ControlSocket>> open_control_socket(const Config& config,
                                                             const std::shared_ptr<Pipeline>& pipeline) {
  const bool alone = config.source == SourceKind::kernel;
  const AuditService service{
      [pipeline](const AuditRequest& request) { return pipeline->audit(request, kAuditLimit); },
      [pipeline] {
        std::vector<std::string> labels;
        for (const DomainInfo& domain : pipeline->view()->domains) labels.push_back(domain.label);
        return labels;
      }};
  auto socket = ControlSocket::open(
      config.run_directory, alone ? ExistingSocket::replace : ExistingSocket::respect,
      [service](std::string_view request) { return answer_control_request(request, service); });
  if (socket || alone || socket.error().code == ErrorCode::config) return socket;
  spdlog::info("'rcached audit' does not work with this instance: {}; {}", socket.error().message,
               socket.error().hint);
  return nullptr;
}

// Handles signals, the watchdog and the summary between start and shutdown.
class MainLoop {
 public:
  // `ending`: the signals that end it; SIGHUP reloads unless it is one of them. `status`: for the service
  // manager to show while running. `summary`: null for none.
  MainLoop(SignalWaiter& signals, std::vector<int> ending, const Notifier& notifier, const Pipeline& pipeline,
           Reloader& reloader, std::string status, std::unique_ptr<SummaryThread> summary)
      : signals_(signals),
        ending_(std::move(ending)),
        notifier_(notifier),
        pipeline_(pipeline),
        reloader_(reloader),
        status_(std::move(status)),
        summary_(std::move(summary)) {}

  // Runs until a signal ends it, and returns the signal. Errors: internal, when the pipeline has failed.
  Expected<int> run() {
    for (;;) {
      const auto signal = signals_.wait(tick());
      if (signal && std::find(ending_.begin(), ending_.end(), *signal) != ending_.end()) return *signal;
      if (signal) reload();
      if (const auto failure = pipeline_.failure()) {
        return fail(ErrorCode::internal, fmt::format("the pipeline has failed: {}", *failure),
                    "report this as a bug; the service manager restarts rcached");
      }
      feed_watchdog();
      show_summary();
    }
  }

 private:
  milliseconds tick() const {
    return std::min(kMaxTick, notifier_.watchdog_interval().value_or(kMaxTick) / 2);
  }

  void reload() const {
    notifier_.reloading();
    const bool taken = reloader_.reload();
    notifier_.ready(taken ? status_ : status_ + "; the last reload was refused");
  }

  // The watchdog is fed only while the pipeline makes progress.
  void feed_watchdog() {
    const auto interval = notifier_.watchdog_interval();
    const auto now = Clock::now();
    if (!interval || now < next_watchdog_) return;
    const std::uint64_t beat = pipeline_.heartbeat();
    if (beat == last_beat_) return;
    last_beat_ = beat;
    next_watchdog_ = now + *interval;
    notifier_.watchdog();
  }

  void show_summary() {
    const auto now = Clock::now();
    if (!summary_ || now < next_summary_) return;
    next_summary_ = now + kSummaryInterval;
    auto view = pipeline_.view();
    if (view && !summary_->show(std::move(view))) summary_.reset();
  }

  SignalWaiter& signals_;
  const std::vector<int> ending_;
  const Notifier& notifier_;
  const Pipeline& pipeline_;
  Reloader& reloader_;
  const std::string status_;
  std::unique_ptr<SummaryThread> summary_;
  Clock::time_point next_watchdog_{}, next_summary_{};
  std::uint64_t last_beat_ = 0;
};

// The parts of a daemon, in the order in which they are made.
class Daemon {
 public:
  // `signals` must be made before the first thread.
  Daemon(const CommandLine& command_line, const Config& config, SignalWaiter& signals)
      : command_line_(command_line), config_(config), signals_(signals) {}

  Expected<void> run() {
    using Step = Expected<void> (Daemon::*)();
    for (const Step step : {&Daemon::acquire_lock, &Daemon::prepare, &Daemon::load, &Daemon::attach,
                            &Daemon::serve, &Daemon::await_view, &Daemon::listen_to_commands}) {
      if (auto done = (this->*step)(); !done) return done;
      if (stop_requested()) {
        end();
        return {};
      }
    }
    return run_until_stopped();
  }

 private:
  // Checked between the steps of the start, some of which take seconds. SIGHUP for a reload waits until the
  // start is complete.
  bool stop_requested() {
    if (!stop_signal_) stop_signal_ = signals_.take(ending_);
    return stop_signal_.has_value();
  }

  Expected<void> acquire_lock() {
    if (config_.source == SourceKind::kernel) {
      RCACHED_TRY(auto acquired, InstanceLock::acquire(config_.run_directory));
      lock_.emplace(std::move(acquired));
    }
    return check_host(config_);
  }

  Expected<void> prepare() {
    RCACHED_TRY(auto handed_over, take_descriptors());
    kept_ = std::move(handed_over.kept);
    RCACHED_TRY(auto preparations, prepare_outputs(config_, std::move(handed_over.sockets)));
    preparations_ = std::move(preparations);
    if (config_.source == SourceKind::kernel && config_.kernel.run_statistics) {
      auto enabled = RunStatistics::enable();
      if (enabled) run_statistics_.emplace(std::move(*enabled));
      if (!enabled) spdlog::warn("{}; {}", enabled.error().message, enabled.error().hint);
    }
    return {};
  }

  Expected<void> load() {
    RCACHED_TRY(auto made, make_pipeline(config_));
    pipeline_ = std::move(made);
    return {};
  }

  Expected<void> attach() {
    if (auto started = pipeline_->start(); !started) return started;
    links_.emplace(notifier_, std::move(kept_));
    links_->keep(pipeline_->links());
    return drop_capabilities();  // threads started later inherit none
  }

  Expected<void> serve() {
    reloader_.emplace(config_request(command_line_), config_, [this](const Config& wanted) {
      set_log_level(wanted.log.level);
      pipeline_->tune(pipeline_tuning(wanted));
      outputs_->tune(wanted);
    });
    outputs_.emplace(config_, std::move(preparations_), pipeline_,
                     std::vector<std::shared_ptr<prometheus::Collectable>>{reloader_->metrics()});
    return outputs_->start();
  }

  Expected<void> await_view() {
    const auto limit = Clock::now() + kFirstSnapshotLimit;
    while (!pipeline_->wait_for_view(kSignalPollInterval)) {
      if (stop_requested()) return {};
      const auto failure = pipeline_->failure();
      if (!failure && Clock::now() < limit) continue;
      return fail(
          ErrorCode::internal,
          failure.value_or(fmt::format("no snapshot within {}", format_duration(kFirstSnapshotLimit))),
          "report this as a bug");
    }
    return {};
  }

  Expected<void> listen_to_commands() {
    RCACHED_TRY(auto control, open_control_socket(config_, pipeline_));
    control_ = std::move(control);
    return {};
  }

  Expected<void> run_until_stopped() {
    const std::string status =
        fmt::format("source {}, metrics at {}metrics", pipeline_->view()->status.source, outputs_->url());
    spdlog::info("rcached {}: {}", RCACHED_VERSION, status);
    notifier_.ready(status);
    if (const std::size_t left = links_->release_left(); left != 0)
      spdlog::info("removed {} probes of a killed previous instance", left);
    std::unique_ptr<SummaryThread> summary;
    if (command_line_.summary)
      summary = std::make_unique<SummaryThread>(stdout, fmt::format("{}metrics\n", outputs_->url()));
    const auto ended =
        MainLoop(signals_, ending_, notifier_, *pipeline_, *reloader_, status, std::move(summary)).run();
    if (ended) stop_signal_ = *ended;
    end();
    if (!ended) return tl::unexpected(ended.error());
    return {};
  }

  // Callable at any step of the start.
  void end() {
    signals_.end_at_next(kShutdownLimit);  // first: writing to the log may block
    if (stop_signal_) spdlog::info("SIG{}: shutting down", sigabbrev_np(*stop_signal_));
    notifier_.stopping();
    if (links_) links_->forget();
    if (pipeline_) pipeline_->stop();  // detaches the probes first, before waiting for slow clients
    control_.reset();                  // after the pipeline, which ends a running audit
    if (outputs_) outputs_->stop();
  }

  const CommandLine& command_line_;
  const Config& config_;
  SignalWaiter& signals_;
  const Notifier notifier_;
  const std::vector<int> ending_ = ending_signals(notifier_.supervised());
  std::optional<int> stop_signal_;  // the signal that ends the daemon
  std::optional<InstanceLock> lock_;
  std::vector<KeptDescriptor> kept_;  // until moved to the links
  OutputPreparations preparations_;   // until moved to the outputs
  std::optional<RunStatistics> run_statistics_;
  std::shared_ptr<Pipeline> pipeline_;
  std::optional<LinkStore> links_;
  std::optional<Outputs> outputs_;
  std::optional<Reloader> reloader_;
  std::unique_ptr<ControlSocket> control_;
};

}  // namespace

Expected<void> run_command(const CommandLine& command_line) {
  RCACHED_TRY(const auto loaded, load_config(config_request(command_line)));
  setup_logging(loaded.config.log.level, choose_log_style(STDERR_FILENO));
  SignalWaiter signals;  // before the first thread
  spdlog::debug("configuration: {}", loaded.summary());
  return Daemon(command_line, loaded.config, signals).run();
}

}  // namespace rcached
