// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/metrics_page.h"

#include <gtest/gtest.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/kit/gunzip.h"
#include "tests/kit/paths.h"
#include "tests/kit/sample_view.h"
#include "tests/kit/samples.h"

namespace rcached {
namespace {

using testing::sample_view;
using testing::SettableSource;

// The text of a response, as a client receives it.
std::string body_of(const HttpResponse& response) {
  return (response.shared_body ? *response.shared_body : std::string()) + response.body;
}

std::string header_of(const HttpResponse& response, const std::string& name) {
  for (const auto& [candidate, value] : response.headers) {
    if (candidate == name) return value;
  }
  return "";
}

HttpResponse ask(MetricsPage& page, const std::string& accept = "", const std::string& encoding = "") {
  HttpRequest request;
  request.method = "GET";
  request.path = "/metrics";
  request.header = [&](std::string_view name) {
    if (name == "Accept") return std::string_view(accept);
    return name == "Accept-Encoding" ? std::string_view(encoding) : std::string_view();
  };
  return page.answer(request);
}

constexpr const char* kAcceptOpen =
    "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";

constexpr SeriesSettings kDetailed{.per_cpu = true, .per_magazine = true};

SeriesSettings limited(SeriesSettings settings, std::uint64_t limit) {
  settings.limit = limit;
  return settings;
}

// Provides own series of rcached.
class Gauges final : public prometheus::Collectable {
 public:
  explicit Gauges(std::size_t count) : count_(count) {}
  void set(std::size_t count) { count_ = count; }
  std::vector<prometheus::MetricFamily> Collect() const override {
    prometheus::MetricFamily family{"rcached_http_streams_open", "Help.", prometheus::MetricType::Gauge, {}};
    for (std::size_t i = 0; i < count_; ++i) {
      prometheus::ClientMetric sample;
      sample.label = {{"n", std::to_string(i)}};
      family.metric.push_back(sample);
    }
    return {family};
  }

