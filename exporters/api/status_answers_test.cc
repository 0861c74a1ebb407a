// SPDX-License-Identifier: Apache-2.0
// Responses about rcached itself, histories and notes; for domains see answers_test.cc.
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "exporters/api/answers.h"
#include "exporters/api/json.h"
#include "tests/kit/sample_view.h"

namespace rcached::api {
namespace {

using nlohmann::json;
using testing::hostile_view;
using testing::sample_view;

json status(const View& view, const ProcessFigures& process = {}) {
  return json::parse(to_json(status_answer(view, process)));
}

TEST(StatusAnswer, MapsEveryValue) {
  const json is =
      status(sample_view(kProfile61), {.cpu_seconds = 1.5, .resident_bytes = 8192, .open_fds = 12});
  const json should = json::parse(R"({
    "time": 1700000001.0, "version": "0.1.0", "source": "kernel", "mode": "mirror", "ready": true,
    "not_ready_reason": null, "started": 1700000000,
    "kernel": {"release": "6.1.0-test", "depot": "bounded", "magazine_capacity": 127,
               "depot_mark_magazines": 32, "online_cpus": 8},
    "events": {"applied": 123456, "sent": 304, "received": 300, "lost": 30,
               "lost_by": {"ring_full": 4, "entry_missing": 6, "skipped": 11, "malformed": 9},
               "lag_seconds": 0.0025},
    "cpus": [{"cpu": 0, "sent": 101, "received": 100, "ring_full": 1, "entry_missing": 2},
             {"cpu": 3, "sent": 203, "received": 200, "ring_full": 3, "entry_missing": 4}],
    "programs": [
      {"function": "alloc_iova_fast", "method": "fexit", "runs": 10, "seconds": 4e-06, "skipped": 5},
      {"function": "alloc_iova_fast", "method": "fexit", "runs": 20, "seconds": 6e-06, "skipped": 6},
      {"function": "free_iova_fast", "method": "kprobe", "runs": 30, "seconds": 8e-06, "skipped": null},
      {"function": "alloc_iova", "method": "fentry", "runs": 5, "seconds": 1e-06, "skipped": 7}],
    "reader": {"reads": 500, "changed": 42, "faults": 43, "seconds": 0.044, "longest_seconds": 4.5e-05,
               "budget_seconds_per_second": 0.05},
    "process": {"cpu_seconds": 1.5, "resident_bytes": 8192, "open_fds": 12},
    "history": {"interval_seconds": 10, "points": 360, "domains_left_out": 1},
    "unattributed_flush_queue_drains": 41})");
  EXPECT_EQ(json::diff(should, is), json::array());
}

TEST(StatusAnswer, LostIsTheSumOfItsCauses) {
  const json events = status(sample_view(kProfile61))["events"];
  std::uint64_t sum = 0;
  for (const auto& cause : events["lost_by"]) sum += cause.get<std::uint64_t>();
  EXPECT_EQ(events["lost"], sum);
}

TEST(StatusAnswer, UnknownValuesAreNull) {
  const json empty = status(View{});
  EXPECT_TRUE(empty.at("time").is_null());
  EXPECT_TRUE(empty.at("started").is_null());
  EXPECT_TRUE(empty.at("reader").is_null());
  EXPECT_TRUE(empty["kernel"].at("online_cpus").is_null());
  for (const auto& figure : empty["process"]) EXPECT_TRUE(figure.is_null());
  EXPECT_EQ(empty["history"]["domains_left_out"], 0);
}

TEST(StatusAnswer, RunsAreNullWhenTheKernelDoesNotCountThem) {
  View view = sample_view(kProfile61);
  for (ProgramStatus& program : view.status.programs) program.runs = program.run_ns = 0;
  const json body = status(view);
  ASSERT_EQ(body["programs"].size(), 4u);
  for (const json& program : body["programs"]) {
    EXPECT_TRUE(program.at("runs").is_null());
    EXPECT_TRUE(program.at("seconds").is_null());
  }
  view.status.programs[3].runs = 1;
  EXPECT_EQ(status(view)["programs"][0]["runs"], 0) << "counting is enabled, and this program has not run";
  EXPECT_EQ(status(view)["programs"][0]["seconds"], 0);
}

TEST(StatusAnswer, ReportsWhyItIsNotReady) {
  View view = sample_view(kProfile61);
  view.status.ready = false;
  EXPECT_EQ(status(view)["not_ready_reason"], "the event source is not running yet");
  view.status.not_ready_reason = "attaching probes";
  EXPECT_EQ(status(view)["not_ready_reason"], "attaching probes");
  EXPECT_EQ(status(view)["ready"], false);
}

TEST(StatusAnswer, TheMarkOfUnboundedDepotsIsTheNumberOfOnlineCpus) {
  const json kernel = status(sample_view(kProfile612))["kernel"];
  EXPECT_EQ(kernel["depot"], "unbounded");
  EXPECT_EQ(kernel["depot_mark_magazines"], 8);
}

TEST(StatusAnswer, HostileNamesBecomeValidUtf8) {
  const View view = hostile_view();
  const json body = status(view);
  for (const char* name : {"version", "source", "mode"}) {
    EXPECT_EQ(body[name], valid_utf8(view.status.version)) << name;
  }
  EXPECT_EQ(body["kernel"]["release"], valid_utf8(view.kernel.release));
  EXPECT_EQ(body["programs"][0]["function"], valid_utf8(view.status.programs[0].function));
}

json history(const View& view, std::size_t position) {
  return json::parse(to_json(history_answer(view, named_domains(view).at(position))));
}

TEST(HistoryAnswer, MapsEverySeries) {
  const json should = json::parse(R"({
    "domain": "4", "interval_seconds": 10, "first": 1699999980,
    "tree": [100, 200, 300], "outstanding": [10, 20, 30], "cpu_cached": [80, 170, 260],
    "depot_cached": [5, 5, 5], "allocations_per_second": [1000, 2000, 3000],
    "overflows_per_second": [0, 0.5, 2.5], "tree_allocation_mean": [null, 1.5e-06, 2.5e-06],
    "tree_allocation_p99": [null, 1e-05, 2.5e-05]})");
  EXPECT_EQ(json::diff(should, history(sample_view(kProfile61), 0)), json::array());
}

