// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/history_json.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "tests/kit/sample_view.h"

namespace rcached::api {
namespace {

using nlohmann::json;
using testing::sample_view;

json history(const View& view, std::size_t position) {
  return json::parse(history_body(view, named_domains(view).at(position)));
}

TEST(HistoryJson, HasEverySeriesFromItsPlace) {
  const json should = json::parse(R"({
    "domain": "4", "interval_seconds": 10, "first": 1699999980,
    "tree": [100, 200, 300], "outstanding": [10, 20, 30], "cpu_cached": [80, 170, 260],
    "depot_cached": [5, 5, 5], "allocations_per_second": [1000, 2000, 3000],
    "overflows_per_second": [0, 0.5, 2.5], "tree_allocation_mean": [null, 1.5e-06, 2.5e-06],
    "tree_allocation_p99": [null, 1e-05, 2.5e-05]})");
  EXPECT_EQ(json::diff(should, history(sample_view(kProfile61), 0)), json::array());
}

TEST(HistoryJson, WithoutPointsTheArraysAreEmpty) {
  const json should = json::parse(R"({
    "domain": "iovad-2", "interval_seconds": 10, "first": null, "tree": [], "outstanding": [],
    "cpu_cached": [], "depot_cached": [], "allocations_per_second": [], "overflows_per_second": [],
    "tree_allocation_mean": [], "tree_allocation_p99": []})");
  View view = sample_view(kProfile61);
  EXPECT_EQ(history(view, 1), should) << "left out";
  view.history = nullptr;
  EXPECT_EQ(history(view, 1), should) << "no history at all";
}

TEST(HistoryJson, NumbersHaveTheDigitsOfAFloatAndNoMore) {
  View view = sample_view(kProfile61);
  History changed = *view.history;
  changed.domains[0].tree_ranges = {0.1f, 16'777'216.0f, 3e38f, std::numeric_limits<float>::infinity()};
  view.history = std::make_shared<const History>(std::move(changed));
  const std::string body = history_body(view, named_domains(view).at(0));
  EXPECT_NE(body.find("\"tree\":[0.1,16777216.0,3e+38,null]"), std::string::npos) << body;
}

TEST(HistoryJson, TheIntervalIsThatOfTheHistory) {
  View view = sample_view(kProfile61);
  History changed = *view.history;
  changed.interval_s = 60;
  view.history = std::make_shared<const History>(std::move(changed));
  EXPECT_EQ(history(view, 0)["interval_seconds"], 60);
}

}  // namespace
}  // namespace rcached::api
