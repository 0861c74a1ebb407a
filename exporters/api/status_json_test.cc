// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/status_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "tests/kit/sample_view.h"

namespace rcached::api {
namespace {

using nlohmann::json;
using testing::hostile_view;
using testing::sample_view;

json status(const View& view, const ProcessFigures& process = {}) {
  return json::parse(status_body(view, process));
}

TEST(StatusJson, HasEveryValueFromItsPlace) {
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

TEST(StatusJson, LostIsTheSumOfItsCauses) {
  const json events = status(sample_view(kProfile61))["events"];
  std::uint64_t sum = 0;
  for (const auto& cause : events["lost_by"]) sum += cause.get<std::uint64_t>();
  EXPECT_EQ(events["lost"], sum);
}

TEST(StatusJson, WhatIsNotKnownIsNull) {
  const json empty = status(View{});
  EXPECT_TRUE(empty.at("time").is_null());
  EXPECT_TRUE(empty.at("started").is_null());
  EXPECT_TRUE(empty.at("reader").is_null());
  EXPECT_TRUE(empty["kernel"].at("online_cpus").is_null());
  for (const auto& figure : empty["process"]) EXPECT_TRUE(figure.is_null());
  EXPECT_EQ(empty["history"]["domains_left_out"], 0);
}

TEST(StatusJson, RunsAreNullWhenTheKernelDoesNotCountThem) {
  View view = sample_view(kProfile61);
  for (ProgramStatus& program : view.status.programs) program.runs = program.run_ns = 0;
  const json body = status(view);
  ASSERT_EQ(body["programs"].size(), 4u);
  for (const json& program : body["programs"]) {
    EXPECT_TRUE(program.at("runs").is_null());
    EXPECT_TRUE(program.at("seconds").is_null());
  }
  view.status.programs[3].runs = 1;
  EXPECT_EQ(status(view)["programs"][0]["runs"], 0) << "it counts, and this one has not run";
  EXPECT_EQ(status(view)["programs"][0]["seconds"], 0);
}

TEST(StatusJson, SaysWhyItIsNotReady) {
  View view = sample_view(kProfile61);
  view.status.ready = false;
  EXPECT_EQ(status(view)["not_ready_reason"], "the event source does not run yet");
  view.status.not_ready_reason = "attaching probes";
  EXPECT_EQ(status(view)["not_ready_reason"], "attaching probes");
  EXPECT_EQ(status(view)["ready"], false);
}

TEST(StatusJson, TheMarkOfUnboundedDepotsIsTheNumberOfOnlineCpus) {
  const json kernel = status(sample_view(kProfile612))["kernel"];
  EXPECT_EQ(kernel["depot"], "unbounded");
  EXPECT_EQ(kernel["depot_mark_magazines"], 8);
}

TEST(StatusJson, HostileNamesStayWhatTheyAreAsValidUtf8) {
  const View view = hostile_view();
  const json body = status(view);
  for (const char* name : {"version", "source", "mode"}) {
    EXPECT_EQ(body[name], valid_utf8(view.status.version)) << name;
  }
  EXPECT_EQ(body["kernel"]["release"], valid_utf8(view.kernel.release));
  EXPECT_EQ(body["programs"][0]["function"], valid_utf8(view.status.programs[0].function));
}

}  // namespace
}  // namespace rcached::api
