// SPDX-License-Identifier: Apache-2.0
// HttpMetrics: what the HTTP server says of itself. A handler is the path of a route
// ("/api/v1/domains/{domain}"), or "none" for requests that reached none: unknown paths and what is refused
// before.
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

// Why a request or a connection was turned away.
enum class Refusal : std::uint8_t {
  auth,        // no or wrong credentials
  auth_busy,   // too many passwords under check
  malformed,   // not HTTP, or too large
  rate,        // over the rate
  streams,     // all streams in use
  timeout,     // the request did not come in time
  slow_reader  // the answer was not taken in time
};
constexpr std::array<std::string_view, 7> kRefusalNames = {"auth",    "auth_busy", "malformed",  "rate",
                                                           "streams", "timeout",   "slow_reader"};

// Thread-safe.
class HttpMetrics final : public prometheus::Collectable {
 public:
  HttpMetrics();

  // Makes the series of a handler, at zero.
  void add_handler(const std::string& handler);

  void answered(const std::string& handler, int code);
  void took(const std::string& handler, std::chrono::nanoseconds duration);  // not told of streams
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
