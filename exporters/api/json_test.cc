// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/json.h"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "exporters/api/answers.h"
#include "tests/kit/sample_view.h"

namespace rcached::api {
namespace {

using Json = nlohmann::ordered_json;

using testing::sample_view;

std::string domains_body(const View& view = sample_view(kProfile61)) {
  return to_json(domains_answer(view, named_domains(view), 1));
}

std::string domain_body(const View& view = sample_view(kProfile61)) {
  return to_json(domain_answer(view, named_domains(view).at(0), 1));
}

std::string history_body(const View& view = sample_view(kProfile61)) {
  return to_json(history_answer(view, named_domains(view).at(0)));
}

std::string status_body(const View& view = sample_view(kProfile61)) {
  return to_json(status_answer(view, {.cpu_seconds = 1.5, .resident_bytes = 8192, .open_fds = 12}));
}

std::string notes_body(const View& view = sample_view(kProfile61)) { return to_json(notes_answer(view)); }

struct Case {
  std::string name;
  std::string text;
  std::function<std::string(std::string_view)> problem;  // empty: valid
};

template <typename T>
Case answer(const std::string& text) {
  return {T::kSchema.name, text, [](std::string_view other) {
            const auto read = from_json<T>(other);
            return read ? std::string() : read.error().message;
          }};
}

const std::vector<Case>& answers() {
  static const std::vector<Case> kAnswers = {
      answer<Domains>(domains_body()), answer<DomainDetail>(domain_body()), answer<History>(history_body()),
      answer<Status>(status_body()), answer<Notes>(notes_body())};
  return kAnswers;
}

TEST(Json, RoundTrips) {
  for (const View& view : {sample_view(kProfile61), sample_view(kProfile612), testing::hostile_view()}) {
    const auto named = named_domains(view);
    const Domains domains = domains_answer(view, named, 1);
    EXPECT_EQ(from_json<Domains>(to_json(domains)), domains);
    EXPECT_EQ(from_json<Domains>(to_json(domains, Escape::non_ascii)), domains);
    const DomainDetail detail = domain_answer(view, named[0], 1);
    EXPECT_EQ(from_json<DomainDetail>(to_json(detail)), detail);
    const History history = history_answer(view, named[0]);
    EXPECT_EQ(from_json<History>(to_json(history)), history);
    const Status status = status_answer(view, {});
    EXPECT_EQ(from_json<Status>(to_json(status)), status);
    const Notes notes = notes_answer(view);
    EXPECT_EQ(from_json<Notes>(to_json(notes)), notes);
    EXPECT_EQ(rewritten_json(to_json(notes), Escape::non_ascii), to_json(notes, Escape::non_ascii));
  }
}

TEST(JsonRead, ReadsEveryValueOfADomain) {
  const auto parsed = from_json<Domains>(domains_body());
  ASSERT_TRUE(parsed) << parsed.error().message;
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
  EXPECT_EQ(domain.balance.tree.ranges, truth.tree_ranges);
  EXPECT_EQ(domain.balance.tree.per_second, 1.5);
  EXPECT_EQ(domain.balance.outstanding.ranges, truth.outstanding);
  EXPECT_EQ(domain.balance.outstanding.per_second, -0.25);
  EXPECT_EQ(domain.balance.cpu_cached.ranges, truth.cpu_cached);
  EXPECT_EQ(domain.balance.cpu_cached.per_second, 1.25);
  EXPECT_EQ(domain.balance.depot_cached.ranges, truth.depot_cached);
  EXPECT_EQ(domain.balance.depot_cached.per_second, 0.5);
  EXPECT_EQ(domain.balance.reserved.ranges, truth.reserved);
  EXPECT_EQ(domain.balance.unaccounted.ranges, -3);
  EXPECT_EQ(domain.balance.outstanding_before_start.ranges, truth.outstanding_before_start);
  EXPECT_EQ(domain.balance.fq_pending.ranges, 77u);
  EXPECT_TRUE(domain.depot.bounded());
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
  EXPECT_EQ(domain.prediction.predictions, 1000u);
  EXPECT_EQ(domain.prediction.hits, 990u);
  EXPECT_EQ(domain.drift_ranges, 5u);
  ASSERT_EQ(domain.verdicts.size(), 2u);
  EXPECT_TRUE(domain.verdicts[0].holds);
  EXPECT_FALSE(domain.verdicts[1].holds);
  EXPECT_EQ(domain.verdicts[0].verdict, "depot-saturated");
  EXPECT_EQ(domain.verdicts[0].evidence, "2.5 overflows/s over the last 60 s");
  EXPECT_NEAR(*domain.miss_ratio(), 50.25 / 5000.5, 1e-12);
  // The domain with few known values.
  const Domain& other = parsed->domains[1];
  EXPECT_EQ(other.granule_bytes, std::nullopt);
  EXPECT_EQ(other.balance.fq_pending.ranges, std::nullopt);
  EXPECT_FALSE(other.rates || other.memory || other.space32 || other.miss_ratio());
  EXPECT_EQ(other.balance.tree.per_second, std::nullopt);
}

TEST(JsonRead, OrdersAndCpus) {
  const auto parsed = from_json<DomainDetail>(domain_body());
  ASSERT_TRUE(parsed) << parsed.error().message;
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
  EXPECT_EQ(parsed->cpus.magazine_capacity, 127u);
  ASSERT_EQ(parsed->cpus.cpu.size(), 2u);
  EXPECT_EQ(parsed->cpus.cpu[0], 0u);
  EXPECT_EQ(parsed->cpus.node[0], 0u);
  EXPECT_EQ(parsed->cpus.loaded[0][0], 12u);
  EXPECT_EQ(parsed->cpus.prev[0][0], 127u);
  EXPECT_EQ(parsed->cpus.loaded[0][1], std::nullopt);
  EXPECT_EQ(parsed->cpus.cpu[1], 3u);
  EXPECT_EQ(parsed->cpus.node[1], 1u);
  EXPECT_EQ(parsed->cpus.loaded[1][5], 1u);
  EXPECT_EQ(parsed->flush_queue.drains, 10'016u);
  EXPECT_EQ(parsed->flush_queue.drained_ranges, 10'019u);
  EXPECT_NEAR(parsed->flush_queue.seconds, 10.02, 1e-9);
  EXPECT_NEAR(parsed->flush_queue.longest_seconds, 0.021, 1e-9);
  EXPECT_EQ(parsed->flush_queue.largest_ranges, 10'022u);
  EXPECT_EQ(parsed->audit.audits, 10'030u);
  EXPECT_EQ(parsed->audit.repairs, 31u);
  EXPECT_EQ(parsed->audit.abandoned, 32u);
  EXPECT_EQ(parsed->audit.drift.loaded, 10'033u);
  EXPECT_EQ(parsed->audit.drift.prev, 10'034u);
  EXPECT_EQ(parsed->audit.drift.depot, 10'035u);
  EXPECT_EQ(parsed->audit.drift.tree, 10'036u);
  EXPECT_EQ(parsed->audit.drift.fq, 10'037u);
  EXPECT_EQ(parsed->misses.reordered, 1u);
  EXPECT_EQ(parsed->misses.depot_race, 2u);
  EXPECT_EQ(parsed->misses.migration, 3u);
  EXPECT_EQ(parsed->misses.unknown, 4u);
  EXPECT_EQ(parsed->rcache_flushes, 10'015u);
}

TEST(JsonRead, StatusHistoryAndNotes) {
  const auto status = from_json<Status>(status_body());
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->version, "0.1.0");
  EXPECT_EQ(status->source, "kernel");
  EXPECT_EQ(status->mode, "mirror");
  EXPECT_TRUE(status->ready);
  EXPECT_EQ(status->started, 1'700'000'000u);
  EXPECT_EQ(status->kernel.release, "6.1.0-test");
  EXPECT_EQ(status->kernel.depot, "bounded");
  EXPECT_EQ(status->kernel.magazine_capacity, 127u);
  EXPECT_EQ(status->kernel.depot_mark_magazines, 32u);
  EXPECT_EQ(status->kernel.online_cpus, 8u);
  EXPECT_EQ(status->events.applied, 123'456u);
  EXPECT_EQ(status->events.sent, 304u);
  EXPECT_EQ(status->events.received, 300u);
  EXPECT_EQ(status->events.lost_by.ring_full, 4u);
  EXPECT_EQ(status->events.lost_by.entry_missing, 6u);
  EXPECT_EQ(status->events.lost_by.skipped, 11u);
  EXPECT_EQ(status->events.lost_by.malformed, 9u);
  EXPECT_EQ(status->events.lost, 30u);
  EXPECT_NEAR(status->events.lag_seconds, 0.0025, 1e-9);
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

  const auto history = from_json<History>(history_body());
  ASSERT_TRUE(history) << history.error().message;
  EXPECT_EQ(history->interval_seconds, 10u);
  EXPECT_EQ(history->tree, (std::vector<Figure>{100, 200, 300}));
  EXPECT_EQ(history->outstanding, (std::vector<Figure>{10, 20, 30}));
  ASSERT_EQ(history->tree_allocation_p99.size(), 3u);
  EXPECT_EQ(history->tree_allocation_p99[0], std::nullopt);

  const auto notes = from_json<Notes>(notes_body());
  ASSERT_TRUE(notes) << notes.error().message;
  EXPECT_EQ(notes->time, 1'700'000'001.0);
  ASSERT_EQ(notes->notes.size(), 2u);
  EXPECT_EQ(notes->notes[0].number, 8u);
  EXPECT_EQ(notes->notes[0].domain, "4");
  EXPECT_EQ(notes->notes[1].domain, std::nullopt);
  EXPECT_EQ(notes->notes[1].text, "3 events were lost");
}

TEST(JsonRead, TruncatedTextIsAnError) {
  for (const Case& each : answers()) {
    const std::string& text = each.text;
    EXPECT_EQ(each.problem(text), "");
    for (std::size_t length = 0; length < text.size(); length += 1 + text.size() / 700) {
      EXPECT_NE(each.problem(text.substr(0, length)), "") << each.name << " " << length;
    }
  }
}

// Calls visit(value) for every value inside `json`. visit() may change it; it is restored afterwards.
void each_value(Json& json, const std::function<void(Json&)>& visit) {
  for (auto& child : json) {
    const Json before = child;
    visit(child);
    child = before;
    if (child.is_structured()) each_value(child, visit);
  }
}

// Replaces every value of every response by invalid ones: the result must be a value, or an error without
// control characters.
TEST(JsonRead, WrongTypesAreRejectedByName) {
  for (const Case& each : answers()) {
    Json json = Json::parse(each.text);
    std::size_t refused = 0;
    each_value(json, [&](Json& value) {
      // null means unknown, so it may be valid.
      for (const Json& nonsense :
           {Json(), Json(-1), Json("\x1b[2J"), Json(1e300), Json::array(), Json::object()}) {
        value = nonsense;
        const std::string problem = each.problem(json.dump());
        if (!problem.empty()) ++refused;
        EXPECT_EQ(problem.find('\x1b'), std::string::npos);
      }
    });
    EXPECT_GT(refused, 20u) << each.name;
  }
  Json domains = Json::parse(domains_body());
  domains["domains"][1]["balance"]["tree"]["ranges"] = -1;
  EXPECT_EQ(from_json<Domains>(domains.dump()).error().message,
            "domains[1].balance.tree.ranges is not a count");
  domains["domains"][1]["balance"].erase("tree");
  EXPECT_EQ(from_json<Domains>(domains.dump()).error().message, "domains[1].balance.tree is missing");
}

TEST(JsonRead, ColumnsOfCpusAreEquallyLong) {
  Json json = Json::parse(domain_body());
  json["cpus"]["node"].push_back(0);
  EXPECT_EQ(from_json<DomainDetail>(json.dump()).error().message, "cpus.node is not as long as cpus.cpu");
  json = Json::parse(domain_body());
  json["cpus"]["loaded"][1].push_back(0);
  EXPECT_EQ(from_json<DomainDetail>(json.dump()).error().message, "cpus.loaded[1] does not have 6 entries");
}

TEST(JsonRead, UnknownMembersAreIgnored) {
  Json json = Json::parse(status_body());
  json["something_new"] = {1, 2, 3};
  json["kernel"]["something_new"] = "x";
  EXPECT_TRUE(from_json<Status>(json.dump()));
}

TEST(JsonRead, HostileTexts) {
  const std::string deep(200'000, '[');
  for (const std::string& text :
       {std::string(), std::string("<html>"), std::string("null"), std::string("[]"), std::string("\"x\""),
        deep, std::string("{\"a\":") + deep, std::string("{\"time\":1e999}"), std::string("{\"x\":\"\xff\"}"),
        std::string("{} {}"), std::string(1, '\0')}) {
    for (const Case& each : answers()) EXPECT_NE(each.problem(text), "") << text.substr(0, 20);
    EXPECT_FALSE(from_json<ErrorAnswer>(text));
  }
  EXPECT_EQ(from_json<Domains>(deep).error().message, "the response is nested too deeply");
  // Brackets inside strings do not count.
  EXPECT_TRUE(rewritten_json("{\"a\":\"" + std::string(100, '[') + "\\\"[\"}", Escape::controls));
}

TEST(JsonRead, TheErrorObject) {
  const auto answer =
      from_json<ErrorAnswer>(R"({"error":{"message":"no domain","hint":"see /api/v1/domains"}})");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error.message, "no domain");
  EXPECT_EQ(answer->error.hint, "see /api/v1/domains");
}

TEST(JsonRead, TheRulesOfTheSchemaAreEnforced) {
  const Json good = Json::parse(domains_body());
  const auto problem = [](const Json& json) { return from_json<Domains>(json.dump()).error().message; };
  Json json = good;
  json["domains"][0]["depot"]["kind"] = "leaky";
  EXPECT_EQ(problem(json), "domains[0].depot.kind is none of bounded, unbounded");
  json = good;
  json["domains"][0]["rates"]["frees"] = -0.5;
  EXPECT_EQ(problem(json), "domains[0].rates.frees is negative");
  json = good;
  json["domains"][0]["depot"]["magazines"].erase(0);
  EXPECT_EQ(problem(json), "domains[0].depot.magazines does not have 6 entries");
  json = good;
  json["domains"][0]["balance"]["unaccounted"]["ranges"] = 1.5;
  EXPECT_EQ(problem(json), "domains[0].balance.unaccounted.ranges is not an integer");
  json = good;
  json["domains"][0]["balance"]["tree"]["per_second"] = -7.5;
  json["time"] = -1.0;
  EXPECT_TRUE(from_json<Domains>(json.dump())) << "slopes and times may be negative";
  json = Json::parse(history_body());
  json["outstanding"].push_back(1);
  EXPECT_EQ(from_json<History>(json.dump()).error().message, "outstanding is not as long as tree");
}

}  // namespace
}  // namespace rcached::api
