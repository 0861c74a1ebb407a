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

#include "daemon/command/audit_protocol.h"
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

constexpr milliseconds kFirstViewLimit{10'000};
constexpr milliseconds kEndLimit{1'900};     // promised: two seconds
constexpr milliseconds kAuditLimit{60'000};  // of one on request
constexpr milliseconds kSummaryInterval{2'000};
constexpr milliseconds kLongestTick{500};

// Null: it runs without, and has said why. The synthetic source has no lock on the run directory, which may
// be another's or out of reach, and nothing to audit either: there the socket is no reason to give up.
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
  spdlog::info("'rcached audit' cannot ask this one: {}; {}", socket.error().message, socket.error().mend);
  return nullptr;
}

// What goes on between start and end: signals, the watchdog, the summary.
class MainLoop {
 public:
  // `status`: what the service manager shows of a daemon that runs.
  MainLoop(SignalWaiter& signals, const Notifier& notifier, const Pipeline& pipeline, Reloader& reloader,
           std::string status, bool summary)
      : signals_(signals),
        notifier_(notifier),
        pipeline_(pipeline),
        reloader_(reloader),
        status_(std::move(status)) {
    if (summary) printer_.emplace(stdout);
  }

  // Until a signal ends it. Errors: internal, when the pipeline has failed.
  Expected<void> run() {
    while (!ended_by(signals_.wait(tick()))) {
      if (const auto failure = pipeline_.failure()) {
        return fail(ErrorCode::internal, fmt::format("the pipeline has failed: {}", *failure),
                    "report this as a bug; the service manager starts rcached again");
      }
      feed_watchdog();
      print_summary();
    }
    return {};
  }

 private:
  milliseconds tick() const {
    return std::min(kLongestTick, notifier_.watchdog_interval().value_or(kLongestTick) / 2);
  }

  bool ended_by(std::optional<int> signal) const {
    if (!signal) return false;
    // From a terminal it means that the terminal has gone.
    if (*signal == SIGHUP && (notifier_.supervised() || isatty(STDERR_FILENO) == 0)) {
      notifier_.reloading();
      const bool taken = reloader_.reload();
      notifier_.ready(taken ? status_ : status_ + "; the last reload was refused");
      return false;
    }
    spdlog::info("SIG{}: ending", sigabbrev_np(*signal));
    return true;
  }

  // Only a pipeline that moves keeps the service alive.
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

  void print_summary() {
    const auto now = Clock::now();
    if (!printer_ || now < next_summary_) return;
    next_summary_ = now + kSummaryInterval;
    const auto view = pipeline_.view();
    if (view && !printer_->print(*view)) printer_.reset();
  }

  SignalWaiter& signals_;
  const Notifier& notifier_;
  const Pipeline& pipeline_;
  Reloader& reloader_;
  const std::string status_;
  std::optional<SummaryPrinter> printer_;
  Clock::time_point next_watchdog_{}, next_summary_{};
  std::uint64_t last_beat_ = 0;
};

}  // namespace

Expected<void> run_command(const CommandLine& command_line) {
  const auto loaded = load_config(config_request(command_line));
  if (!loaded) return tl::unexpected(loaded.error());
  const Config& config = loaded->config;
  setup_logging(config.log.level, choose_log_style(STDERR_FILENO));

  SignalWaiter signals;  // before the first thread
  spdlog::debug("configuration: {}", loaded->summary());
  const Notifier notifier;
  std::optional<InstanceLock> lock;
  if (config.source == SourceKind::kernel) {
    auto acquired = InstanceLock::acquire(config.run_directory);
    if (!acquired) return tl::unexpected(acquired.error());
    lock.emplace(std::move(*acquired));
  }
  if (auto good = check_host(config); !good) return good;
  auto handed_over = take_descriptors();
  if (!handed_over) return tl::unexpected(handed_over.error());
  auto preparations = prepare_outputs(config, std::move(handed_over->sockets));
  if (!preparations) return tl::unexpected(preparations.error());

  std::optional<RunStatistics> run_statistics;
  if (config.source == SourceKind::kernel && config.kernel.run_statistics) {
    auto enabled = RunStatistics::enable();
    if (enabled) run_statistics.emplace(std::move(*enabled));
    if (!enabled) spdlog::warn("{}; {}", enabled.error().message, enabled.error().mend);
  }

  const auto made = make_pipeline(config);
  if (!made) return tl::unexpected(made.error());
  const auto& pipeline = *made;
  if (auto started = pipeline->start(); !started) return started;
  LinkStore links(notifier, std::move(handed_over->kept));
  links.keep(pipeline->links());
  if (auto dropped = drop_capabilities(); !dropped) return dropped;  // the threads that follow begin without

  std::optional<Outputs> outputs;
  Reloader reloader(config_request(command_line), config, [&](const Config& wanted) {
    set_log_level(wanted.log.level);
    pipeline->tune(pipeline_tuning(wanted));
    outputs->tune(wanted);
  });
  outputs.emplace(config, std::move(*preparations), pipeline, MetricsPage::Own{reloader.metrics()});
  if (auto started = outputs->start(); !started) return started;
  if (!pipeline->wait_for_view(kFirstViewLimit)) {
    return fail(
        ErrorCode::internal,
        pipeline->failure().value_or(fmt::format("no snapshot within {}", format_duration(kFirstViewLimit))),
        "report this as a bug");
  }

  auto control = open_control_socket(config, pipeline);
  if (!control) return tl::unexpected(control.error());

  const std::string status =
      fmt::format("source {}, metrics at {}metrics", pipeline->view()->status.source, outputs->url());
  spdlog::info("rcached {}: {}", RCACHED_VERSION, status);
  notifier.ready(status);
  if (const std::size_t left = links.release_left(); left != 0)
    spdlog::info("took away the {} probes of a predecessor that was killed", left);
  if (command_line.summary) {
    fmt::print("{}metrics\n", outputs->url());
    std::fflush(stdout);
  }

  auto result = MainLoop(signals, notifier, *pipeline, reloader, status, command_line.summary).run();
  notifier.stopping();
  signals.end_at_next(kEndLimit);
  links.forget();
  pipeline->stop();  // first the probes: nothing stays attached while a slow client is waited for
  control->reset();  // after the pipeline, whose end also ends an audit under way
  outputs->stop();
  return result;
}

}  // namespace rcached
