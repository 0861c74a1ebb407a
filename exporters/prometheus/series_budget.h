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

using SeriesCounts = std::array<std::uint64_t, kMetrics.size()>;  // by row of kMetrics
using DroppedMetrics = std::bitset<kMetrics.size()>;

struct SeriesPlan {
  DroppedMetrics dropped;
  std::uint64_t kept = 0;      // of the View
  std::uint64_t left_out = 0;  // of the View
  std::uint64_t own = 0;       // of the own metrics
  std::uint64_t limit = 0;

  // What tells about all this: rcached_series, _limit, _left_out, and one rcached_series_dropped for each
  // metric left out.
  std::uint64_t about() const { return 3 + dropped.count(); }
  std::uint64_t total() const { return kept + own + about(); }
};

// `counts` are the View's series, `own` those of the own metrics.
SeriesPlan plan_series(const SeriesCounts& counts, std::uint64_t own, std::uint64_t limit);

// For the log: what is left out, or that all fits again, and what to do.
std::string describe_plan(const SeriesPlan& plan, const SeriesCounts& counts);

}  // namespace rcached
