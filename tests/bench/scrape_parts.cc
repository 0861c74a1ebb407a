// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/scrape_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <thread>

#include "exporters/http/gzip.h"
#include "exporters/http/http_server.h"
#include "exporters/prometheus/metrics_page.h"
#include "exporters/prometheus/renderer.h"
#include "tests/bench/measure.h"
#include "tests/bench/scrape_load.h"
#include "tests/bench/scrape_views.h"
#include "tests/kit/http_client.h"
#include "view/view_slot.h"

namespace rcached::bench {
namespace {

constexpr Host kMaxHost{.per_magazine = true};  // 64 domains x 6 orders x 256 CPUs x 2 magazines
constexpr Host kDefault{};                      // the same host without series by CPU

SeriesSettings settings_of(const Host& host) {
  return {.per_magazine = host.per_magazine, .limit = 1'000'000};
}

struct Rendering {
  Host host;
  MetricsFormat format;
  const char* what;
  double target_ms;
  double target_mib;  // 0: none
};

std::vector<Result> run_rendering(const Rendering& rendering) {
  const std::array<View, 2> views = {make_view(rendering.host, 1), make_view(rendering.host, 2)};
  const double resident_before = resident_mib();
  const double allocated_before = allocated_mib();
  reset_peak();

  const SeriesSettings settings = settings_of(rendering.host);
  ViewRenderer renderer;
  std::string text;
  const Times times = measure(101, [&](std::size_t i) {
    // As for /metrics: the series are counted first, to decide which of them fit the limit.
    const View& view = views.at(i % 2);
    const SeriesPlan plan = plan_series(renderer.count(view, settings), 0, settings.limit);
    renderer.render(view, settings, rendering.format, plan.dropped, text);
  });
  const SeriesCounts counts = renderer.count(views[0], settings);
  Result result{.what = rendering.what,
                .figures = {{"series", std::accumulate(counts.begin(), counts.end(), std::uint64_t{0})},
                            {"body_mib", static_cast<double>(text.size()) / kMiB},
                            {"median_ms", times.settled_median()},
                            {"cpu_ms", times.settled_cpu_median()},
                            {"first_ms", times.first()},
                            {"slowest_ms", times.slowest()},
                            {"added_mib", resident_mib() - resident_before},
                            {"peak_added_mib", peak_mib() - resident_before},
                            {"allocated_mib", allocated_mib() - allocated_before}}};
  result.targets.push_back({"median_ms", result.figures["median_ms"], rendering.target_ms});
  if (rendering.target_mib != 0) {
    result.targets.push_back({"peak_added_mib", result.figures["peak_added_mib"], rendering.target_mib});
  }
  return {result};
}

std::vector<Result> run_gzip() {
  std::vector<Result> results;
  for (const Host& host : {kMaxHost, kDefault}) {
    const View view = make_view(host, 1);
    ViewRenderer renderer;
    std::string text;
    renderer.render(view, settings_of(host), MetricsFormat::text, {}, text);
    for (const int level : {1, 2, 3, 4, 6, 9}) {
      std::string packed;
      const Times times = measure(level > 4 ? 1 : 3, [&](std::size_t) { gzip_begin(text, level, packed); });
      results.push_back(
          {.what = fmt::format("gzip level {}{}, {}", level, level == kGzipLevel ? " (in use)" : "",
                               host.per_magazine ? "with per_magazine" : "default series"),
           .figures = {{"level", level},
                       {"body_mib", static_cast<double>(text.size()) / kMiB},
                       {"packed_mib", static_cast<double>(packed.size()) / kMiB},
                       {"median_ms", times.median()},
                       {"cpu_ms", times.settled_cpu_median()}}});
    }
  }
  return results;
}

// Publishes a new View every second, as the pipeline does.
class Publisher {
 public:
  explicit Publisher(ViewSlot& slot) : slot_(slot) {
    for (std::uint32_t seed = 1; seed <= 2; ++seed) {
      views_.push_back(std::make_shared<const View>(make_view(kMaxHost, seed)));
    }
    publish();
    thread_ = std::thread([this] { run(); });
  }
  ~Publisher() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  std::vector<double> resident() const {  // MiB, at every second
    const std::lock_guard lock(mutex_);
    return resident_;
  }

