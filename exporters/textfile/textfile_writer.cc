// SPDX-License-Identifier: Apache-2.0
#include "exporters/textfile/textfile_writer.h"

#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <csignal>
#include <exception>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "base/error.h"
#include "exporters/prometheus/renderer.h"

namespace rcached {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRetryDelay{200};  // while there is no text
constexpr int kNiceness = 10;

constexpr const char* kWrites = "rcached_textfile_writes_total";
constexpr const char* kLastWrite = "rcached_textfile_last_write_timestamp_seconds";

double unix_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<double>(std::chrono::duration_cast<milliseconds>(now).count()) / 1000;
}

// The metrics of this exporter. Thread-safe.
class WriteMetrics {
 public:
  WriteMetrics()
      : registry_(std::make_shared<prometheus::Registry>()),
        ok_(prometheus::BuildCounter().Name(kWrites).Register(*registry_).Add({{"result", "ok"}})),
        error_(prometheus::BuildCounter().Name(kWrites).Register(*registry_).Add({{"result", "error"}})),
        last_write_(prometheus::BuildGauge().Name(kLastWrite).Register(*registry_)) {}

  void written(double at) {
    ok_.Increment();
    last_write_.Add({}).Set(at);  // the same gauge every time
  }
  void failed() { error_.Increment(); }

  // The text that will be valid after written(at).
  std::string text_after_write(double at) const {
    ScrapeInput after{.instruments = registry_->Collect()};
    std::erase_if(after.instruments,
                  [](const prometheus::MetricFamily& family) { return family.name == kLastWrite; });
    for (prometheus::MetricFamily& family : after.instruments) {
      for (prometheus::ClientMetric& sample : family.metric) {
        if (sample.label.at(0).value == "ok") sample.counter.value += 1;
      }
    }
    prometheus::ClientMetric last;
    last.gauge.value = at;
    after.instruments.push_back({kLastWrite, "", prometheus::MetricType::Gauge, {last}});
    return scrape_text(after, MetricsFormat::text);
  }

  std::shared_ptr<prometheus::Collectable> registry() const { return registry_; }

 private:
  std::shared_ptr<prometheus::Registry> registry_;
  prometheus::Counter& ok_;
  prometheus::Counter& error_;
  prometheus::Family<prometheus::Gauge>& last_write_;
};

// For the writer's thread only. A write beyond RLIMIT_FSIZE must fail instead of killing the process. On Linux,
// setpriority() applies to one thread.
void configure_thread() {
  ::pthread_setname_np(::pthread_self(), "rcached-prom");
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNiceness);
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGXFSZ);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

class TextfileWriter::Impl {
 public:
  explicit Impl(TextfileOptions options) : options_(std::move(options)), interval_(options_.interval) {}

  Expected<void> start() {
    if (thread_.joinable()) return {};
    RCACHED_TRY(auto file, PromFile::at(options_.path));
    file_.emplace(std::move(file));
    stopping_ = false;
    thread_ = std::thread([this] { run(); });
    return {};
  }

  void set_interval(milliseconds interval) { interval_ = interval; }

  void stop() {
    if (!thread_.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  std::shared_ptr<prometheus::Collectable> metrics() const { return metrics_.registry(); }

 private:
  void run() {
    configure_thread();
    if (auto cleared = file_->clear(); !cleared) report(cleared.error());
    do {
    } while (!wait(round()));
    if (auto removed = file_->remove(); !removed) report(removed.error());
  }

  // True: stop() was called.
  bool wait(milliseconds time) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, time, [this] { return stopping_; });
  }

  // Returns the time to wait until the next round.
  milliseconds round() {
    try {
      const auto text = options_.text();
      if (text.empty()) {
        if (auto removed = file_->remove(); !removed) report(removed.error());
        return std::min(interval_.load(), kRetryDelay);
      }
      write(text);
    } catch (const std::exception& error) {
      failed({ErrorCode::io, fmt::format("cannot generate the text for {}: {}", options_.path, error.what()),
              "report this as a bug, unless memory has run out"});
    }
    return interval_;
  }

  void write(const std::vector<std::shared_ptr<const std::string>>& text) {
    const double now = unix_seconds();
    std::vector<std::string_view> pieces;
    pieces.reserve(text.size() + 1);
    for (const auto& piece : text) pieces.emplace_back(*piece);
    const std::string own = metrics_.text_after_write(now);
    pieces.emplace_back(own);
    if (auto written = file_->replace(pieces); !written) {
      failed(written.error());
      return;
    }
    metrics_.written(now);
    if (!std::exchange(reported_, {}).empty() && options_.on_recovery) options_.on_recovery();
  }

  void failed(const Error& error) {
    metrics_.failed();
    report(error);
  }

  void report(const Error& error) {
    if (std::exchange(reported_, error.message) != error.message && options_.on_failure)
      options_.on_failure(error);
  }

  const TextfileOptions options_;
  std::atomic<milliseconds> interval_;
  WriteMetrics metrics_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;

  // Used by the thread only:
  std::optional<PromFile> file_;
  std::string reported_;  // the last failure, until a write succeeds

  std::thread thread_;
};

TextfileWriter::TextfileWriter(TextfileOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
TextfileWriter::~TextfileWriter() { stop(); }
Expected<void> TextfileWriter::start() { return impl_->start(); }
void TextfileWriter::set_interval(milliseconds interval) { impl_->set_interval(interval); }
void TextfileWriter::stop() { impl_->stop(); }
std::shared_ptr<prometheus::Collectable> TextfileWriter::metrics() const { return impl_->metrics(); }

}  // namespace rcached
