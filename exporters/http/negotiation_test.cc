// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/negotiation.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace rcached {
namespace {

constexpr MetricsFormat kText = MetricsFormat::text;
constexpr MetricsFormat kOpen = MetricsFormat::openmetrics;

struct AcceptCase {
  const char* accept;
  MetricsFormat format;
};

TEST(ChooseFormat, ByNameVersionAndQ) {
  const AcceptCase cases[] = {
      {"", kText},
      {"*/*", kText},
      // Prometheus 2.42 and 3
      {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
       "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       kOpen},
      {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
       "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
       "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
       kOpen},
      {"text/plain;version=0.0.4;q=1,*/*;q=0.1", kText},
      // a browser
      {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", kText},
      {"application/openmetrics-text", kOpen},
      {"APPLICATION/OpenMetrics-Text ; VERSION = \"1.0.0\"", kOpen},
      {"application/openmetrics-text; version=0.0.1", kText},
      {"application/openmetrics-text; version=2.0.0, */*;q=0.1", kText},
      {"application/*", kOpen},
      {"text/*, application/*", kText},
      {"application/openmetrics-text;q=0", kText},
      {"application/openmetrics-text;q=0, */*", kText},
      {"text/plain;q=0, */*", kOpen},
      {"*/*, text/plain;q=0.1", kOpen},
      {"text/plain;q=0.3, application/openmetrics-text;q=0.301", kOpen},
      {"text/plain;q=0.30, application/openmetrics-text;q=0.3", kText},
      {"application/openmetrics-text, text/plain", kOpen},
      {"text/plain, application/openmetrics-text", kText},
      {"*/*, application/openmetrics-text", kOpen},
      {"text/plain;version=0.0.4;q=0.2, text/plain;q=0.9, application/openmetrics-text;q=0.5", kOpen},
      {"application/json", kText},
      // invalid next to valid elements
      {",,;,=;q, application/openmetrics-text", kOpen},
      {"application/openmetrics-text;q=banana", kText},
      {"application/openmetrics-text;q=1.001", kText},
      {"application/openmetrics-text;q=-1", kText},
      {"application/openmetrics-text;q=0.1234", kText},
      {"text/plain;x=\"a,b;q=0\\\"\", application/openmetrics-text;q=0.9", kText},
      {"text/plain;x=\"never closed, application/openmetrics-text", kText},
      {"application/openmetrics-text;x=\"\\", kOpen},
  };
  for (const auto& [accept, format] : cases) {
    EXPECT_EQ(static_cast<int>(choose_format(accept)), static_cast<int>(format)) << accept;
  }
}

TEST(ChooseCoding, GzipOnlyIfRequested) {
  using enum ContentCoding;
  const struct {
    const char* accept;
    std::optional<ContentCoding> coding;
  } cases[] = {
      {"", identity},
      {"gzip", gzip},
      {"x-gzip", gzip},
      {"GZip", gzip},
      {"gzip, deflate, br", gzip},
      {"deflate, br", identity},
      {"*", identity},
      {"*;q=0.5", identity},
      {"identity", identity},
      {"gzip;q=0.5", gzip},
      {"gzip;q=0", identity},
      {"gzip;q=0.000", identity},
      {"gzip;q=0.5, identity", identity},
      {"gzip;q=0.5, identity;q=0.5", gzip},
      {"identity;q=0.9, gzip;q=1.0", gzip},
      {"identity;q=0, gzip", gzip},
      {"identity;q=0, *", gzip},
      {"*;q=0, identity", identity},
      {"*;q=0, gzip", gzip},
      {"*;q=0", std::nullopt},
      {"identity;q=0", std::nullopt},
      {"identity;q=0, gzip;q=0", std::nullopt},
      {"identity;q=0, gzip;q=0, *", std::nullopt},
      {"identity;q=0, br", std::nullopt},
      {"gzip;q=2", identity},
      {"gzip;q=", identity},
      {"gzipped", identity},
      {"gzip;q=0, gzip", identity},
  };
  for (const auto& [accept, coding] : cases) EXPECT_EQ(choose_coding(accept), coding) << accept;
}

TEST(Negotiation, AcceptsAnyBytes) {
  std::mt19937 random(7);
  const std::string alphabet = "gzipidentty*/q=01.;,\"\\ \taplcotx-\xff";
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 64, '\0');
    for (char& c : text) c = random() % 50 == 0 ? '\0' : alphabet[random() % alphabet.size()];
    const MetricsFormat format = choose_format(text);
    EXPECT_TRUE(format == kText || format == kOpen);
    // Without a q value, at least one coding is acceptable.
    if (text.find('q') == std::string::npos) {
      EXPECT_TRUE(choose_coding(text).has_value()) << text;
    }
  }
}

}  // namespace
}  // namespace rcached
