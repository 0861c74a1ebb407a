// SPDX-License-Identifier: Apache-2.0
// What `rcached audit` and the daemon say to each other over the control socket: one JSON object each way.
//   request  {"command":"audit","domain":"3","contents":false}      domain and contents may be left out
//   answer   {"domains":[{"domain":"3","result":"clean",...}]}      or {"error":"...","hint":"...","code":1}
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "daemon/pipeline/audit_report.h"

namespace rcached {

std::string audit_request_text(const AuditRequest& request);

// What the daemon's side needs of the daemon.
struct AuditService {
  std::function<AuditReport(const AuditRequest&)> audit;
  std::function<std::vector<std::string>()>
      domains;  // their labels, to name them to who has asked for another
};

// The daemon's side: understands the request, has it done and turns the report into an answer. `service` is
// called for good requests only.
std::string answer_control_request(std::string_view request, const AuditService& service);

// One domain, as the command shows it.
struct AuditRow {
  std::string domain;
  std::string result;  // "clean", "repaired", "not completed"
  std::string why;     // when not completed
  AuditSnapshot::Drift drift;
  std::string confidence;
  std::uint64_t ranges = 0;
  std::uint64_t duration_ns = 0;
  std::vector<std::string> mirror, kernel;  // lines of contents_lines.h
};

struct AuditAnswer {
  std::vector<AuditRow> rows;
  std::string json;  // for --json; ends with a newline
};

// The command's side. Errors: what the daemon has answered, internal when it makes no sense.
Expected<AuditAnswer> parse_audit_answer(std::string_view text);

}  // namespace rcached
