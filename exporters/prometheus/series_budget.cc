// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/series_budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <vector>

namespace rcached {
namespace {

bool can_be_dropped(MetricTier tier) { return tier > MetricTier::own; }

// True if `a` is dropped before `b`.
bool dropped_before(std::size_t a, std::size_t b, const SeriesCounts& counts) {
  const MetricTier tier_a = kMetrics.at(a).tier;
  const MetricTier tier_b = kMetrics.at(b).tier;
  if (tier_a != tier_b) return tier_a > tier_b;
  if (counts.at(a) != counts.at(b)) return counts.at(a) > counts.at(b);
  return a > b;
}

}  // namespace

SeriesPlan plan_series(const SeriesCounts& counts, std::uint64_t own, std::uint64_t limit) {
  SeriesPlan plan;
  plan.counts = counts;
  plan.own = own;
  plan.limit = limit;
  for (const std::uint64_t count : counts) plan.kept += count;
  if (plan.total() <= limit) return plan;

  std::vector<std::size_t> candidates;
  for (std::size_t row = 0; row < counts.size(); ++row) {
    // Leaving out a metric with one series gains nothing: its entry in rcached_series_dropped is a series too.
    if (can_be_dropped(kMetrics.at(row).tier) && counts.at(row) > 1) candidates.push_back(row);
  }
  std::sort(candidates.begin(), candidates.end(),
            [&](std::size_t a, std::size_t b) { return dropped_before(a, b, counts); });
  for (const std::size_t row : candidates) {
    if (plan.total() <= limit) break;
    plan.dropped.set(row);
    plan.kept -= counts.at(row);
    plan.left_out += counts.at(row);
  }
  return plan;
}

std::string describe_plan(const SeriesPlan& plan) {
  if (plan.dropped.none()) {
    if (plan.total() <= plan.limit) {
      return fmt::format(
          "the scrape's {} series fit within metrics.series_limit ({}) again; nothing is left out",
          plan.total(), plan.limit);
    }
    return fmt::format(
        "the scrape has {} series, more than metrics.series_limit ({}), and none of them can be left out; "
        "raise metrics.series_limit",
        plan.total(), plan.limit);
  }
  std::string text =
      fmt::format("the scrape would have {} series, more than metrics.series_limit ({}); left out:",
                  plan.kept + plan.left_out + plan.own + 3, plan.limit);
  bool first = true;
  for (std::size_t row = 0; row < kMetrics.size(); ++row) {
    if (!plan.dropped[row]) continue;
    fmt::format_to(std::back_inserter(text), "{} {} ({})", first ? "" : ",", kMetrics.at(row).name,
                   plan.counts.at(row));
    first = false;
  }
  if (plan.total() > plan.limit) {
    fmt::format_to(
        std::back_inserter(text),
        "; the metrics that alerts use and rcached's own metrics are kept: {} series, still above the limit",
        plan.total());
  }
  return text + "; raise metrics.series_limit, or disable metrics.per_magazine or metrics.per_cpu if enabled";
}

}  // namespace rcached
