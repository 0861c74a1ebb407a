// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/metric_table.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>

#include "tests/kit/paths.h"

namespace rcached {
namespace {

TEST(MetricTable, NamesAndHelpTextsAreWellFormed) {
  std::set<std::string_view> names;
  for (const MetricRow& row : kMetrics) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name << " appears twice";
    EXPECT_EQ(row.kind == MetricKind::counter, row.name.ends_with("_total")) << row.name;
    EXPECT_EQ(row.kind == MetricKind::info, row.name.ends_with("_info")) << row.name;
    EXPECT_EQ(row.help.find_first_of("\n\\|\""), std::string_view::npos)
        << row.name << ": would end a table cell or be escaped";
    EXPECT_TRUE(row.help.ends_with('.')) << row.name;
    EXPECT_FALSE(row.unit.empty() || row.kernels.empty()) << row.name;
  }
}

TEST(MetricTable, ARowIsFoundByItsName) {
  EXPECT_EQ(metric_row("process_open_fds").labels, "");
  EXPECT_EQ(metric_row("iova_frees_total").labels, "domain,order");
  EXPECT_THROW(metric_row("iova_frees"), std::logic_error);
}

TEST(MetricsDoc, TheCheckedInPageIsCurrent) {
  std::ifstream file(RCACHED_SOURCE_DIR "/docs/metrics.md");
  const std::string checked_in{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(checked_in, metrics_markdown()) << "docs/metrics.md is stale: build the target docs-metrics";
}

TEST(MetricsDoc, ListsEveryMetricOnce) {
  const std::string page = metrics_markdown();
  for (const MetricRow& row : kMetrics) {
    const std::string cell = "| `" + std::string(row.name) + "` |";
    const auto at = page.find(cell);
    ASSERT_NE(at, std::string::npos) << row.name << " belongs to no section";
    EXPECT_EQ(page.find(cell, at + 1), std::string::npos) << row.name;
  }
}

}  // namespace
}  // namespace rcached
