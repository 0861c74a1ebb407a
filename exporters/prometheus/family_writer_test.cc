// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/family_writer.h"

#include <gtest/gtest.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/summary.h>

#include "tests/kit/samples.h"

namespace rcached {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr MetricsFormat kText = MetricsFormat::text;
constexpr MetricsFormat kOpen = MetricsFormat::openmetrics;

std::string written(std::vector<MetricFamily> families, MetricsFormat format) {
  const std::uint64_t series = series_of(families);
  std::string text;
  append_families(std::move(families), format, text);
  EXPECT_EQ(testing::Samples(text).series(), series);
  return text;
}

MetricFamily gauge(const std::string& name, double value, std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric sample;
  sample.gauge.value = value;
  sample.label = std::move(labels);
  return {name, "Some gauge.", MetricType::Gauge, {sample}};
}

TEST(FamilyWriter, CountersAndGauges) {
  prometheus::Registry registry;
  prometheus::BuildCounter()
      .Name("a_total")
      .Help("A\\n.")
      .Register(registry)
      .Add({{"x", "a\"b\\c\nd"}})
      .Increment(2);
  prometheus::BuildCounter().Name("b").Help("B.").Register(registry).Add({}).Increment(3.5);
  prometheus::BuildGauge().Name("c").Help("C.").Register(registry).Add({{"x", "1"}, {"y", "2"}}).Set(-1);
  EXPECT_EQ(written(registry.Collect(), kText),
            "# HELP a_total A\\\\n.\n# TYPE a_total counter\na_total{x=\"a\\\"b\\\\c\\nd\"} 2\n"
            "# HELP b B.\n# TYPE b counter\nb 3.5\n"
            "# HELP c C.\n# TYPE c gauge\nc{x=\"1\",y=\"2\"} -1\n");
  EXPECT_EQ(written(registry.Collect(), kOpen),
            "# HELP a A\\\\n.\n# TYPE a counter\na_total{x=\"a\\\"b\\\\c\\nd\"} 2\n"
            "# HELP b B.\n# TYPE b counter\nb_total 3.5\n"
            "# HELP c C.\n# TYPE c gauge\nc{x=\"1\",y=\"2\"} -1\n");
}

TEST(FamilyWriter, HistogramsAndSummaries) {
  prometheus::Registry registry;
  auto& histogram = prometheus::BuildHistogram().Name("h").Help("H.").Register(registry).Add(
      {{"x", "1"}}, prometheus::Histogram::BucketBoundaries{1e-5, 1, 1e6});
  histogram.Observe(1);
  histogram.Observe(2e6);
  for (const MetricsFormat format : {kText, kOpen}) {
    EXPECT_EQ(written(registry.Collect(), format),
              "# HELP h H.\n# TYPE h histogram\n"
              "h_bucket{x=\"1\",le=\"1e-05\"} 0\nh_bucket{x=\"1\",le=\"1.0\"} 1\n"
              "h_bucket{x=\"1\",le=\"1e+06\"} 1\nh_bucket{x=\"1\",le=\"+Inf\"} 2\n"
              "h_sum{x=\"1\"} 2000001\nh_count{x=\"1\"} 2\n");
  }
  MetricFamily open_ended{"h", "H.", MetricType::Histogram, {ClientMetric{}}};
  open_ended.metric[0].histogram = {.sample_count = 3, .sample_sum = 4, .bucket = {{2, 0.5}}};
  EXPECT_EQ(written({open_ended}, kOpen),
            "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"0.5\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum "
            "4\nh_count 3\n");
  MetricFamily summary{"s", "S.", MetricType::Summary, {ClientMetric{}}};
  summary.metric[0].summary = {.sample_count = 3, .sample_sum = 4, .quantile = {{0.5, 1}, {1, 2}}};
  EXPECT_EQ(
      written({summary}, kText),
      "# HELP s S.\n# TYPE s summary\ns{quantile=\"0.5\"} 1\ns{quantile=\"1.0\"} 2\ns_sum 4\ns_count 3\n");
}

TEST(FamilyWriter, UntypedHasADifferentWordInEachFormat) {
  MetricFamily family{"u", "U.", MetricType::Untyped, {ClientMetric{}}};
  family.metric[0].untyped.value = 7;
  EXPECT_EQ(written({family}, kText), "# HELP u U.\n# TYPE u untyped\nu 7\n");
  EXPECT_EQ(written({family}, kOpen), "# HELP u U.\n# TYPE u unknown\nu 7\n");
}

TEST(FamilyWriter, TimestampsAreInTheUnitOfTheFormat) {
  MetricFamily family = gauge("g", 1);
  family.metric[0].timestamp_ms = 1'700'000'000'250;
  std::string text;
  append_families({family}, kText, text);
  EXPECT_NE(text.find("g 1 1700000000250\n"), std::string::npos) << text;
  text.clear();
  append_families({family}, kOpen, text);
  EXPECT_NE(text.find("g 1 1700000000.25\n"), std::string::npos) << text;
}

TEST(FamilyWriter, OneBlockForEachNameInTheOrderOfTheTable) {
  const std::string text = written(
      {gauge("zz", 1), gauge("process_open_fds", 5), gauge("aa", 2, {{"x", "1"}}), gauge("rcached_series", 9),
       gauge("aa", 3, {{"x", "2"}}), MetricFamily{"empty", "E.", MetricType::Gauge, {}}},
      kOpen);
  EXPECT_EQ(text,
            "# HELP rcached_series Series in this scrape, including this one and those of the process.\n"
            "# TYPE rcached_series gauge\n# UNIT rcached_series series\nrcached_series 9\n"
            "# HELP process_open_fds Open file descriptors of the rcached process.\n"
            "# TYPE process_open_fds gauge\nprocess_open_fds 5\n"
            "# HELP aa Some gauge.\n# TYPE aa gauge\naa{x=\"1\"} 2\naa{x=\"2\"} 3\n"
            "# HELP zz Some gauge.\n# TYPE zz gauge\nzz 1\n");
}

TEST(FamilyWriter, OfTwoTypesOfOneNameTheFirstStands) {
  MetricFamily counter{"a", "C.", MetricType::Counter, {ClientMetric{}}};
  EXPECT_EQ(written({gauge("a", 1), counter}, kText), "# HELP a Some gauge.\n# TYPE a gauge\na 1\n");
}

}  // namespace
}  // namespace rcached
