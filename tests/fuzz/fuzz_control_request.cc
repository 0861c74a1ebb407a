// SPDX-License-Identifier: Apache-2.0
// A request line on the control socket: the response is always one line with a JSON object.
#include <nlohmann/json.hpp>

#include "daemon/command/audit.h"
#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using fuzz::check;

namespace {

AuditReport report_for(const AuditRequest& request) {
  AuditReport report;
  if (request.domain != "" && request.domain != "4") return report;
  AuditReport::Domain domain;
  domain.label = "4";
  domain.completed = true;
  domain.tree_ranges = 7;
  domain.kernel.tree = {{1, 2}};
  report.domains = {domain};
  return report;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const AuditService service{report_for, [] { return std::vector<std::string>{"4", "iovad-2"}; }};
  const std::string answer = answer_control_request(fuzz::text_of(data, size), service);
  check(answer.find('\n') == std::string::npos, "the answer is one line", answer);
  const auto json = nlohmann::json::parse(answer, nullptr, false);
  check(json.is_object() && json.contains("error") != json.contains("domains"), "either an error or domains",
        answer);
  // The command can parse the daemon's response.
  const auto understood = parse_audit_answer(answer);
  check(understood.has_value() == json.contains("domains"), "the command can parse it", answer);
  if (!understood) check(!understood.error().message.empty(), "the error has a message", answer);
  return 0;
}
