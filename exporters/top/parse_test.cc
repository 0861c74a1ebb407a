// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/parse.h"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "exporters/top/testing/sample_data.h"

namespace rcached::top {
namespace {

using Json = nlohmann::ordered_json;

std::string body(const std::string& path) {
  LocalClient client = testing::client_of(rcached::testing::sample_view(kProfile61));
  return *client.get(path);
}

struct Answer {
  std::string path;
  std::function<std::string(std::string_view)> problem;  // empty: understood
};

template <typename T>
Answer answer(const std::string& path, Parsed<T> (*parse)(std::string_view)) {
  return {path, [parse](std::string_view text) {
            const auto parsed = parse(text);
            return parsed ? std::string() : parsed.error();
          }};
}

const std::vector<Answer>& answers() {
  static const std::vector<Answer> kAnswers = {
      answer("/api/v1/domains", parse_domains), answer("/api/v1/domains/4", parse_domain),
      answer("/api/v1/domains/4/history", parse_history), answer("/api/v1/status", parse_status),
      answer("/api/v1/notes", parse_notes)};
  return kAnswers;
}

TEST(Parse, EveryFigureOfADomainComesFromItsPlace) {
  const auto parsed = parse_domains(body("/api/v1/domains"));
  ASSERT_TRUE(parsed) << parsed.error();
  EXPECT_TRUE(parsed->ready);
  EXPECT_EQ(parsed->time, 1'700'000'001.0);
  ASSERT_EQ(parsed->domains.size(), 2u);
  const Domain& domain = parsed->domains[0];
  const View view = rcached::testing::sample_view(kProfile61);
  const DomainSnapshot& truth = view.snapshot.domains[0];
  EXPECT_EQ(domain.label, "4");
  EXPECT_EQ(domain.type, "DMA-FQ");
  EXPECT_EQ(domain.devices, (std::vector<std::string>{"0000:00:03.0", "0000:00:04.0"}));
  EXPECT_EQ(domain.drivers, (std::vector<std::string>{"nvme"}));
  EXPECT_EQ(domain.granule_bytes, 4096u);
  EXPECT_EQ(domain.confidence.state, "exact");
  EXPECT_EQ(domain.confidence.loss_marks, truth.loss_marks);
  EXPECT_EQ(domain.tree.ranges, truth.tree_ranges);
  EXPECT_EQ(domain.tree.per_second, 1.5);
  EXPECT_EQ(domain.outstanding.ranges, truth.outstanding);
  EXPECT_EQ(domain.outstanding.per_second, -0.25);
  EXPECT_EQ(domain.cpu_cached.ranges, truth.cpu_cached);
  EXPECT_EQ(domain.cpu_cached.per_second, 1.25);
  EXPECT_EQ(domain.depot_cached.ranges, truth.depot_cached);
  EXPECT_EQ(domain.depot_cached.per_second, 0.5);
  EXPECT_EQ(domain.reserved, truth.reserved);
  EXPECT_EQ(domain.unaccounted, -3);
  EXPECT_EQ(domain.outstanding_before_start, truth.outstanding_before_start);
  EXPECT_EQ(domain.fq_pending, 77u);
  EXPECT_TRUE(domain.depot.bounded);
  EXPECT_EQ(domain.depot.mark_magazines, 32u);
  EXPECT_EQ(domain.depot.magazines, (std::array<Count, kOrders>{32, 31, 30, 29, 28, 27}));
  EXPECT_EQ(domain.depot.fullest->order, "0");
  EXPECT_EQ(domain.depot.fullest->ratio, 1.0);
  EXPECT_EQ(domain.rates->allocations, 5000.5);
  EXPECT_EQ(domain.rates->allocation_failures, 0.125);
  EXPECT_EQ(domain.rates->tree_allocations, 50.25);
  EXPECT_EQ(domain.rates->frees, 5000.75);
  EXPECT_EQ(domain.rates->depot_overflows, 2.5);
  EXPECT_EQ(domain.rates->depot_reclaims, 0.75);
  EXPECT_EQ(domain.rates->mismatched_frees, 0.0625);
  EXPECT_EQ(domain.tree_allocation.count, truth.tree_allocation.count());
  EXPECT_EQ(domain.depot_overflow.count, truth.depot_overflow.count());
  EXPECT_EQ(domain.memory->magazine_bytes, 1'040'384u);
  EXPECT_EQ(domain.memory->range_bytes, 655'360u);
  EXPECT_EQ(domain.space32->free_pages, 900'001u);
  EXPECT_EQ(domain.space32->largest_gap_pages, 800'002u);
  EXPECT_EQ(domain.predictions, 1000u);
  EXPECT_EQ(domain.prediction_hits, 990u);
  EXPECT_EQ(domain.drift_ranges, 5u);
  ASSERT_EQ(domain.verdicts.size(), 2u);
  EXPECT_TRUE(domain.verdicts[0].holds);
  EXPECT_FALSE(domain.verdicts[1].holds);
  EXPECT_EQ(domain.verdicts[0].verdict, "depot-saturated");
  EXPECT_EQ(domain.verdicts[0].evidence, "2.5 overflows/s over the last 60 s");
  EXPECT_NEAR(*domain.miss_ratio(), 50.25 / 5000.5, 1e-12);
  // The one of which little is known.
  const Domain& other = parsed->domains[1];
  EXPECT_EQ(other.granule_bytes, std::nullopt);
  EXPECT_EQ(other.fq_pending, std::nullopt);
  EXPECT_FALSE(other.rates || other.memory || other.space32 || other.miss_ratio());
  EXPECT_EQ(other.tree.per_second, std::nullopt);
}

TEST(Parse, OrdersAndCpus) {
  const auto parsed = parse_domain(body("/api/v1/domains/4"));
  ASSERT_TRUE(parsed) << parsed.error();
  EXPECT_EQ(parsed->domain.label, "4");
  ASSERT_EQ(parsed->orders.size(), kOrders + 1);
  const Order& order = parsed->orders[1];
  EXPECT_EQ(order.order, "1");
  EXPECT_EQ(order.outstanding, 10'101u);
  EXPECT_EQ(order.cpu_cached, 10'102u);
  EXPECT_EQ(order.cpu_capacity, 10'400u);
  EXPECT_EQ(order.cpus_holding, 2u);
  EXPECT_EQ(order.depot_magazines, 31u);
  EXPECT_EQ(order.depot_cached, 31u * 127);
  EXPECT_EQ(order.allocations, 10'104u);
  EXPECT_EQ(order.allocation_failures, 10'105u);
  EXPECT_EQ(order.tree_allocations, 10'106u);
  EXPECT_EQ(order.frees, 10'107u);
  EXPECT_EQ(order.tree_frees, 10'108u);
  EXPECT_EQ(order.depot_pushes, 10'109u);
  EXPECT_EQ(order.depot_pops, 10'110u);
  EXPECT_EQ(order.depot_overflows, 10'111u);
  EXPECT_EQ(order.depot_reclaims, 10'112u);
  EXPECT_EQ(order.mismatched_frees, 10'113u);
  const Order& uncached = parsed->orders[6];
  EXPECT_EQ(uncached.order, "6+");
  EXPECT_EQ(uncached.cpu_cached, std::nullopt);
  EXPECT_EQ(uncached.depot_overflows, std::nullopt);
  EXPECT_EQ(parsed->magazine_capacity, 127u);
  ASSERT_EQ(parsed->cpus.size(), 2u);
  EXPECT_EQ(parsed->cpus[0].cpu, 0u);
  EXPECT_EQ(parsed->cpus[0].node, 0u);
  EXPECT_EQ(parsed->cpus[0].loaded[0], 12u);
  EXPECT_EQ(parsed->cpus[0].prev[0], 127u);
  EXPECT_EQ(parsed->cpus[0].loaded[1], std::nullopt);
  EXPECT_EQ(parsed->cpus[1].cpu, 3u);
  EXPECT_EQ(parsed->cpus[1].node, 1u);
  EXPECT_EQ(parsed->cpus[1].loaded[5], 1u);
  EXPECT_EQ(parsed->flush_queue.drains, 10'016u);
  EXPECT_EQ(parsed->flush_queue.drained_ranges, 10'019u);
  EXPECT_NEAR(parsed->flush_queue.seconds, 10.02, 1e-9);
  EXPECT_NEAR(parsed->flush_queue.longest_seconds, 0.021, 1e-9);
  EXPECT_EQ(parsed->flush_queue.largest_ranges, 10'022u);
  EXPECT_EQ(parsed->audit.audits, 10'030u);
  EXPECT_EQ(parsed->audit.repairs, 31u);
  EXPECT_EQ(parsed->audit.abandoned, 32u);
  EXPECT_EQ(parsed->audit.drift_loaded, 10'033u);
  EXPECT_EQ(parsed->audit.drift_prev, 10'034u);
  EXPECT_EQ(parsed->audit.drift_depot, 10'035u);
  EXPECT_EQ(parsed->audit.drift_tree, 10'036u);
  EXPECT_EQ(parsed->audit.drift_fq, 10'037u);
  EXPECT_EQ(parsed->misses.reordered, 1u);
  EXPECT_EQ(parsed->misses.depot_race, 2u);
  EXPECT_EQ(parsed->misses.migration, 3u);
  EXPECT_EQ(parsed->misses.unknown, 4u);
  EXPECT_EQ(parsed->rcache_flushes, 10'015u);
}

TEST(Parse, StatusHistoryAndNotes) {
  const auto status = parse_status(body("/api/v1/status"));
  ASSERT_TRUE(status) << status.error();
  EXPECT_EQ(status->version, "0.1.0");
  EXPECT_EQ(status->source, "kernel");
  EXPECT_EQ(status->mode, "mirror");
  EXPECT_TRUE(status->ready);
  EXPECT_EQ(status->started, 1'700'000'000.0);
  EXPECT_EQ(status->kernel_release, "6.1.0-test");
  EXPECT_TRUE(status->depot_bounded);
  EXPECT_EQ(status->magazine_capacity, 127u);
  EXPECT_EQ(status->depot_mark_magazines, 32u);
  EXPECT_EQ(status->online_cpus, 8u);
  EXPECT_EQ(status->applied, 123'456u);
  EXPECT_EQ(status->sent, 304u);
  EXPECT_EQ(status->received, 300u);
  EXPECT_EQ(status->lost_ring_full, 4u);
  EXPECT_EQ(status->lost_entry_missing, 6u);
  EXPECT_EQ(status->lost_skipped, 11u);
  EXPECT_EQ(status->lost_malformed, 9u);
  EXPECT_EQ(status->lost, 30u);
  EXPECT_NEAR(*status->lag_seconds, 0.0025, 1e-9);
  ASSERT_EQ(status->cpus.size(), 2u);
  EXPECT_EQ(status->cpus[1].cpu, 3u);
  EXPECT_EQ(status->cpus[1].ring_full, 3u);
  ASSERT_EQ(status->programs.size(), 4u);
  EXPECT_EQ(status->programs[2].function, "free_iova_fast");
  EXPECT_EQ(status->programs[2].method, "kprobe");
  EXPECT_EQ(status->programs[2].runs, 30u);
  EXPECT_EQ(status->programs[2].skipped, std::nullopt);
  EXPECT_EQ(status->reader->reads, 500u);
  EXPECT_EQ(status->reader->faults, 43u);
  EXPECT_EQ(status->unattributed_flush_queue_drains, 41u);

  const auto history = parse_history(body("/api/v1/domains/4/history"));
  ASSERT_TRUE(history) << history.error();
  EXPECT_EQ(history->interval_seconds, 10);
  EXPECT_EQ(history->tree, (std::vector<Figure>{100, 200, 300}));
  EXPECT_EQ(history->outstanding, (std::vector<Figure>{10, 20, 30}));
  ASSERT_EQ(history->tree_allocation_p99.size(), 3u);
  EXPECT_EQ(history->tree_allocation_p99[0], std::nullopt);

  const auto notes = parse_notes(body("/api/v1/notes"));
  ASSERT_TRUE(notes) << notes.error();
  EXPECT_EQ(notes->time, 1'700'000'001.0);
  ASSERT_EQ(notes->notes.size(), 2u);
  EXPECT_EQ(notes->notes[0].number, 8u);
  EXPECT_EQ(notes->notes[0].domain, "4");
  EXPECT_EQ(notes->notes[1].domain, "");
  EXPECT_EQ(notes->notes[1].text, "3 events were lost");
}

TEST(Parse, WhatIsCutShortIsAnError) {
  for (const Answer& each : answers()) {
    const std::string text = body(each.path);
    EXPECT_EQ(each.problem(text), "");
    for (std::size_t length = 0; length < text.size(); length += 1 + text.size() / 700) {
      EXPECT_NE(each.problem(text.substr(0, length)), "") << each.path << " " << length;
    }
  }
}

// Calls visit(value) for every value inside of `json`, which may change it; it is put back afterwards.
void each_value(Json& json, const std::function<void(Json&)>& visit) {
  for (auto& child : json) {
    const Json before = child;
    visit(child);
    child = before;
    if (child.is_structured()) each_value(child, visit);
  }
}

// Every value of every answer replaced by every kind of nonsense: a value or an error, and never one that
// breaks something; what is never right is always refused.
TEST(Parse, WrongTypesAreRefusedByName) {
  for (const Answer& each : answers()) {
    Json json = Json::parse(body(each.path));
    std::size_t refused = 0;
    each_value(json, [&](Json& value) {
      // null stands for what is not known, so it may be right.
      for (const Json& nonsense :
           {Json(), Json(-1), Json("\x1b[2J"), Json(1e300), Json::array(), Json::object()}) {
        value = nonsense;
        const std::string problem = each.problem(json.dump());
        if (!problem.empty()) ++refused;
        EXPECT_EQ(problem.find('\x1b'), std::string::npos);
      }
    });
    EXPECT_GT(refused, 20u) << each.path;
  }
  Json domains = Json::parse(body("/api/v1/domains"));
  domains["domains"][1]["balance"]["tree"]["ranges"] = -1;
  EXPECT_EQ(parse_domains(domains.dump()).error(), "domains[1].balance.tree.ranges is not a count");
  domains["domains"][1]["balance"].erase("tree");
  EXPECT_EQ(parse_domains(domains.dump()).error(), "domains[1].balance.tree is missing");
}

TEST(Parse, ColumnsOfCpusAreEquallyLong) {
  Json json = Json::parse(body("/api/v1/domains/4"));
  json["cpus"]["node"].push_back(0);
  EXPECT_EQ(parse_domain(json.dump()).error(), "cpus.node is not as long as cpus.cpu");
  json = Json::parse(body("/api/v1/domains/4"));
  json["cpus"]["loaded"][1].push_back(0);
  EXPECT_EQ(parse_domain(json.dump()).error(), "cpus.loaded[1] has not one entry for each order");
}

TEST(Parse, NewMembersAreNoMistake) {
  Json json = Json::parse(body("/api/v1/status"));
  json["something_new"] = {1, 2, 3};
  json["kernel"]["something_new"] = "x";
  EXPECT_TRUE(parse_status(json.dump()));
}

TEST(Parse, HostileTexts) {
  const std::string deep(200'000, '[');
  for (const std::string& text :
       {std::string(), std::string("<html>"), std::string("null"), std::string("[]"), std::string("\"x\""),
        deep, std::string("{\"a\":") + deep, std::string("{\"time\":1e999}"), std::string("{\"x\":\"\xff\"}"),
        std::string("{} {}"), std::string(1, '\0')}) {
    for (const Answer& each : answers()) EXPECT_NE(each.problem(text), "") << text.substr(0, 20);
    EXPECT_EQ(parse_api_error(text).message, "");
  }
  EXPECT_EQ(parse_domains(deep).error(), "the answer is nested too deeply");
  // Brackets inside of texts are none.
  EXPECT_TRUE(parse_json("{\"a\":\"" + std::string(100, '[') + "\\\"[\"}"));
}

TEST(Parse, TheErrorObject) {
  const ApiError error = parse_api_error(R"({"error":{"message":"no domain","hint":"see /api/v1/domains"}})");
  EXPECT_EQ(error.message, "no domain");
  EXPECT_EQ(error.hint, "see /api/v1/domains");
}

}  // namespace
}  // namespace rcached::top
