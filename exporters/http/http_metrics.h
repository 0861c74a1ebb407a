// SPDX-License-Identifier: Apache-2.0
// HttpMetrics: the metrics of the HTTP server. A handler is the path of a route ("/api/v1/domains/{domain}"),
// or "none" for requests that reached none: unknown paths and requests rejected earlier.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rcached {

// Why a request or a connection was refused.
enum class Refusal : std::uint8_t {
  auth,        // missing or wrong credentials
  auth_busy,   // too many password checks in progress
  malformed,   // not HTTP, or too large
  rate,        // over the rate limit
  streams,     // all streams in use
  timeout,     // the request was not complete in time
  slow_reader  // the response was not read in time
};
constexpr std::array<std::string_view, 7> kRefusalNames = {"auth",    "auth_busy", "malformed",  "rate",
                                                           "streams", "timeout",   "slow_reader"};

// Thread-safe.
class HttpMetrics final : public prometheus::Collectable {
 public:
  HttpMetrics();

  // Creates the series of a handler, at zero.
  void add_handler(const std::string& handler);

  void answered(const std::string& handler, int code);
  void took(const std::string& handler, std::chrono::nanoseconds duration);  // not called for streams
  void refused(Refusal why);
  void stream_opened() { streams_.Increment(); }
  void stream_closed() { streams_.Decrement(); }
  void web_config_read(bool good);

  std::vector<prometheus::MetricFamily> Collect() const override { return registry_.Collect(); }

 private:
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Histogram>& durations_;
  prometheus::Family<prometheus::Counter>& refusals_;
  prometheus::Gauge& streams_;
  prometheus::Family<prometheus::Counter>& reloads_;
};

}  // namespace rcached
