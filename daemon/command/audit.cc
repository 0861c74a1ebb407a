// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/audit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "daemon/config/values.h"
#include "daemon/service/control_client.h"

namespace rcached {

namespace {

class Digest {
 public:
  void add(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001b3; }
  void add(const Pfns& pfns) {
    for (const std::uint64_t pfn : pfns) add(pfn);
  }
  std::string text() const { return fmt::format("{:016x}", hash_); }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

}  // namespace

std::vector<std::string> contents_lines(std::string_view domain, const DomainContents& contents) {
  std::vector<std::string> lines;
  for (const CpuContents& cpu : contents.cpus) {
    for (unsigned order = 0; order < kCachedOrders; ++order) {
      const auto& [loaded, prev] = cpu.orders[order];
      if (loaded.empty() && prev.empty()) continue;
      Digest digest;
      digest.add(loaded);
      digest.add(prev);
      lines.push_back(fmt::format("cpu {} {} {} {} {} {}", domain, order, cpu.cpu, loaded.size(), prev.size(),
                                  digest.text()));
    }
  }
  for (unsigned order = 0; order < kCachedOrders; ++order) {
    const std::vector<Pfns>& depot = contents.depots[order];
    if (depot.empty()) continue;
    Digest digest;
    for (const Pfns& magazine : depot) digest.add(magazine);
    lines.push_back(fmt::format("depot {} {} {} {}", domain, order, depot.size(), digest.text()));
  }
  Digest digest;
  for (const TreeRange& range : contents.tree) {
    digest.add(range.lo);
    digest.add(range.hi);
  }
  lines.push_back(fmt::format("tree {} {} {}", domain, contents.tree.size(), digest.text()));
  return lines;
}

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
                  "use the 'rcached' binary of the running version");
    }
  }
  if (!known) return fail(ErrorCode::usage, "the request has no known command", "known: audit");
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
  // After an incomplete audit they prove nothing.
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
           fmt::format("known domains: {}",
                       labels.empty() ? "none yet" : fmt::format("{}", fmt::join(labels, ", ")))});
    }
  }
  if (!report.unavailable.empty()) {
    return error_text({ErrorCode::internal, fmt::format("nothing can be audited: {}", report.unavailable),
                       "see Audits in docs/config.md for the requirements"});
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
    return fail(ErrorCode::internal, fmt::format("cannot parse the answer: {}", printable(error.what())),
                "restart rcached if it was upgraded while running");
  }
}

namespace {

// Longer than the daemon's limit for one audit (kAuditLimit in run.cc) plus that of another client before
// it.
constexpr std::chrono::seconds kAnswerLimit{150};

constexpr std::string_view kNotCompleted = "not completed";

std::string format_time(std::uint64_t ns) {
  const double seconds = static_cast<double>(ns) * 1e-9;
  return seconds < 1 ? fmt::format("{:.1f} ms", seconds * 1e3) : fmt::format("{:.1f} s", seconds);
}

std::string sorted_lines(const std::vector<AuditRow>& rows, std::vector<std::string> AuditRow::*part,
                         std::string_view prefix) {
  std::vector<std::string> lines;
  for (const AuditRow& row : rows) lines.insert(lines.end(), (row.*part).begin(), (row.*part).end());
  std::sort(lines.begin(), lines.end());
  std::string out;
  for (const std::string& line : lines) out += fmt::format("{} {}\n", prefix, line);
  return out;
}

}  // namespace

std::string format_audit(const std::vector<AuditRow>& rows) {
  std::string out =
      fmt::format("{:<8} {:>9} {:>7} {:>7} {:>7} {:>7} {:>7}  {:<13}  {:<10}  {}\n", "DOMAIN", "RANGES",
                  "LOADED", "PREV", "DEPOT", "TREE", "FQ", "RESULT", "CONFIDENCE", "TIME");
  for (const AuditRow& row : rows) {
    out += fmt::format("{:<8} {:>9} {:>7} {:>7} {:>7} {:>7} {:>7}  {:<13}  {:<10}  {}\n", row.domain,
                       row.ranges, row.drift.loaded, row.drift.prev, row.drift.depot, row.drift.tree,
                       row.drift.fq, row.result, row.confidence, format_time(row.duration_ns));
  }
  for (const AuditRow& row : rows) {
    if (row.result == kNotCompleted) out += fmt::format("{} {}: {}\n", row.domain, row.result, row.why);
  }
  return out;
}

std::string format_contents(const std::vector<AuditRow>& rows) {
  return sorted_lines(rows, &AuditRow::mirror, "mirror") + sorted_lines(rows, &AuditRow::kernel, "kernel");
}

Expected<void> audit_command(const CommandLine& command_line, std::FILE* out) {
  RCACHED_TRY(const auto loaded, load_config(config_request(command_line)));
  const std::string request = audit_request_text({command_line.domain, command_line.contents});
  RCACHED_TRY(const auto text, ask_daemon(loaded.config.run_directory, request, kAnswerLimit));
  RCACHED_TRY(const auto answer, parse_audit_answer(text));

  fmt::print(out, "{}", command_line.json ? answer.json : format_audit(answer.rows));
  if (command_line.contents && !command_line.json) fmt::print(out, "{}", format_contents(answer.rows));
  const auto failed = std::count_if(answer.rows.begin(), answer.rows.end(),
                                    [](const AuditRow& row) { return row.result == kNotCompleted; });
  if (failed == 0) return {};
  return fail(ErrorCode::internal, fmt::format("{} of {} domains not audited", failed, answer.rows.size()),
              "try again; if this persists, raise audit.budget");
}

}  // namespace rcached
