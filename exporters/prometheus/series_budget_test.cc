// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/series_budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "tests/kit/paths.h"

namespace rcached {
namespace {

SeriesCounts counts_of(std::initializer_list<std::pair<std::size_t, std::uint64_t>> rows) {
  SeriesCounts counts{};
  for (const auto& [row, count] : rows) counts.at(row) = count;
  return counts;
}

std::set<std::string> names(const DroppedMetrics& dropped) {
  std::set<std::string> set;
  for (std::size_t row = 0; row < kMetrics.size(); ++row) {
    if (dropped[row]) set.emplace(kMetrics[row].name);
  }
  return set;
}

using Names = std::set<std::string>;

std::size_t row_of(std::string_view name) {
  return static_cast<std::size_t>(&metric_row(name) - kMetrics.data());
}

const std::size_t kMagazines = row_of("iova_rcache_magazine_ranges");
const std::size_t kCpus = row_of("iova_rcache_cpu_ranges");
const std::size_t kCpuDrains = row_of("iova_flush_queue_cpu_drains_total");
const std::size_t kHistogramRow = row_of("iova_tree_allocation_duration_seconds");
const std::size_t kFrees = row_of("iova_tree_frees_total");
const std::size_t kAllocations = row_of("iova_tree_allocations_total");
const std::size_t kTree = row_of("iova_tree_ranges");
const std::size_t kBuild = row_of("rcached_build_info");
const std::size_t kOverflows = row_of("iova_depot_overflows_total");

const SeriesCounts kCounts = counts_of({{kMagazines, 1200},
                                        {kCpus, 600},
                                        {kCpuDrains, 100},
                                        {kHistogramRow, 220},
                                        {kFrees, 70},
                                        {kAllocations, 71},
                                        {kTree, 10},
                                        {kBuild, 1},
                                        {kOverflows, 60}});
constexpr std::uint64_t kOwn = 20;
constexpr std::uint64_t kAll = 1200 + 600 + 100 + 220 + 70 + 71 + 10 + 1 + 60 + kOwn + 3;

TEST(SeriesBudget, NothingIsDroppedIfAllFits) {
  const SeriesPlan plan = plan_series(kCounts, kOwn, kAll);
  EXPECT_TRUE(plan.dropped.none());
  EXPECT_EQ(plan.total(), kAll);
  EXPECT_EQ(plan.left_out, 0u);
}

TEST(SeriesBudget, TheMostDetailedTierIsDroppedFirstAndTheLargestMetricFirstWithinIt) {
  const struct {
    std::uint64_t limit;
    Names dropped;
  } steps[] = {
      {kAll - 1, {"iova_rcache_magazine_ranges"}},
      {kAll - 1199, {"iova_rcache_magazine_ranges"}},
      {kAll - 1200, {"iova_rcache_magazine_ranges", "iova_rcache_cpu_ranges"}},
      {kAll - 1199 - 599 - 1,
       {"iova_rcache_magazine_ranges", "iova_rcache_cpu_ranges", "iova_flush_queue_cpu_drains_total"}},
      {kAll - 1199 - 599 - 99 - 1,
       {"iova_rcache_magazine_ranges", "iova_rcache_cpu_ranges", "iova_flush_queue_cpu_drains_total",
        "iova_tree_allocation_duration_seconds"}},
      {kAll - 1199 - 599 - 99 - 219 - 1,
       {"iova_rcache_magazine_ranges", "iova_rcache_cpu_ranges", "iova_flush_queue_cpu_drains_total",
        "iova_tree_allocation_duration_seconds", "iova_tree_allocations_total"}},
  };
  for (const auto& [limit, dropped] : steps) {
    const SeriesPlan plan = plan_series(kCounts, kOwn, limit);
    EXPECT_EQ(names(plan.dropped), dropped) << limit;
    EXPECT_LE(plan.total(), limit);
    EXPECT_EQ(plan.kept + plan.left_out + kOwn + 3, kAll);
  }
}

TEST(SeriesBudget, AlertingAndOwnSeriesAreAlwaysKept) {
  const SeriesPlan plan = plan_series(kCounts, kOwn, 1);
  EXPECT_FALSE(plan.dropped[kOverflows]);
  EXPECT_FALSE(plan.dropped[kBuild]) << "leaving out a single series gains nothing";
  EXPECT_TRUE(plan.dropped[kTree]);
  EXPECT_EQ(plan.kept, 61u);
  EXPECT_EQ(plan.total(), 61 + kOwn + 3 + 7);
}

TEST(SeriesBudget, TheDescriptionNamesTheMetrics) {
  EXPECT_EQ(describe_plan(plan_series(kCounts, kOwn, kAll)),
            "the scrape's 2355 series fit within metrics.series_limit (2355) again; nothing is left out");
  EXPECT_EQ(describe_plan(plan_series(kCounts, kOwn, 600)),
            "the scrape would have 2355 series, more than metrics.series_limit (600); left out: "
            "iova_rcache_cpu_ranges (600), iova_rcache_magazine_ranges (1200); raise metrics.series_limit, "
            "or disable metrics.per_magazine or metrics.per_cpu if enabled");
  EXPECT_NE(describe_plan(plan_series(kCounts, kOwn, 1)).find("still above the limit"), std::string::npos);
  const SeriesCounts alerting = counts_of({{kOverflows, 60}});
  EXPECT_EQ(describe_plan(plan_series(alerting, 0, 10)),
            "the scrape has 63 series, more than metrics.series_limit (10), and none of them can be left "
            "out; raise metrics.series_limit");
}

// --- the tiers of the table
Names alerting() {
  Names set;
  for (const MetricRow& row : kMetrics) {
    if (row.tier == MetricTier::alerting) set.emplace(row.name);
  }
  return set;
}

std::string text_of(const std::string& file) {
  std::ifstream stream(RCACHED_SOURCE_DIR "/dashboards/prometheus/" + file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// {alert or recorded series: its PromQL}
std::map<std::string, std::string> expressions(const std::string& kind, const std::string& file) {
  const std::string text = text_of(file);
  const std::regex rule(kind + R"(: (\S+)\n +expr: \|\n((?: {10,}.*\n)+))");
  std::map<std::string, std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), rule), end; match != end; ++match)
    found[(*match)[1]] = (*match)[2];
  return found;
}

// Adds the metrics that PromQL uses, including those of recorded series (level:metric:operations).
void add_metrics(const std::string& promql, const std::map<std::string, std::string>& recorded, Names& used) {
  const std::regex name(R"([a-z]+:[a-z0-9_:]+|\b(iova|rcached|process)_[a-z0-9_]+)");
  for (std::sregex_iterator use(promql.begin(), promql.end(), name), end; use != end; ++use) {
    if (const std::string found = use->str(); found.find(':') == std::string::npos) {
      used.insert(found);
    } else {
      ASSERT_TRUE(recorded.contains(found)) << found << " is not recorded";
      add_metrics(recorded.at(found), recorded, used);
    }
  }
}

TEST(MetricTiers, ExactlyTheMetricsOfTheAlertsAreAlerting) {
  const auto recorded = expressions("record", "rules.yaml");
  Names used = {"rcached_series", "rcached_series_limit", "rcached_series_left_out",
                "rcached_series_dropped"};
  const std::size_t about = used.size();
  for (const auto& [alert, promql] : expressions("alert", "alerts.yaml")) add_metrics(promql, recorded, used);
  EXPECT_GT(used.size(), about + 15) << "the rules were read";
  EXPECT_TRUE(used.contains("iova_outstanding_ranges")) << "including those used by recorded series";
  // Metrics read at every scrape are never left out either. dashboards/dashboards_test.py checks that each name
  // is documented.
  for (auto name = used.begin(); name != used.end();) {
    const auto row = std::ranges::find(kMetrics, *name, &MetricRow::name);
    name = row == kMetrics.end() || row->tier == MetricTier::own ? used.erase(name) : std::next(name);
  }
  EXPECT_EQ(alerting(), used);
}

TEST(MetricTiers, FollowFromTheLabels) {
  for (const MetricRow& row : kMetrics) {
    if (row.tier == MetricTier::alerting) continue;
    const std::string labels = "," + std::string(row.labels) + ",";
    MetricTier tier = MetricTier::standard;
    if (labels.find(",order,") != std::string::npos) tier = MetricTier::by_order;
    if (row.kind == MetricKind::histogram) tier = MetricTier::histogram;
    if (labels.find(",cpu,") != std::string::npos) tier = MetricTier::per_cpu;
    if (labels.find(",magazine,") != std::string::npos) tier = MetricTier::per_magazine;
    EXPECT_TRUE(row.tier == tier || row.tier == MetricTier::own) << row.name;
  }
}

}  // namespace
}  // namespace rcached
