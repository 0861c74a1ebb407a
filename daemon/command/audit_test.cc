// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <optional>

namespace rcached {

namespace {

using testing::ElementsAre;

// The digests were computed by a separate Python program from the format in the header.
TEST(ContentsLines, OnePerCpuDepotAndTree) {
  DomainContents contents;
  CpuContents& cpu0 = contents.cpus.emplace_back();
  cpu0.orders[0] = {{0xfffff, 0xffffe}, {0xffffd}};
  cpu0.orders[5] = {{}, {0xffe00}};
  CpuContents& cpu7 = contents.cpus.emplace_back();
  cpu7.cpu = 7;
  cpu7.orders[0] = {{0xffffc}, {}};
  contents.cpus.emplace_back().cpu = 8;  // empty
  contents.depots[1] = {{1, 2}, {3, 4}};
  contents.tree = {{0x10, 0x1f}, {0xffffd, 0xfffff}};
  EXPECT_THAT(contents_lines("3", contents),
              ElementsAre("cpu 3 0 0 2 1 08aa6b7b2a5e92d7", "cpu 3 5 0 0 1 bb1dbd4c99eec5df",
                          "cpu 3 0 7 1 0 bb1d714c99ee44bb", "depot 3 1 2 be7a5e775165785d",
                          "tree 3 2 217e90fb773a8378"));
}

TEST(ContentsLines, AnEmptyDomainHasAnEmptyTree) {
  EXPECT_THAT(contents_lines("iovad-2", {}), ElementsAre("tree iovad-2 0 cbf29ce484222325"));
}

TEST(ContentsLines, CountsDifferWhenDigestsMatch) {
  const auto line = [](Pfns loaded, Pfns prev) {
    DomainContents contents;
    contents.cpus.emplace_back().orders[0] = {std::move(loaded), std::move(prev)};
    return contents_lines("1", contents).front();
  };
  EXPECT_NE(line({1, 2}, {}), line({2, 1}, {}));
  EXPECT_NE(line({1}, {2}), line({1, 2}, {}));  // same digest, different counts
  EXPECT_EQ(line({1}, {2}).substr(14), line({1, 2}, {}).substr(14));
}

AuditReport sample_report() {
  AuditReport report;
  AuditReport::Domain& clean = report.domains.emplace_back();
  clean.label = "3";
  clean.completed = true;
  clean.confidence = Confidence::exact;
  clean.tree_ranges = 4096;
  clean.duration_ns = 12'340'000;
  clean.read_ns = 2'000'000;
  clean.mirror.tree = clean.kernel.tree = {{1, 2}};
  clean.kernel.cpus.emplace_back().orders[0].loaded = {7};
  AuditReport::Domain& repaired = report.domains.emplace_back();
  repaired.label = "14";
  repaired.completed = true;
  repaired.drift = {.loaded = 1, .prev = 2, .depot = 127, .tree = 4, .fq = 5};
  repaired.confidence = Confidence::resynced;
  repaired.tree_ranges = 70'000;
  repaired.duration_ns = 2'500'000'000;
  return report;
}

AuditReport with_one_not_completed() {
  AuditReport report = sample_report();
  report.domains[0].completed = false;
  report.domains[0].why = "it changed during every attempt";
  report.domains[0].confidence = Confidence::lossy;
  return report;
}

Expected<AuditAnswer> ask(const AuditRequest& request, const AuditReport& report) {
  return parse_audit_answer(
      answer_control_request(audit_request_text(request), {[&](const AuditRequest&) { return report; },
                                                           [] {
                                                             return std::vector<std::string>{"3", "14"};
                                                           }}));
}

std::string refusal(const Expected<AuditAnswer>& answer) {
  return answer ? "accepted"
                : std::to_string(static_cast<int>(answer.error().code)) + " " + answer.error().message +
                      "; " + answer.error().hint;
}

TEST(AuditProtocol, TheRequestArrives) {
  for (const AuditRequest& sent :
       {AuditRequest{"", false}, AuditRequest{"iovad-2", true}, AuditRequest{"\"\n\xff", false}}) {
    const std::string text = audit_request_text(sent);
    EXPECT_EQ(text.find('\n'), std::string::npos);
    std::optional<AuditRequest> got;
    const auto note = [&](const AuditRequest& request) {
      got = request;
      return AuditReport();
    };
    answer_control_request(text, {note, [] { return std::vector<std::string>(); }});
    ASSERT_TRUE(got);
    EXPECT_EQ(got->domain, sent.domain == "\"\n\xff" ? "\"\n\xef\xbf\xbd" : sent.domain);
    EXPECT_EQ(got->contents, sent.contents);
  }
}

TEST(AuditProtocol, RejectsInvalidRequests) {
  struct Row {
    const char* request;
    const char* refusal;
  };
  for (
      const Row& row : {
          Row{"", "2 the request is not a JSON object; "},
          Row{"audit", "2 the request is not a JSON object; "},
          Row{"[]", "2 the request is not a JSON object; "},
          Row{"{}", "2 the request has no known command; known: audit"},
          Row{R"({"command":"reboot"})", "2 the request has no known command; known: audit"},
          Row{R"({"command":1})",
              "2 'command' of the request is not understood; use the 'rcached' binary of the running "
              "version"},
          Row{R"({"command":"audit","domain":3})",
              "2 'domain' of the request is not understood; use the 'rcached' binary of the running version"},
          Row{R"({"command":"audit","repair":false})",
              "2 'repair' of the request is not understood; use the 'rcached' binary of the running version"},
      }) {
    const auto never = [](const AuditRequest&) -> AuditReport {
      ADD_FAILURE() << "done";
      return {};
    };
    EXPECT_EQ(refusal(parse_audit_answer(answer_control_request(row.request, {never, nullptr}))), row.refusal)
        << row.request;
  }
  const std::string deep(4096, '[');
  EXPECT_EQ(answer_control_request(deep, {}).substr(0, 9), "{\"error\":");
}

TEST(AuditProtocol, ReportsArriveWhole) {
  const auto answer = ask({}, sample_report());
  ASSERT_TRUE(answer) << answer.error().message;
  ASSERT_EQ(answer->rows.size(), 2u);
  const AuditRow& row = answer->rows[1];
  EXPECT_EQ(row.domain, "14");
  EXPECT_EQ(row.result, "repaired");
  EXPECT_EQ(row.drift, (AuditSnapshot::Drift{1, 2, 127, 4, 5}));
  EXPECT_EQ(row.confidence, "resynced");
  EXPECT_EQ(row.ranges, 70'000u);
  EXPECT_EQ(row.duration_ns, 2'500'000'000u);
  EXPECT_TRUE(row.mirror.empty()) << "contents only on request";

  const auto json = nlohmann::json::parse(answer->json);
  EXPECT_EQ(json["domains"][0]["result"], "clean");
  EXPECT_EQ(json["domains"][0]["read_ns"], 2'000'000);
  EXPECT_EQ(json["domains"][1]["drift"]["depot"], 127);
  EXPECT_FALSE(json["domains"][0].contains("mirror"));
}

TEST(AuditProtocol, ReportsWhyAnAuditIsImpossible) {
  AuditReport report;
  report.unavailable = "the event source 'synthetic' has no kernel memory to read";
  const std::string nothing =
      "1 nothing can be audited: the event source 'synthetic' has no kernel memory to read; see Audits in "
      "docs/config.md for the requirements";
  EXPECT_EQ(refusal(ask({}, report)), nothing);
  EXPECT_EQ(refusal(ask({"14", false}, report)), nothing);
  EXPECT_EQ(refusal(ask({"17", false}, report)), "2 there is no domain '17'; known domains: 3, 14");
  EXPECT_EQ(refusal(ask({"17", false}, {})), "2 there is no domain '17'; known domains: 3, 14");
  EXPECT_TRUE(ask({}, {})) << "having no domain yet is not an error";
}

TEST(AuditProtocol, InvalidAnswers) {
  for (const char* text :
       {"", "{}", "[]", "{\"domains\":3}", "{\"domains\":[{}]}", "{\"error\":{}}", "nonsense"}) {
    const auto answer = parse_audit_answer(text);
    ASSERT_FALSE(answer) << text;
    EXPECT_EQ(answer.error().code, ErrorCode::internal);
  }
  EXPECT_EQ(refusal(parse_audit_answer(R"({"error":"no","code":77})")), "1 no; ");
}

TEST(AuditTable, OneLinePerDomain) {
  EXPECT_EQ(format_audit(ask({}, sample_report())->rows),
            "DOMAIN      RANGES  LOADED    PREV   DEPOT    TREE      FQ  RESULT         CONFIDENCE  TIME\n"
            "3             4096       0       0       0       0       0  clean          exact       12.3 ms\n"
            "14           70000       1       2     127       4       5  repaired       resynced    2.5 s\n");
}

TEST(AuditTable, ShowsWhyADomainWasNotCompleted) {
  EXPECT_EQ(format_audit(ask({}, with_one_not_completed())->rows),
            "DOMAIN      RANGES  LOADED    PREV   DEPOT    TREE      FQ  RESULT         CONFIDENCE  TIME\n"
            "3             4096       0       0       0       0       0  not completed  lossy       12.3 ms\n"
            "14           70000       1       2     127       4       5  repaired       resynced    2.5 s\n"
            "3 not completed: it changed during every attempt\n");
}

TEST(AuditContents, TheMirrorAndThenTheKernelSorted) {
  EXPECT_EQ(format_contents(ask({"", true}, sample_report())->rows),
            "mirror tree 14 0 cbf29ce484222325\n"
            "mirror tree 3 1 082f2407b4e8902a\n"
            "kernel cpu 3 0 0 1 0 af63ba4c8601b2c6\n"
            "kernel tree 14 0 cbf29ce484222325\n"
            "kernel tree 3 1 082f2407b4e8902a\n");
  EXPECT_EQ(format_contents(ask({"", true}, with_one_not_completed())->rows),
            "mirror tree 14 0 cbf29ce484222325\n"
            "kernel tree 14 0 cbf29ce484222325\n")
      << "no contents of a domain that was not completed";
}

}  // namespace

}  // namespace rcached
