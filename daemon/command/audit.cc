// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>

#include "daemon/service/control_client.h"

namespace rcached {
namespace {

// Longer than the daemon takes for an audit (kAuditLimit in run.cc) and for the one of another client before
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
              "ask again; where it goes on, raise audit.budget");
}

}  // namespace rcached
