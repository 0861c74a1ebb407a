// SPDX-License-Identifier: Apache-2.0
// The cardinality budget: which metrics a scrape leaves out to keep to metrics.series_limit. Pure.
//
// Only whole metrics are left out: sums over a metric that lacks some of its series would be silently wrong.
// The most detailed tier is left out first (metric_table.h), within it the largest metric. Metrics of the
// tiers alerting and own are always kept, even if they alone exceed the limit.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string>

#include "exporters/prometheus/metric_table.h"

namespace rcached {

// Which series are exported, and the maximum number (config: metrics.*).
struct SeriesSettings {
  bool per_cpu = false;
  bool per_magazine = false;
  std::uint64_t limit = 50'000;

  bool operator==(const SeriesSettings&) const = default;
};

using SeriesCounts = std::array<std::uint64_t, kMetricCount>;  // by row of kMetrics
using DroppedMetrics = std::bitset<kMetricCount>;

struct SeriesPlan {
  SeriesCounts counts{};  // of the View, including those left out
  DroppedMetrics dropped;
  std::uint64_t kept = 0;      // of the View
  std::uint64_t left_out = 0;  // of the View
  std::uint64_t own = 0;       // of the own metrics
  std::uint64_t limit = 0;

  // The series that report this plan: rcached_series, _limit, _left_out, and one rcached_series_dropped for
  // each metric left out.
  std::uint64_t reporting() const { return 3 + dropped.count(); }
  std::uint64_t total() const { return kept + own + reporting(); }
};

// `counts` are the View's series, `own` those of the own metrics.
SeriesPlan plan_series(const SeriesCounts& counts, std::uint64_t own, std::uint64_t limit);

// For the log: what is left out, or that everything fits again, and what to do.
std::string describe_plan(const SeriesPlan& plan);

}  // namespace rcached
