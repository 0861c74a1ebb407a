// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/renderer.h"

#include <gtest/gtest.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/kit/sample_view.h"
#include "tests/kit/samples.h"

namespace rcached {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using testing::hostile_view;
using testing::sample_view;
using testing::Samples;

constexpr SeriesSettings kDetailed{.per_cpu = true, .per_magazine = true};

constexpr MetricsFormat kText = MetricsFormat::text;
constexpr MetricsFormat kOpen = MetricsFormat::openmetrics;

std::string rendered(const View& view, MetricsFormat format = kText) {
  ViewRenderer renderer;
  std::string text = "previous content";
  renderer.render(view, kDetailed, format, {}, text);
  return text;
}

TEST(ViewRenderer, EveryMetricIsInTheTableAndEveryRowIsRenderedByAFullView) {
  const Samples both[] = {Samples(rendered(sample_view(kProfile61))),
                          Samples(rendered(sample_view(kProfile612)))};
  for (std::size_t row = 0; row < kMetrics.size(); ++row) {
    const std::string name(kMetrics[row].name);
    const bool from_view = kMetrics[row].source.view != nullptr;
    EXPECT_EQ(both[0].has(name) || both[1].has(name), from_view) << name;
    const MetricTier tier = kMetrics[row].tier;
    EXPECT_EQ(from_view, tier != MetricTier::own && !name.starts_with("rcached_series")) << name;
  }
  for (const Samples& s : both) {
    for (const auto& [name, labels] : s.label_names()) {
      const auto row =
          std::find_if(kMetrics.begin(), kMetrics.end(),
                       [wanted = std::string_view(name)](const MetricRow& r) { return r.name == wanted; });
      ASSERT_NE(row, kMetrics.end()) << name;
      EXPECT_EQ(labels, std::string(row->labels)) << name;
    }
  }
}

TEST(ViewRenderer, CountsWhatItRenders) {
  View view = sample_view(kProfile61);
  ViewRenderer renderer;
  const SeriesCounts counts = renderer.count(view, kDetailed);
  const Samples s(rendered(view));
  for (std::size_t row = 0; row < kMetrics.size(); ++row) {
    EXPECT_EQ(counts[row], s.series_of(std::string(kMetrics[row].name))) << kMetrics[row].name;
  }
}

TEST(ViewRenderer, LeavesOutDroppedMetrics) {
  View view = sample_view(kProfile61);
  const Samples all(rendered(view));
  for (std::size_t row = 0; row < kMetrics.size(); ++row) {
    if (!all.has(std::string(kMetrics[row].name))) continue;
    DroppedMetrics dropped;
    dropped.set(row);
    std::string text;
    ViewRenderer renderer;
    renderer.render(view, kDetailed, kText, dropped, text);
    EXPECT_EQ(text.find("# TYPE " + std::string(kMetrics[row].name) + " "), std::string::npos);
    const Samples left(text);
    EXPECT_FALSE(left.has(std::string(kMetrics[row].name))) << kMetrics[row].name;
    EXPECT_EQ(left.metrics(), all.metrics() - 1);
  }
}

TEST(ViewRenderer, BothFormatsHaveTheSameSeriesAndValues) {
  for (const View& view : {sample_view(kProfile510), sample_view(kProfile612), hostile_view()}) {
    EXPECT_EQ(Samples(rendered(view, kText)).values(), Samples(rendered(view, kOpen)).values());
  }
}

TEST(ViewRenderer, HeadsAreRecreatedOnlyIfNamesChange) {
  View view = sample_view(kProfile61);
  ViewRenderer renderer;
  std::string text;
  const auto render = [&] {
    renderer.render(view, kDetailed, kText, {}, text);
    EXPECT_EQ(text, rendered(view)) << "cached data must not affect the result";
    return renderer.heads().made();
  };
  EXPECT_EQ(render(), 1u);
  view.snapshot.domains[0].outstanding += 5;
  view.snapshot.domains[0].cpu_fills.push_back({.cpu = 900, .order = 1, .loaded = 2, .prev = 3});
  EXPECT_EQ(render(), 1u) << "values changed, a CPU added";
  view.kernel.cpu_nodes[0] = 7;
  EXPECT_EQ(render(), 1u) << "nodes belong to CPUs, not to domains";
  EXPECT_NE(text.find("cpu=\"0\",node=\"7\""), std::string::npos);
  for (std::string DomainInfo::*name :
       {&DomainInfo::label, &DomainInfo::type, &DomainInfo::devices, &DomainInfo::driver}) {
    const std::size_t before = renderer.heads().made();
    view.domains[1].*name += "x";
    EXPECT_EQ(render(), before + 1);
  }
  view.domains[1].granule_bytes = 65536;
  EXPECT_EQ(render(), 6u);
  view.snapshot.domains.pop_back();
  EXPECT_EQ(render(), 7u) << "a domain was removed, but not its name";
  view.snapshot.domains[0].id = 2;
  EXPECT_EQ(render(), 8u) << "another domain in its place";
  view.snapshot.domains.clear();
  EXPECT_EQ(render(), 9u);
}

TEST(ViewRenderer, TheBufferIsReused) {
  View view = sample_view(kProfile61);
  for (std::uint16_t cpu = 4; cpu < 500; ++cpu)
    view.snapshot.domains[0].cpu_fills.push_back({.cpu = cpu, .order = 1});
  ViewRenderer renderer;
  std::string text;
  renderer.count(view, kDetailed);
  renderer.render(view, kDetailed, kText, {}, text);
  const char* const buffer = text.data();
  const std::size_t large = text.size();
  for (int round = 0; round < 3; ++round) {
    renderer.count(view, kDetailed);
    renderer.render(view, kDetailed, kText, {}, text);
    EXPECT_EQ(text.data(), buffer);
    EXPECT_EQ(text.size(), large);
    View small = sample_view(kProfile61);
    renderer.count(small, kDetailed);
    renderer.render(small, kDetailed, kOpen, {}, text);
    EXPECT_EQ(text.data(), buffer);
    EXPECT_EQ(text, rendered(small, kOpen));
  }
}

// The buffer grows during rendering if the estimate was too small.
TEST(ViewRenderer, AWrongSizeEstimateIsHarmless) {
  View view = sample_view(kProfile61);
  ViewRenderer renderer;
  std::string text;
  renderer.count(View{}, kDetailed);
  renderer.render(view, kDetailed, kText, {}, text);
  EXPECT_EQ(text, rendered(view));
  for (DomainInfo& info : view.domains) info.devices = std::string(100'000, 'd');
  renderer.render(view, kDetailed, kText, {}, text);
  EXPECT_EQ(text, rendered(view));
  EXPECT_NE(text.find(std::string(100'000, 'd')), std::string::npos);
}

TEST(ViewRenderer, AnEmptyViewHasNoStrayLines) {
  const Samples s(rendered(View{}));
  EXPECT_EQ(s.at("rcached_events_total{}"), 0);
  EXPECT_FALSE(s.has("iova_tree_ranges")) << "metadata without samples is not written";
}

// --- instruments

std::string written(std::vector<MetricFamily> families, MetricsFormat format,
                    const std::vector<std::string_view>& without = {}) {
  const ScrapeInput input{.instruments = std::move(families)};
  std::string text = scrape_text(input, format, without);
  if (without.empty()) {
    EXPECT_EQ(Samples(text).series(), own_series(input));
  }
  return text;
}

MetricFamily streams(double value, std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric sample;
  sample.gauge.value = value;
  sample.label = std::move(labels);
  return {"rcached_http_streams_open", "Another text.", MetricType::Gauge, {sample}};
}
constexpr const char* kStreamsHead =
    "# HELP rcached_http_streams_open Open HTTP streams: live pages and terminals that receive updates.\n"
    "# TYPE rcached_http_streams_open gauge\n";

TEST(ScrapeText, CountersAndGauges) {
  prometheus::Registry registry;
  prometheus::BuildCounter()
      .Name("rcached_config_reloads_total")
      .Register(registry)
      .Add({{"result", "a\"b\\c\nd"}})
      .Increment(2.5);
  prometheus::BuildGauge()
      .Name("rcached_http_streams_open")
      .Register(registry)
      .Add({{"x", "1"}, {"y", "2"}})
      .Set(-1);
  const std::string help =
      " Reloads of the configuration, by result: success, or failure, which changes nothing.\n";
  EXPECT_EQ(written(registry.Collect(), kText),
            std::string(kStreamsHead) + "rcached_http_streams_open{x=\"1\",y=\"2\"} -1\n" +
                "# HELP rcached_config_reloads_total" + help +
                "# TYPE rcached_config_reloads_total counter\n"
                "rcached_config_reloads_total{result=\"a\\\"b\\\\c\\nd\"} 2.5\n");
  EXPECT_EQ(written(registry.Collect(), kOpen),
            std::string(kStreamsHead) + "rcached_http_streams_open{x=\"1\",y=\"2\"} -1\n" +
                "# HELP rcached_config_reloads" + help +
                "# TYPE rcached_config_reloads counter\n# UNIT rcached_config_reloads reloads\n"
                "rcached_config_reloads_total{result=\"a\\\"b\\\\c\\nd\"} 2.5\n");
}

TEST(ScrapeText, Histograms) {
  prometheus::Registry registry;
  auto& histogram = prometheus::BuildHistogram()
                        .Name("rcached_http_request_duration_seconds")
                        .Register(registry)
                        .Add({{"x", "1"}}, prometheus::Histogram::BucketBoundaries{1e-5, 1, 1e6});
  histogram.Observe(1);
  histogram.Observe(2e6);
  const std::string lines =
      "rcached_http_request_duration_seconds_bucket{x=\"1\",le=\"1e-05\"} 0\n"
      "rcached_http_request_duration_seconds_bucket{x=\"1\",le=\"1.0\"} 1\n"
      "rcached_http_request_duration_seconds_bucket{x=\"1\",le=\"1e+06\"} 1\n"
      "rcached_http_request_duration_seconds_bucket{x=\"1\",le=\"+Inf\"} 2\n"
      "rcached_http_request_duration_seconds_sum{x=\"1\"} 2000001\n"
      "rcached_http_request_duration_seconds_count{x=\"1\"} 2\n";
  for (const MetricsFormat format : {kText, kOpen}) {
    EXPECT_TRUE(written(registry.Collect(), format).ends_with(lines)) << written(registry.Collect(), format);
  }
  MetricFamily open_ended{
      "rcached_http_request_duration_seconds", "", MetricType::Histogram, {ClientMetric{}}};
  open_ended.metric[0].histogram = {.sample_count = 3, .sample_sum = 4, .bucket = {{2, 0.5}}};
  EXPECT_TRUE(written({open_ended}, kOpen)
                  .ends_with("rcached_http_request_duration_seconds_bucket{le=\"0.5\"} 2\n"
                             "rcached_http_request_duration_seconds_bucket{le=\"+Inf\"} 3\n"
                             "rcached_http_request_duration_seconds_sum 4\n"
                             "rcached_http_request_duration_seconds_count 3\n"));
}

TEST(ScrapeText, OneBlockForEachNameInTheOrderOfTheTable) {
  MetricFamily reload{"rcached_config_last_reload_successful", "", MetricType::Gauge, {ClientMetric{}}};
  const std::string text = written({reload, streams(2, {{"x", "1"}}), streams(3, {{"x", "2"}}),
                                    MetricFamily{"rcached_http_refused_total", "", MetricType::Counter, {}}},
                                   kOpen);
  EXPECT_EQ(text,
            std::string(kStreamsHead) +
                "rcached_http_streams_open{x=\"1\"} 2\nrcached_http_streams_open{x=\"2\"} 3\n"
                "# HELP rcached_config_last_reload_successful 1 if the last reload of the configuration "
                "was applied, or if there was none.\n"
                "# TYPE rcached_config_last_reload_successful gauge\n"
                "rcached_config_last_reload_successful 0\n");
}

TEST(ScrapeText, LeavesOutExcludedMetrics) {
  prometheus::Registry registry;
  prometheus::BuildCounter().Name("rcached_textfile_writes_total").Register(registry).Add({{"result", "ok"}});
  auto families = registry.Collect();
  families.push_back(streams(1));
  EXPECT_EQ(written(families, kText, {"process_", "rcached_textfile_"}),
            std::string(kStreamsHead) + "rcached_http_streams_open 1\n");
}

TEST(ScrapeText, AnInstrumentThatIsNotInTheTableIsABug) {
  MetricFamily unknown = streams(1);
  unknown.name = "rcached_unknown";
  EXPECT_THROW(scrape_text({.instruments = {unknown}}, kText), std::logic_error);
  for (const MetricType type :
       {MetricType::Counter, MetricType::Summary, MetricType::Untyped, MetricType::Histogram}) {
    MetricFamily other = streams(1);
    other.type = type;
    EXPECT_THROW(scrape_text({.instruments = {other}}, kText), std::logic_error);
  }
}

}  // namespace
}  // namespace rcached