 private:
  void publish() { slot_.publish(views_[published_++ % views_.size()]); }
  void run() {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, std::chrono::seconds(1), [&] { return stop_; })) {
      publish();
      resident_.push_back(resident_mib());
    }
  }

  ViewSlot& slot_;
  std::vector<std::shared_ptr<const View>> views_;
  std::size_t published_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::vector<double> resident_;
  std::thread thread_;
};

// `slowest_by_median`: the target; 0: none.
std::vector<Result> run_concurrent(const Settings& settings, const std::string& headers, const char* what,
                                   double slowest_by_median) {
  const std::uint16_t port = testing::free_port();
  ScrapeLoad load(port, settings.scrapers, settings.time, headers);

  const auto slot = std::make_shared<ViewSlot>();
  const auto page = std::make_shared<MetricsPage>(slot, MetricsOptions{.series = settings_of(kMaxHost)});
  HttpOptions options;
  options.listen = fmt::format("127.0.0.1:{}", port);
  options.threads = settings.threads;
  HttpServer server(options,
                    {{"/metrics", "", [&](const HttpRequest& request) { return page->answer(request); }}});
  const auto started = server.start();
  if (!started) throw std::runtime_error(started.error().message);
  Publisher publisher(*slot);
  load.start();
  const LoadResult loaded = load.finish();
  const std::vector<double> resident = publisher.resident();

  const Times times{loaded.ms};
  // After a third of the time, all buffers have been allocated.
  const double first = resident.empty() ? 0 : resident[resident.size() / 3];
  const double last = resident.empty() ? 0 : resident.back();
  Result result{.what = fmt::format(fmt::runtime(what), settings.scrapers, settings.threads),
                .figures = {{"scrapes", times.ms.size()},
                            {"failed", loaded.failed},
                            {"mib_per_s", static_cast<double>(loaded.bytes) / kMiB /
                                              static_cast<double>(settings.time.count())},
                            {"first_ms", loaded.first_ms},
                            {"median_ms", times.median()},
                            {"p99_ms", times.quantile(0.99)},
                            {"p999_ms", times.quantile(0.999)},
                            {"slowest_ms", times.slowest()},
                            {"slowest_by_median", times.slowest() / times.median()},
                            {"resident_first_mib", first},
                            {"resident_last_mib", last},
                            {"resident_most_mib",
                             resident.empty() ? 0 : *std::max_element(resident.begin(), resident.end())}}};
  result.targets = {{"failed", static_cast<double>(loaded.failed), 0},
                    {"resident_growth_mib", last - first, 4}};
  if (slowest_by_median != 0) {
    result.targets.push_back({"slowest_by_median", times.slowest() / times.median(), slowest_by_median});
  }
  return {result};
}

}  // namespace

const std::vector<Part>& parts() {
  static const std::vector<Part> kParts = {
      {"render", "rcached's renderer, text, 64 domains x 6 orders x 256 CPUs x 2 magazines",
       [](const Settings&) {
         return run_rendering({kMaxHost, MetricsFormat::text, "rcached, text 0.0.4", 10, 24});
       }},
      {"openmetrics", "the same in OpenMetrics",
       [](const Settings&) {
         return run_rendering({kMaxHost, MetricsFormat::openmetrics, "rcached, OpenMetrics 1.0", 10, 24});
       }},
      {"default", "rcached's renderer, the default series of 64 domains",
       [](const Settings&) {
         return run_rendering({kDefault, MetricsFormat::text, "rcached, text 0.0.4, default series", 1, 0});
       }},
      {"registry", "prometheus-cpp's registry with the same 196,608 gauges",
       [](const Settings&) { return run_registry(); }},
      {"collectable", "a custom Collectable with them", [](const Settings&) { return run_collectable(); }},
      {"gzip", "packing, by level", [](const Settings&) { return run_gzip(); }},
      {"concurrent", "scrapers over loopback",
       [](const Settings& settings) {
         return run_concurrent(settings, "", "{} scrapers, {} server threads", 5);
       }},
      {"concurrent-gzip", "scrapers over loopback that request OpenMetrics and gzip as Prometheus does",
       [](const Settings& settings) {
         return run_concurrent(
             settings,
             "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5\r\n"
             "Accept-Encoding: gzip\r\n",
             "{} scrapers, {} server threads, OpenMetrics, gzip", 0);
       }},
  };
  return kParts;
}

}  // namespace rcached::bench
