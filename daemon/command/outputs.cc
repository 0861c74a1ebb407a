// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/outputs.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "base/text.h"
#include "daemon/check/host_facts.h"
#include "daemon/command/routes.h"
#include "exporters/http/http_metrics.h"
#include "exporters/http/listen_address.h"
#include "exporters/http/web_config.h"

namespace rcached {
namespace {

constexpr std::size_t kMaxLine = 1000;  // of the log; limits text sent by clients

SeriesSettings series_settings(const Config& config) {
  return {.per_cpu = config.metrics.per_cpu,
          .per_magazine = config.metrics.per_magazine,
          .limit = config.metrics.series_limit};
}

}  // namespace

Expected<OutputPreparations> prepare_outputs(const Config& config, std::vector<int> activated_sockets) {
  OutputPreparations preparations;
  preparations.activated_sockets = std::move(activated_sockets);
  if (!config.http.web_config.empty()) RCACHED_CHECK(load_web_config(config.http.web_config));
  if (preparations.activated_sockets.empty()) {
    // Bind first: if it fails, no probe is attached, and a port below 1024 needs a capability that is dropped
    // once the probes are attached.
    RCACHED_TRY(const auto address, ListenAddress::parse(config.http.listen));
    RCACHED_TRY(auto bound, address.bind());
    preparations.bound = std::move(bound);
    if (!address.present())
      spdlog::warn("this host does not have the address of http.listen, {}; unreachable until it is assigned",
                   address.numeric());
  }
  return preparations;
}

Outputs::Outputs(const Config& config, OutputPreparations preparations,
                 const std::shared_ptr<const ViewSource>& source,
                 std::vector<std::shared_ptr<prometheus::Collectable>> more) {
  const auto http_metrics = std::make_shared<HttpMetrics>();
  MetricsOptions metrics;
  metrics.instruments = std::move(more);
  metrics.instruments.push_back(http_metrics);
  metrics.series = series_settings(config);
  metrics.on_drop = [](std::string_view line) { spdlog::warn("{}", line); };
  if (!config.textfile.path.empty()) {
    TextfileOptions options;
    options.path = config.textfile.path;
    options.interval = config.textfile.interval;
    options.text = [this] { return text(); };
    options.on_failure = [](const Error& error) { spdlog::warn("{}; {}", error.message, error.hint); };
    options.on_recovery = [path = config.textfile.path] { spdlog::info("{} can be written again", path); };
    textfile_.emplace(std::move(options));
    metrics.instruments.push_back(textfile_->metrics());
  }
  page_ = std::make_shared<MetricsPage>(source, std::move(metrics));

  HttpOptions http;
  http.listen = config.http.listen;
  http.bound_fd = preparations.bound.release();
  http.inherited_fds = std::move(preparations.activated_sockets);
  http.threads = config.http.threads;
  http.streams = config.http.streams;
  http.request_timeout = config.http.request_timeout;
  http.request_bytes = config.http.request_bytes;
  http.rate = config.http.rate;
  http.web_config = config.http.web_config;
  http.metrics = http_metrics;
  http.log = [](std::string_view message) { spdlog::warn("HTTP: {}", printable(message, kMaxLine)); };
  server_.emplace(std::move(http), standard_routes(source, page_));
}

Expected<void> Outputs::start() {
  RCACHED_CHECK(server_->start());
  if (server_->exposed() && !server_->authenticates()) {
    spdlog::warn("{} is reachable from other machines without authentication; see http.web_config", url());
  }
  if (textfile_) {
    if (auto writing = textfile_->start(); !writing) {
      return fail(ErrorCode::config, writing.error().message, writing.error().hint);
    }
  }
  return {};
}

void Outputs::tune(const Config& config) {
  page_->set_series(series_settings(config));
  if (textfile_) textfile_->set_interval(config.textfile.interval);
}

void Outputs::stop() {
  if (textfile_) textfile_->stop();
  if (server_) server_->stop();
}

std::vector<std::shared_ptr<const std::string>> Outputs::text() const {
  auto parts = page_->text(MetricsFormat::text, kNotInTextfile);
  if (!parts) return {};
  return {parts->view, std::make_shared<const std::string>(std::move(parts->own))};
}

}  // namespace rcached