TEST(HistoryAnswer, WithoutPointsTheArraysAreEmpty) {
  const json should = json::parse(R"({
    "domain": "iovad-2", "interval_seconds": 10, "first": null, "tree": [], "outstanding": [],
    "cpu_cached": [], "depot_cached": [], "allocations_per_second": [], "overflows_per_second": [],
    "tree_allocation_mean": [], "tree_allocation_p99": []})");
  View view = sample_view(kProfile61);
  EXPECT_EQ(history(view, 1), should) << "left out";
  view.history = nullptr;
  EXPECT_EQ(history(view, 1), should) << "no history at all";
}

TEST(HistoryAnswer, NumbersHaveOnlyTheDigitsOfAFloat) {
  View view = sample_view(kProfile61);
  rcached::History changed = *view.history;
  changed.domains[0].tree_ranges = {0.1f, 16'777'216.0f, 3e38f, std::numeric_limits<float>::infinity()};
  view.history = std::make_shared<const rcached::History>(std::move(changed));
  const std::string body = to_json(history_answer(view, named_domains(view).at(0)));
  EXPECT_NE(body.find("\"tree\":[0.1,16777216.0,3e+38,null]"), std::string::npos) << body;
}

TEST(HistoryAnswer, TheIntervalIsThatOfTheHistory) {
  View view = sample_view(kProfile61);
  rcached::History changed = *view.history;
  changed.interval_s = 60;
  view.history = std::make_shared<const rcached::History>(std::move(changed));
  EXPECT_EQ(history(view, 0)["interval_seconds"], 60);
}

json notes(const View& view, std::optional<std::uint64_t> after = std::nullopt) {
  return json::parse(to_json(notes_answer(view, after)));
}

TEST(NotesAnswer, NewestFirstWithEveryValue) {
  const json should = json::parse(R"({"time": 1700000001.0, "notes": [
    {"number": 8, "time": 1700000001.456, "kind": "depot-overflow", "domain": "4",
     "text": "the depot of order 2 is full"},
    {"number": 7, "time": 1700000000.123, "kind": "events-lost", "domain": null,
     "text": "3 events were lost"}]})");
  EXPECT_EQ(json::diff(should, notes(sample_view(kProfile61))), json::array());
}

TEST(NotesAnswer, AfterOmitsOlderNotes) {
  const View view = sample_view(kProfile61);
  EXPECT_EQ(notes(view, 0)["notes"].size(), 2u);
  EXPECT_EQ(notes(view, 6)["notes"].size(), 2u);
  ASSERT_EQ(notes(view, 7)["notes"].size(), 1u);
  EXPECT_EQ(notes(view, 7)["notes"][0]["number"], 8);
  EXPECT_EQ(notes(view, 8)["notes"].size(), 0u);
}

TEST(NotesAnswer, NoneIsAnEmptyArray) {
  const json expected = {{"time", nullptr}, {"notes", json::array()}};
  EXPECT_EQ(notes(View{}), expected);
}

TEST(NotesAnswer, InvalidUtf8IsReplaced) {
  View view = sample_view(kProfile61);
  view.notes = std::make_shared<const std::vector<rcached::Note>>(std::vector<rcached::Note>{
      {.number = 1, .unix_ms = 0, .kind = "\xff", .domain = "\xfe", .text = "a\xc3\"b"}});
  const json note = notes(view)["notes"][0];
  EXPECT_EQ(note["kind"], "\xef\xbf\xbd");
  EXPECT_EQ(note["domain"], "\xef\xbf\xbd");
  EXPECT_EQ(note["text"], "a\xef\xbf\xbd\"b");
}

}  // namespace
}  // namespace rcached::api
