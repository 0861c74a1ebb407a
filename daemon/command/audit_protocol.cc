// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/audit_protocol.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "daemon/command/contents_lines.h"
#include "daemon/config/values.h"

namespace rcached {
namespace {

using Json = nlohmann::ordered_json;

std::string line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string error_text(const Error& error) {
  return line({{"error", error.message}, {"hint", error.hint}, {"code", static_cast<int>(error.code)}});
}

Expected<AuditRequest> parse_request(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return fail(ErrorCode::usage, "the request is not a JSON object");
  AuditRequest request;
  bool known = false;
  for (const auto& [key, value] : json.items()) {
    if (key == "command" && value.is_string()) {
      known = value == "audit";
    } else if (key == "domain" && value.is_string()) {
      request.domain = value.get<std::string>();
    } else if (key == "contents" && value.is_boolean()) {
      request.contents = value.get<bool>();
    } else {
      return fail(ErrorCode::usage, fmt::format("'{}' of the request is not understood", printable(key)),
                  "use an 'rcached' of the version that runs");
    }
  }
  if (!known) return fail(ErrorCode::usage, "the request names no known command", "known: audit");
  return request;
}

const char* result_of(const AuditReport::Domain& domain) {
  if (!domain.completed) return "not completed";
  return domain.drift.sum() == 0 ? "clean" : "repaired";
}

Json domain_json(const AuditReport::Domain& domain, bool contents) {
  const AuditSnapshot::Drift& drift = domain.drift;
  Json json = {{"domain", domain.label}, {"result", result_of(domain)}};
  if (!domain.completed) json["why"] = domain.why;
  json["ranges"] = domain.tree_ranges;
  json["drift"] = {{"loaded", drift.loaded},
                   {"prev", drift.prev},
                   {"depot", drift.depot},
                   {"tree", drift.tree},
                   {"fq", drift.fq}};
  json["confidence"] = to_string(domain.confidence);
  json["duration_ns"] = domain.duration_ns;
  json["read_ns"] = domain.read_ns;
  // Of half an audit they would prove nothing.
  if (contents && domain.completed) {
    json["mirror"] = contents_lines(domain.label, domain.mirror);
    json["kernel"] = contents_lines(domain.label, domain.kernel);
  }
  return json;
}

AuditRow row_of(const Json& json) {
  AuditRow row;
  row.domain = json.at("domain").get<std::string>();
  row.result = json.at("result").get<std::string>();
  row.why = json.value("why", "");
  const Json& drift = json.at("drift");
  row.drift = {drift.at("loaded").get<std::uint64_t>(), drift.at("prev").get<std::uint64_t>(),
               drift.at("depot").get<std::uint64_t>(), drift.at("tree").get<std::uint64_t>(),
               drift.at("fq").get<std::uint64_t>()};
  row.confidence = json.at("confidence").get<std::string>();
  row.ranges = json.at("ranges").get<std::uint64_t>();
  row.duration_ns = json.at("duration_ns").get<std::uint64_t>();
  row.mirror = json.value("mirror", std::vector<std::string>());
  row.kernel = json.value("kernel", std::vector<std::string>());
  return row;
}

}  // namespace

std::string audit_request_text(const AuditRequest& request) {
  Json json = {{"command", "audit"}};
  if (!request.domain.empty()) json["domain"] = request.domain;
  if (request.contents) json["contents"] = true;
  return line(json);
}

std::string answer_control_request(std::string_view text, const AuditService& service) {
  const auto request = parse_request(text);
  if (!request) return error_text(request.error());
  const AuditReport report = service.audit(*request);
  if (report.domains.empty() && !request->domain.empty()) {
    const std::vector<std::string> labels = service.domains();
    if (std::find(labels.begin(), labels.end(), request->domain) == labels.end()) {
      return error_text(
          {ErrorCode::usage, fmt::format("there is no domain '{}'", printable(request->domain)),
           fmt::format("there are: {}",
                       labels.empty() ? "none yet" : fmt::format("{}", fmt::join(labels, ", ")))});
    }
  }
  if (!report.unavailable.empty()) {
    return error_text({ErrorCode::internal, fmt::format("nothing can be audited: {}", report.unavailable),
                       "docs/config.md says under Audits what it takes"});
  }
  Json domains = Json::array();
  for (const AuditReport::Domain& domain : report.domains)
    domains.push_back(domain_json(domain, request->contents));
  return line({{"domains", std::move(domains)}});
}

Expected<AuditAnswer> parse_audit_answer(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    if (json.contains("error")) {
      const int code = json.value("code", static_cast<int>(ErrorCode::internal));
      const bool listed = code > 0 && code <= static_cast<int>(ErrorCode::second_instance);
      return fail(listed ? static_cast<ErrorCode>(code) : ErrorCode::internal,
                  json.at("error").get<std::string>(), json.value("hint", ""));
    }
    AuditAnswer answer;
    for (const Json& domain : json.at("domains")) answer.rows.push_back(row_of(domain));
    answer.json = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    return answer;
  } catch (const Json::exception& error) {
    return fail(ErrorCode::internal, fmt::format("the answer is not understood: {}", printable(error.what())),
                "restart rcached if it was upgraded while it ran");
  }
}

}  // namespace rcached
