// SPDX-License-Identifier: Apache-2.0
// The single table of all metrics that rcached exports. A row has a metric's name, meaning and source of
// samples. The renderer and the daemon's instruments use it, and docs/metrics.md is generated from it, so they
// cannot disagree. Rows are in the order of the scrape.
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

// The order in which metrics are left out if a scrape would exceed the series limit (series_budget.h): from
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

// Adds all samples of a metric to the sink.
using FromView = void (*)(const ViewInput&, SampleSink&);
using FromScrape = void (*)(const ScrapeInput&, SampleSink&);

// The source of a metric's samples: a View; data of the scrape and of the process; or, with neither, an
// instrument of that name in one of the daemon's registries. Instruments have no help text.
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

// A different number of rows does not compile.
inline constexpr std::size_t kMetricCount = 103;
extern const std::array<MetricRow, kMetricCount> kMetrics;

// The row of a metric. Throws std::logic_error if the name is not in the table, which is a bug.
const MetricRow& metric_row(std::string_view name);

// The text of docs/metrics.md.
std::string metrics_markdown();

}  // namespace rcached