 private:
  std::atomic<std::size_t> count_;
};

TEST(MetricsPage, RespondsNotReadyBeforeTheFirstView) {
  MetricsPage page(std::make_shared<SettableSource>());
  for (const char* encoding : {"", "gzip"}) {
    const HttpResponse response = ask(page, kAcceptOpen, encoding);
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.body, "not ready: rcached is starting: no snapshot has been taken yet\n");
    EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
    EXPECT_EQ(header_of(response, "Content-Encoding"), "");
  }
  EXPECT_FALSE(page.text(MetricsFormat::text).has_value());
}

TEST(MetricsPage, RespondsInTheRequestedFormat) {
  MetricsPage page(std::make_shared<SettableSource>(sample_view(kProfile61)));
  const HttpResponse text = ask(page, "*/*");
  EXPECT_EQ(text.status, 200);
  EXPECT_EQ(text.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(header_of(text, "Vary"), "Accept, Accept-Encoding");
  EXPECT_EQ(header_of(text, "Content-Encoding"), "");
  EXPECT_EQ(body_of(text).find("# EOF"), std::string::npos);
  EXPECT_NE(body_of(text).find("# TYPE iova_frees_total counter\n"), std::string::npos);

  const HttpResponse open = ask(page, kAcceptOpen);
  EXPECT_EQ(open.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_EQ(header_of(open, "Vary"), "Accept, Accept-Encoding");
  EXPECT_TRUE(body_of(open).ends_with("\n# EOF\n"));
  EXPECT_NE(body_of(open).find("# TYPE iova_frees counter\n"), std::string::npos);
}

TEST(MetricsPage, CompressesOnlyOnRequest) {
  const auto source = std::make_shared<SettableSource>(sample_view(kProfile61));
  MetricsPage page(source);
  for (const std::string& accept : {std::string("*/*"), std::string(kAcceptOpen)}) {
    const HttpResponse plain = ask(page, accept);
    const HttpResponse packed = ask(page, accept, "gzip");
    EXPECT_EQ(packed.status, 200);
    EXPECT_EQ(packed.content_type, plain.content_type);
    EXPECT_EQ(header_of(packed, "Content-Encoding"), "gzip");
    EXPECT_EQ(header_of(packed, "Vary"), "Accept, Accept-Encoding");
    EXPECT_LT(body_of(packed).size(), body_of(plain).size() / 3);
    const auto text = testing::gunzip(body_of(packed));
    ASSERT_TRUE(text.has_value());
    EXPECT_TRUE(text->starts_with(*plain.shared_body));
    EXPECT_EQ(testing::Samples(*text).values().size(), testing::Samples(body_of(plain)).values().size());

    const HttpResponse again = ask(page, accept, "gzip");
    EXPECT_EQ(again.shared_body, packed.shared_body) << "compressed once";
    const testing::Samples samples(testing::gunzip(body_of(again)).value_or(""));
    const std::string format = accept == kAcceptOpen ? "openmetrics" : "text";
    EXPECT_EQ(samples.at("rcached_render_duration_seconds_count{format=" + format + "}"), 1);
    EXPECT_EQ(samples.at("rcached_render_duration_seconds_count{format=" + format + "_gzip}"), 1);
  }
}

TEST(MetricsPage, RespondsNotAcceptableIfAllCodingsAreRefused) {
  MetricsPage page(std::make_shared<SettableSource>(sample_view(kProfile61)));
  const HttpResponse response = ask(page, "", "identity;q=0");
  EXPECT_EQ(response.status, 406);
  EXPECT_NE(response.body.find("gzip and identity"), std::string::npos);
}

TEST(MetricsPage, EachViewIsRenderedOnce) {
  const auto source = std::make_shared<SettableSource>(sample_view(kProfile61));
  MetricsPage page(source);
  const auto first = ask(page).shared_body;
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(ask(page).shared_body, first);
  EXPECT_EQ(page.text(MetricsFormat::text)->view, first);
  View next = sample_view(kProfile61);
  next.status.events = 654321;
  source->publish(next);
  const auto second = ask(page).shared_body;
  EXPECT_NE(second, first);
  EXPECT_NE(second->find("rcached_events_total 654321\n"), std::string::npos);
  EXPECT_NE(first->find("rcached_events_total 123456\n"), std::string::npos)
      << "the old body must not change";
}

TEST(MetricsPage, WithNoScrapeInFlightTheMemoryIsReused) {
  const auto source = std::make_shared<SettableSource>(sample_view(kProfile61));
  MetricsPage page(source);
  const char* const buffer = ask(page).shared_body->data();
  for (int i = 0; i < 5; ++i) {
    source->publish(sample_view(kProfile61));
    EXPECT_EQ(ask(page).shared_body->data(), buffer);
  }
}

TEST(MetricsPage, SlowClientsDoNotCauseUnboundedMemory) {
  const auto source = std::make_shared<SettableSource>(sample_view(kProfile61));
  MetricsPage page(source);
  std::set<const std::string*> bodies;
  std::vector<HttpResponse> slow;  // each keeps its body
  for (int i = 0; i < 20; ++i) {
    slow.push_back(ask(page));
    EXPECT_EQ(slow.back().status, 200);
    bodies.insert(slow.back().shared_body.get());
    source->publish(sample_view(kProfile61));
  }
  EXPECT_EQ(bodies.size(), MetricsPage::kMaxBodies) << "not 20";
  slow.clear();
  View view = sample_view(kProfile61);
  view.status.events = 5;
  source->publish(view);
  EXPECT_NE(body_of(ask(page)).find("rcached_events_total 5\n"), std::string::npos)
      << "the slow clients have finished";
}

TEST(MetricsPage, ThePageReportsItsNumberOfSeries) {
  MetricsPage page(std::make_shared<SettableSource>(sample_view(kProfile61)),
                   {.series = limited(kDetailed, 7777)});
  for (const char* accept : {"*/*", kAcceptOpen}) {
    for (const char* encoding : {"", "gzip"}) {
      const std::string body = body_of(ask(page, accept, encoding));
      const testing::Samples samples(*encoding == 0 ? body : testing::gunzip(body).value_or(""));
      EXPECT_EQ(samples.at("rcached_series{}"), samples.series());
      EXPECT_EQ(samples.at("rcached_series_limit{}"), 7777);
      EXPECT_EQ(samples.at("rcached_series_left_out{}"), 0);
      EXPECT_FALSE(samples.has("rcached_series_dropped"));
      EXPECT_GT(samples.at("process_resident_memory_bytes{}"), 1e6);
    }
  }
}

TEST(MetricsPage, KeepsToTheLimitAndReportsEachChangeOnce) {
  View view = sample_view(kProfile61);
  const auto source = std::make_shared<SettableSource>(view);
  std::vector<std::string> log;
  MetricsPage page(source,
                   {.series = kDetailed, .on_drop = [&](std::string_view text) { log.emplace_back(text); }});
  const testing::Samples all(body_of(ask(page)));
  EXPECT_TRUE(log.empty());

  page.set_series(limited(kDetailed, all.series() - 1));
  const testing::Samples fewer(body_of(ask(page)));
  EXPECT_FALSE(fewer.has("iova_rcache_magazine_ranges"));
  EXPECT_TRUE(fewer.has("iova_rcache_cpu_ranges"));
  EXPECT_EQ(fewer.at("rcached_series_dropped{metric=iova_rcache_magazine_ranges}"), 8);
  EXPECT_EQ(fewer.count("rcached_series_dropped"), 1u);
  EXPECT_EQ(fewer.at("rcached_series_left_out{}"), 8);
  EXPECT_EQ(fewer.at("rcached_series{}"), fewer.series());
  EXPECT_LT(fewer.series(), all.series());
  ASSERT_EQ(log.size(), 1u);
  EXPECT_NE(log[0].find("iova_rcache_magazine_ranges (8)"), std::string::npos) << log[0];

  for (int i = 0; i < 3; ++i) {  // other counts of the same metric are not reported
    view.snapshot.domains[0].cpu_fills.push_back({.cpu = static_cast<std::uint16_t>(10 + i), .order = 1});
    source->publish(view);
    ask(page);
    ask(page, kAcceptOpen, "gzip");
  }
  EXPECT_EQ(log.size(), 1u);

  page.set_series(limited(kDetailed, 1));
  const testing::Samples least(body_of(ask(page)));
  for (const MetricRow& row : kMetrics) {
    if (row.tier == MetricTier::alerting && all.has(std::string(row.name))) {
      EXPECT_TRUE(least.has(std::string(row.name))) << row.name;
    }
  }
  EXPECT_TRUE(least.has("process_open_fds"));
  EXPECT_FALSE(least.has("iova_tree_ranges"));
  EXPECT_EQ(least.at("rcached_series{}"), least.series());
  EXPECT_EQ(log.size(), 2u);

  page.set_series(kDetailed);
  EXPECT_TRUE(testing::Samples(body_of(ask(page))).has("iova_rcache_magazine_ranges"));
  ASSERT_EQ(log.size(), 3u);
  EXPECT_NE(log[2].find("nothing is left out"), std::string::npos);
}

TEST(MetricsPage, OwnSeriesCountTooIncludingLaterOnes) {
  const SeriesSettings settings{.per_magazine = true};
  const auto own = std::make_shared<Gauges>(1);
  MetricsPage page(std::make_shared<SettableSource>(sample_view(kProfile61)),
                   {.instruments = {own}, .series = settings});
  page.set_series(limited(settings, testing::Samples(body_of(ask(page))).series() + 4));
  EXPECT_TRUE(testing::Samples(body_of(ask(page))).has("iova_rcache_magazine_ranges"));
  own->set(5);
  EXPECT_TRUE(testing::Samples(body_of(ask(page))).has("iova_rcache_magazine_ranges")) << "just fits";
  own->set(6);
  const testing::Samples samples(body_of(ask(page)));
  EXPECT_FALSE(samples.has("iova_rcache_magazine_ranges"));
  EXPECT_EQ(samples.count("rcached_http_streams_open"), 6u) << "own metrics are kept";
  EXPECT_EQ(samples.at("rcached_series{}"), samples.series());
}

TEST(MetricsPage, SettingsAreAppliedWithoutANewView) {
  MetricsPage page(std::make_shared<SettableSource>(sample_view(kProfile61)));
  const auto before = ask(page);
  EXPECT_FALSE(testing::Samples(body_of(before)).has("iova_rcache_cpu_ranges"));
  page.set_series({});
  EXPECT_EQ(ask(page).shared_body, before.shared_body) << "nothing has changed";
  page.set_series({.per_cpu = true, .limit = 7777});
  for (const char* accept : {"*/*", kAcceptOpen}) {
    const testing::Samples after(body_of(ask(page, accept)));
    EXPECT_TRUE(after.has("iova_rcache_cpu_ranges"));
    EXPECT_FALSE(after.has("iova_rcache_magazine_ranges"));
    EXPECT_EQ(after.at("rcached_series_limit{}"), 7777);
    EXPECT_EQ(after.at("rcached_series{}"), after.series());
  }
  page.set_series({.per_magazine = true});
  const testing::Samples again(body_of(ask(page)));
  EXPECT_FALSE(again.has("iova_rcache_cpu_ranges"));
  EXPECT_TRUE(again.has("iova_rcache_magazine_ranges"));
}

TEST(MetricsPage, TextIsForOtherExporters) {
  MetricsPage page(std::make_shared<SettableSource>(sample_view(kProfile61)));
  const auto all = page.text(MetricsFormat::text);
  ASSERT_TRUE(all.has_value());
  const testing::Samples with(*all->view + all->own);
  EXPECT_TRUE(with.has("process_open_fds"));
  const auto without = page.text(MetricsFormat::text, {"process_"});
  const testing::Samples samples(*without->view + without->own);
  EXPECT_FALSE(samples.has("process_open_fds"));
  EXPECT_TRUE(samples.has("rcached_render_duration_seconds"));
  EXPECT_EQ(samples.series(), with.series() - 3);
  EXPECT_EQ(samples.at("rcached_series{}"), with.at("rcached_series{}")) << "as in a scrape";
}

TEST(MetricsPage, ConcurrentCallersGetCompleteViewsInOrder) {
  const auto source = std::make_shared<SettableSource>(sample_view(kProfile61));
  MetricsPage page(source);
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  readers.reserve(6);
  for (int i = 0; i < 6; ++i) {
    readers.emplace_back([&, i] {
      unsigned long newest = 0;
      do {
        const HttpResponse response = ask(page, i % 2 == 0 ? "" : kAcceptOpen, i < 4 ? "" : "gzip");
        std::string body = body_of(response);
        if (i >= 4) body = testing::gunzip(body).value_or("");
        const auto at = body.find("\nrcached_events_total ");
        ASSERT_NE(at, std::string::npos);
        const unsigned long events = std::stoul(body.substr(at + 22));
        EXPECT_GE(events, newest);
        newest = events;
        EXPECT_EQ(body.back(), '\n');
        EXPECT_EQ(body.ends_with("# EOF\n"), i % 2 == 1);
      } while (!done);
    });
  }
  View view = sample_view(kProfile61);
  for (int i = 0; i < 50; ++i) {
    ++view.status.events;
    source->publish(view);
    std::this_thread::yield();
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
}

// Every row of the table, and nothing else, with views of both kinds of depot and the instruments of all parts.
TEST(MetricsPage, RendersEveryRowOfTheTable) {
  const auto registry = std::make_shared<prometheus::Registry>();
  for (const MetricRow& row : kMetrics) {
    const std::string name(row.name);
    if (!name.starts_with("rcached_http_") && !name.starts_with("rcached_textfile_") &&
        !name.starts_with("rcached_config_"))
      continue;
    prometheus::Labels labels;
    for (std::size_t at = 0; at < row.labels.size();) {
      const std::size_t end = std::min(row.labels.find(',', at), row.labels.size());
      labels[std::string(row.labels.substr(at, end - at))] = "x";
      at = end + 1;
    }
    if (row.kind == MetricKind::counter) {
      prometheus::BuildCounter().Name(name).Register(*registry).Add(labels);
    } else if (row.kind == MetricKind::histogram) {
      prometheus::BuildHistogram().Name(name).Register(*registry).Add(
          labels, prometheus::Histogram::BucketBoundaries{0.001, 1});
    } else {
      prometheus::BuildGauge().Name(name).Register(*registry).Add(labels);
    }
  }
  std::map<std::string, std::string> seen;
  std::map<std::string, std::string> types;
  for (const KernelProfile& profile : {kProfile61, kProfile612}) {
    for (const std::uint64_t limit : {50'000u, 400u}) {
      MetricsPage page(std::make_shared<SettableSource>(sample_view(profile)),
                       {.instruments = {registry}, .series = limited(kDetailed, limit)});
      const testing::Samples samples(body_of(ask(page)));
      seen.insert(samples.label_names().begin(), samples.label_names().end());
      for (const auto& [name, labels] : samples.label_names()) types[name] = samples.type(name);
    }
  }
  std::map<std::string, std::string> table;
  for (const MetricRow& row : kMetrics) {
    table.emplace(row.name, row.labels);
    const char* const words[] = {"gauge", "counter", "histogram", "gauge"};
    EXPECT_EQ(types[std::string(row.name)], words[static_cast<std::size_t>(row.kind)]) << row.name;
  }
  EXPECT_EQ(seen, table);
}

// promtool check metrics: exit status and everything it printed.
std::pair<int, std::string> promtool(const std::string& metrics) {
  const auto base =
      std::filesystem::temp_directory_path() / ("rcached-promtool-" + std::to_string(::getpid()));
  const std::string in = base.string() + ".prom";
  const std::string out = base.string() + ".out";
  std::ofstream(in) << metrics;
  const int status =
      std::system(("'" RCACHED_PROMTOOL "' check metrics <'" + in + "' >'" + out + "' 2>&1").c_str());
  std::ifstream file(out);
  std::string printed{std::istreambuf_iterator<char>(file), {}};
  std::filesystem::remove(in);
  std::filesystem::remove(out);
  return {status, std::move(printed)};
}

TEST(Promtool, AcceptsEveryView) {
  View unknown = sample_view(kProfile612);
  unknown.kernel.online_cpus = 0;
  for (const View& view : {sample_view(kProfile510), sample_view(kProfile61), sample_view(kProfile612),
                           unknown, View{}, testing::hostile_view()}) {
    for (const SeriesSettings& settings : {SeriesSettings{}, kDetailed, limited(kDetailed, 100)}) {
      MetricsPage page(std::make_shared<SettableSource>(view), {.series = settings});
      const auto [status, printed] = promtool(body_of(ask(page)));
      EXPECT_EQ(status, 0);
      EXPECT_EQ(printed, "");
    }
  }
}

TEST(Promtool, RejectsInvalidText) {  // so the check above can fail
  EXPECT_NE(promtool("# TYPE a counter\na{b=\"\xff\"} 1\n").first, 0);
  EXPECT_NE(promtool("# TYPE a counter\na 1\n").second, "");
}

}  // namespace
}  // namespace rcached
