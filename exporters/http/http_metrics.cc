// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/http_metrics.h"

namespace rcached {
namespace {

// From a cached page to a scrape of a very large host.
prometheus::Histogram::BucketBoundaries buckets() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
}

constexpr const char* kGood = "success";
constexpr const char* kBad = "failure";

}  // namespace

// Help texts and units are in the table of metrics.
HttpMetrics::HttpMetrics()
    : requests_(prometheus::BuildCounter().Name("rcached_http_requests_total").Register(registry_)),
      durations_(
          prometheus::BuildHistogram().Name("rcached_http_request_duration_seconds").Register(registry_)),
      refusals_(prometheus::BuildCounter().Name("rcached_http_refused_total").Register(registry_)),
      streams_(prometheus::BuildGauge().Name("rcached_http_streams_open").Register(registry_).Add({})),
      reloads_(prometheus::BuildCounter().Name("rcached_http_web_config_reloads_total").Register(registry_)) {
  for (const std::string_view reason : kRefusalNames) refusals_.Add({{"reason", std::string(reason)}});
  for (const char* result : {kGood, kBad}) reloads_.Add({{"result", result}});
  add_handler("none");
}

void HttpMetrics::add_handler(const std::string& handler) {
  requests_.Add({{"code", "200"}, {"handler", handler}});
  durations_.Add({{"handler", handler}}, buckets());
}

void HttpMetrics::answered(const std::string& handler, int code) {
  requests_.Add({{"code", std::to_string(code)}, {"handler", handler}}).Increment();
}

void HttpMetrics::took(const std::string& handler, std::chrono::nanoseconds duration) {
  durations_.Add({{"handler", handler}}, buckets()).Observe(std::chrono::duration<double>(duration).count());
}

void HttpMetrics::refused(Refusal why) {
  refusals_.Add({{"reason", std::string(kRefusalNames[static_cast<std::size_t>(why)])}}).Increment();
}

void HttpMetrics::web_config_read(bool good) { reloads_.Add({{"result", good ? kGood : kBad}}).Increment(); }

}  // namespace rcached
