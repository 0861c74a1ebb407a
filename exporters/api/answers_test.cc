// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/answers.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "exporters/api/json.h"
#include "tests/kit/sample_view.h"

namespace rcached::api {
namespace {

using nlohmann::json;
using testing::hostile_view;
using testing::sample_view;

constexpr std::uint64_t kNow = 3'000'000'000;

json domains(const View& view) {
  return json::parse(to_json(domains_answer(view, named_domains(view), kNow)));
}

json domain(const View& view, std::size_t position = 0) {
  return json::parse(to_json(domain_answer(view, named_domains(view).at(position), kNow)));
}

// Reports only the differences.
void expect_same(const json& is, const json& should) { EXPECT_EQ(json::diff(should, is), json::array()); }

TEST(DomainAnswer, TheSummaryMapsEveryValue) {
  const json body = domains(sample_view(kProfile61));
  EXPECT_EQ(body["time"], 1'700'000'001.0);
  EXPECT_EQ(body["ready"], true);
  ASSERT_EQ(body["domains"].size(), 2u);
  expect_same(body["domains"][0], json::parse(R"({
    "domain": "4", "type": "DMA-FQ", "devices": ["0000:00:03.0", "0000:00:04.0"], "drivers": ["nvme"],
    "granule_bytes": 4096,
    "confidence": {"state": "exact", "text": "exact", "loss_marks": 10017, "last_loss": 1700000000.91,
                   "resynced": 1700000000.92, "last_audit": 1700000000.94, "last_repair": 1700000000.93},
    "balance": {"tree": {"ranges": 166109, "per_second": 1.5},
                "outstanding": {"ranges": 72107, "per_second": -0.25},
                "cpu_cached": {"ranges": 61512, "per_second": 1.25},
                "depot_cached": {"ranges": 22479, "per_second": 0.5},
                "reserved": {"ranges": 10014}, "unaccounted": {"ranges": -3},
                "outstanding_before_start": {"ranges": 10018}, "fq_pending": {"ranges": 77}},
    "depot": {"kind": "bounded", "mark_magazines": 32, "magazines": [32, 31, 30, 29, 28, 27],
              "fullest": {"order": "0", "magazines": 32, "ratio": 1.0}},
    "rates": {"seconds": 60.0, "allocations": 5000.5, "allocation_failures": 0.125, "tree_allocations": 50.25,
              "frees": 5000.75, "depot_overflows": 2.5, "depot_reclaims": 0.75, "mismatched_frees": 0.0625},
    "tree_allocation": {"count": 200990, "seconds": 10.1, "p50": 0.00025, "p99": null},
    "depot_overflow": {"count": 201590, "seconds": 10.101, "p50": 0.00025, "p99": null},
    "memory": {"magazine_bytes": 1040384, "range_bytes": 655360, "read": 1700000000.95},
    "space32": {"free_pages": 900001, "largest_gap_pages": 800002, "read": 1700000000.96},
    "prediction": {"predictions": 1000, "hits": 990}, "drift_ranges": 5,
    "verdicts": [{"verdict": "depot-saturated", "holds": true, "evidence": "2.5 overflows/s over the last 60 s"},
                 {"verdict": "size-mismatch", "holds": false, "evidence": "no mismatched free in the last 60 s"}]
  })"));
}

TEST(DomainAnswer, UnknownValuesAreNull) {
  const json young = domains(sample_view(kProfile61))["domains"][1];
  EXPECT_EQ(young["domain"], "iovad-2");
  EXPECT_EQ(young["devices"], json::array());
  EXPECT_EQ(young["drivers"], json::array());
  for (const char* name : {"granule_bytes", "rates", "memory", "space32"}) {
    EXPECT_TRUE(young.at(name).is_null()) << name;
  }
  for (const char* part : {"tree", "outstanding", "cpu_cached", "depot_cached"}) {
    EXPECT_TRUE(young["balance"][part].at("per_second").is_null()) << part;
  }
  EXPECT_TRUE(young["balance"]["fq_pending"].at("ranges").is_null());
  for (const char* time : {"last_loss", "resynced", "last_audit", "last_repair"}) {
    EXPECT_TRUE(young["confidence"].at(time).is_null()) << time;
  }
  EXPECT_EQ(young["verdicts"], json::array());
}

TEST(DomainAnswer, RatesAndVerdictsMayBeFewerThanDomains) {
  View view = sample_view(kProfile61);
  view.rates.clear();
  view.verdicts.clear();
  const json body = domains(view);
  EXPECT_TRUE(body["domains"][0]["rates"].is_null());
  EXPECT_EQ(body["domains"][0]["verdicts"], json::array());
}

TEST(DomainAnswer, RatesAndVerdictsAreByPositionInTheSnapshot) {
  View view = sample_view(kProfile61);
  view.rates = {std::nullopt, DomainRates{.seconds = 9, .tree_ranges = 4}};
  view.verdicts = {{}, {{"depot-filling", true, "e"}}};
  const json list = domains(view)["domains"];
  EXPECT_TRUE(list[0]["rates"].is_null());
  EXPECT_EQ(list[1]["rates"]["seconds"], 9);
  EXPECT_EQ(list[1]["balance"]["tree"]["per_second"], 4);
  EXPECT_EQ(list[1]["verdicts"][0]["verdict"], "depot-filling");
}

TEST(DomainAnswer, TheAgeOfAResyncIsRelativeToNow) {
  View view = sample_view(kProfile61);
  view.snapshot.domains[0].confidence = rcached::Confidence::resynced;
  EXPECT_EQ(domains(view)["domains"][0]["confidence"]["text"], "resynced 2 s ago");
  EXPECT_EQ(domains(view)["domains"][0]["confidence"]["state"], "resynced");
}

TEST(DomainAnswer, TheMarkOfAnUnboundedDepotIsItsReclaimThreshold) {
  const json depot = domains(sample_view(kProfile612))["domains"][0]["depot"];
  EXPECT_EQ(depot["kind"], "unbounded");
  EXPECT_EQ(depot["mark_magazines"], 8);
  EXPECT_EQ(depot["fullest"]["ratio"], 4.0);
}

TEST(DomainAnswer, ADepotWithoutMarkHasNoRatio) {
  View view = sample_view(kProfile61);
  view.kernel.profile.depot_capacity = 0;
  const json body = domain(view);
  EXPECT_TRUE(body["domain"]["depot"]["mark_magazines"].is_null());
  EXPECT_TRUE(body["domain"]["depot"]["fullest"]["ratio"].is_null());
  EXPECT_TRUE(body["orders"][0]["depot_ratio"].is_null());
}

TEST(DomainAnswer, TheFullestDepotIsTheFirstOfTheLargest) {
  View view = sample_view(kProfile61);
  auto& orders = view.snapshot.domains[0].orders;
  for (unsigned order = 0; order < kCachedOrders; ++order) orders[order].depot_magazines = order == 2 ? 7 : 1;
  orders[4].depot_magazines = 7;
  const json expected = {{"order", "2"}, {"magazines", 7}, {"ratio", 7.0 / 32}};
  EXPECT_EQ(domains(view)["domains"][0]["depot"]["fullest"], expected);
  for (unsigned order = 0; order < kCachedOrders; ++order) orders[order].depot_magazines = 0;
  EXPECT_TRUE(domains(view)["domains"][0]["depot"]["fullest"].is_null());
}

TEST(DomainAnswer, TheDetailMapsEveryValue) {
  const View view = sample_view(kProfile61);
  const json body = domain(view);
  EXPECT_EQ(body["time"], 1'700'000'001.0);
  expect_same(body["domain"], domains(view)["domains"][0]);
  ASSERT_EQ(body["orders"].size(), 7u);
  expect_same(body["orders"][2], json::parse(R"({
    "order": "2", "outstanding": 10201, "cpu_cached": 10202, "cpu_capacity": 10500, "cpus_holding": 3,
    "depot_magazines": 30, "depot_cached": 3810, "depot_ratio": 0.9375,
    "allocations": 10204, "allocation_failures": 10205, "tree_allocations": 10206, "frees": 10207,
    "tree_frees": 10208, "mismatched_frees": 10213,
    "depot_pushes": 10209, "depot_pops": 10210, "depot_overflows": 10211, "depot_reclaims": 10212})"));
  expect_same(body["orders"][6], json::parse(R"({
    "order": "6+", "outstanding": 10601, "cpu_cached": null, "cpu_capacity": null, "cpus_holding": null,
    "depot_magazines": null, "depot_cached": null, "depot_ratio": null,
    "allocations": 10604, "allocation_failures": 10605, "tree_allocations": 10606, "frees": 10607,
    "tree_frees": 10608, "mismatched_frees": 10613,
    "depot_pushes": null, "depot_pops": null, "depot_overflows": null, "depot_reclaims": null})"));
  expect_same(body["cpus"], json::parse(R"({
    "magazine_capacity": 127, "cpu": [0, 3], "node": [0, 1],
    "loaded": [[12, null, null, null, null, null], [null, null, null, null, null, 1]],
    "prev": [[127, null, null, null, null, null], [null, null, null, null, null, 0]]})"));
  expect_same(body["flush_queue"], json::parse(R"({
    "drains": 10016, "drained_ranges": 10019, "seconds": 10.02, "longest_seconds": 0.021,
    "largest_ranges": 10022})"));
  expect_same(body["audit"], json::parse(R"({
    "audits": 10030, "repairs": 31, "abandoned": 32,
    "drift": {"loaded": 10033, "prev": 10034, "depot": 10035, "tree": 10036, "fq": 10037}})"));
  expect_same(body["misses"],
              json::parse(R"({"reordered": 1, "depot_race": 2, "migration": 3, "unknown": 4})"));
  EXPECT_EQ(body["rcache_flushes"], 10015);
}

TEST(DomainAnswer, EveryOrderOfACpuIsMapped) {
  View view = sample_view(kProfile61);
  view.kernel.cpu_nodes = {-1, 2};
  auto& fills = view.snapshot.domains[0].cpu_fills;
  fills.clear();
  for (const std::uint16_t cpu : std::initializer_list<std::uint16_t>{0, 1, 9}) {
    for (std::uint8_t order = 0; order <= kCachedOrders; ++order) {
      fills.push_back({.cpu = cpu,
                       .order = order,
                       .loaded = static_cast<std::uint16_t>(cpu * 10 + order),
                       .prev = static_cast<std::uint16_t>(cpu * 10 + 50 + order)});
    }
  }
  expect_same(domain(view)["cpus"], json::parse(R"({
    "magazine_capacity": 127, "cpu": [0, 1, 9], "node": [null, 2, null],
    "loaded": [[0, 1, 2, 3, 4, 5], [10, 11, 12, 13, 14, 15], [90, 91, 92, 93, 94, 95]],
    "prev": [[50, 51, 52, 53, 54, 55], [60, 61, 62, 63, 64, 65], [140, 141, 142, 143, 144, 145]]})"));
}

TEST(DomainAnswer, HostileNamesBecomeValidUtf8) {
  const View view = hostile_view();
  const json first = domains(view)["domains"][0];
  EXPECT_EQ(first["domain"], valid_utf8(view.domains[0].label));
  EXPECT_EQ(first["type"], valid_utf8(view.domains[0].type));
  EXPECT_EQ(first["devices"][0], valid_utf8(view.domains[0].devices));
  EXPECT_EQ(first["drivers"][0], valid_utf8(view.domains[0].driver));
}

TEST(DomainAnswer, AnEmptyViewHasNoDomainsAndNoTime) {
  const json expected = {{"time", nullptr}, {"ready", false}, {"domains", json::array()}};
  EXPECT_EQ(domains(View{}), expected);
}

}  // namespace
}  // namespace rcached::api
