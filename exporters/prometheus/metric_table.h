// SPDX-License-Identifier: Apache-2.0
// The one table of all metrics that rcached exports. A row says what a metric is called, what it means and
// where its samples come from: the renderer and the daemon's instruments take all of it from here, and
// docs/metrics.md is generated from it, so they cannot disagree. Rows are in the order of the scrape.
// Constant data, safe to use from any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rcached {

class SampleSink;    // exposition.h
struct ViewInput;    // metric_sources.h
struct ScrapeInput;  // metric_sources.h

// info: always 1; the information is in its labels (a gauge in the text format).
enum class MetricKind : std::uint8_t { gauge, counter, histogram, info };

// What is left out first when a scrape would exceed the limit of series (series_budget.h): the tiers from
// per_magazine up to standard. alerting and own are never left out.
enum class MetricTier : std::uint8_t {
  alerting,      // what the alerts and their recorded series use, and what reports series left out
  own,           // rcached's own parts and process: read at every scrape, not part of the View
  standard,      // a few per domain, or for the whole host
  by_order,      // one per domain and order
  histogram,     // one per domain and bucket
  per_cpu,       // one per domain and CPU, or domain, order and CPU
  per_magazine,  // one per domain, order, CPU and magazine
};

// Gives all samples of a metric to the sink.
using FromView = void (*)(const ViewInput&, SampleSink&);
using FromScrape = void (*)(const ScrapeInput&, SampleSink&);

// Where the samples of a metric come from: a View; what is known of a scrape and of the process; or, with
// neither, an instrument of that name in one of the daemon's registries. An instrument has no help text of
// its own.
struct MetricSource {
  constexpr MetricSource() = default;
  constexpr MetricSource(FromView function) : view(function) {}      // NOLINT(google-explicit-constructor)
  constexpr MetricSource(FromScrape function) : scrape(function) {}  // NOLINT(google-explicit-constructor)

  FromView view = nullptr;
  FromScrape scrape = nullptr;
};

struct MetricRow {
  std::string_view name;  // of its samples; for a histogram without _bucket, _sum and _count
  MetricKind kind;
  std::string_view unit;    // base unit of the value; "bool" is 0 or 1
  std::string_view labels;  // comma-separated, in the order of the samples; "le" of histograms is last
  MetricTier tier;
  std::string_view kernels;  // kernels that can provide it; "-" if it is not about the kernel
  std::string_view help;     // one line, no newline, no backslash, no quote
  MetricSource source = {};
};

// A row more or less than this does not compile.
inline constexpr std::size_t kMetricCount = 95;
extern const std::array<MetricRow, kMetricCount> kMetrics;

// The row of a metric. A name that is not in the table throws std::logic_error: a bug that every test meets.
const MetricRow& metric_row(std::string_view name);

// The text of docs/metrics.md.
std::string metrics_markdown();

}  // namespace rcached
