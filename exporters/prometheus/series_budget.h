// SPDX-License-Identifier: Apache-2.0
// The cardinality budget: which metrics a scrape leaves out to keep to metrics.series_limit. Pure.
//
// Whole metrics go, never some series of one: sums over a metric that lacks half its series would be wrong
// without anyone noticing. The most detailed tier goes first (metric_table.h), within it the largest metric;
// alerting and own ones stay, even where they alone exceed the limit.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string>

#include "exporters/prometheus/metric_table.h"

namespace rcached {

// Which series are wanted, and how many at most (config: metrics.*).
struct SeriesSettings {
  bool per_cpu = false;
  bool per_magazine = false;
  std::uint64_t limit = 50'000;

  bool operator==(const SeriesSettings&) const = default;
};

using SeriesCounts = std::array<std::uint64_t, kMetricCount>;  // by row of kMetrics
using DroppedMetrics = std::bitset<kMetricCount>;

struct SeriesPlan {
  SeriesCounts counts{};  // of the View, those left out included
  DroppedMetrics dropped;
  std::uint64_t kept = 0;      // of the View
  std::uint64_t left_out = 0;  // of the View
  std::uint64_t own = 0;       // of the own metrics
  std::uint64_t limit = 0;

  // The series that report all this: rcached_series, _limit, _left_out, and one rcached_series_dropped for
  // each metric left out.
  std::uint64_t about() const { return 3 + dropped.count(); }
  std::uint64_t total() const { return kept + own + about(); }
};

// `counts` are the View's series, `own` those of the own metrics.
SeriesPlan plan_series(const SeriesCounts& counts, std::uint64_t own, std::uint64_t limit);

// For the log: what is left out, or that all fits again, and what to do.
std::string describe_plan(const SeriesPlan& plan);

}  // namespace rcached
