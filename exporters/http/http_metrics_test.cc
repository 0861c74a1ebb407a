// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/http_metrics.h"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

namespace rcached {
namespace {

using namespace std::chrono_literals;

std::string text(const HttpMetrics& metrics) {
  return "\n" + prometheus::TextSerializer().Serialize(metrics.Collect());
}

TEST(HttpMetrics, KnownSeriesBeginAtZero) {
  HttpMetrics metrics;
  metrics.add_handler("/metrics");
  const std::string page = text(metrics);
  for (const char* line :
       {"rcached_http_requests_total{code=\"200\",handler=\"/metrics\"} 0",
        "rcached_http_request_duration_seconds_count{handler=\"/metrics\"} 0",
        "rcached_http_refused_total{reason=\"auth\"} 0", "rcached_http_refused_total{reason=\"auth_busy\"} 0",
        "rcached_http_refused_total{reason=\"malformed\"} 0", "rcached_http_refused_total{reason=\"rate\"} 0",
        "rcached_http_refused_total{reason=\"streams\"} 0",
        "rcached_http_refused_total{reason=\"timeout\"} 0",
        "rcached_http_refused_total{reason=\"slow_reader\"} 0", "rcached_http_streams_open 0",
        "rcached_http_web_config_reloads_total{result=\"success\"} 0",
        "rcached_http_web_config_reloads_total{result=\"failure\"} 0"}) {
    EXPECT_NE(page.find("\n" + std::string(line) + "\n"), std::string::npos) << line << page;
  }
}

TEST(HttpMetrics, CountsEvents) {
  HttpMetrics metrics;
  metrics.answered("/metrics", 200);
  metrics.answered("/metrics", 200);
  metrics.answered("none", 404);
  metrics.took("/metrics", 2ms);
  metrics.refused(Refusal::slow_reader);
  metrics.stream_opened();
  metrics.stream_opened();
  metrics.stream_closed();
  metrics.web_config_read(false);
  const std::string page = text(metrics);
  for (const char* line :
       {"rcached_http_requests_total{code=\"200\",handler=\"/metrics\"} 2",
        "rcached_http_requests_total{code=\"404\",handler=\"none\"} 1",
        "rcached_http_request_duration_seconds_sum{handler=\"/metrics\"} 0.002",
        "rcached_http_request_duration_seconds_bucket{handler=\"/metrics\",le=\"0.001\"} 0",
        "rcached_http_request_duration_seconds_bucket{handler=\"/metrics\",le=\"0.0025\"} 1",
        "rcached_http_refused_total{reason=\"slow_reader\"} 1", "rcached_http_streams_open 1",
        "rcached_http_web_config_reloads_total{result=\"failure\"} 1"}) {
    EXPECT_NE(page.find("\n" + std::string(line) + "\n"), std::string::npos) << line << page;
  }
}

}  // namespace
}  // namespace rcached
