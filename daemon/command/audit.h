// SPDX-License-Identifier: Apache-2.0
// `rcached audit`: has the running daemon compare its mirror with kernel memory now, and shows what it found.
// Both sides of the control socket's protocol, and the text forms of an answer.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/contents.h"
#include "base/error.h"
#include "daemon/command/command_line.h"
#include "daemon/pipeline/audit_report.h"

namespace rcached {

// The contents of a domain as lines of text that can be compared between programs: one for each CPU's rcache,
// depot and tree, with a digest of all its pfns. The format is an interface: the test oracle in the kernel
// prints the same lines.
//
//   cpu DOMAIN ORDER CPU LOADED PREV HASH    for every CPU and order with LOADED + PREV > 0
//   depot DOMAIN ORDER MAGAZINES HASH        for every order with MAGAZINES > 0
//   tree DOMAIN RANGES HASH
//
// HASH is 16 lower-case hex digits, FNV-1a over 64-bit values instead of bytes: h = 0xcbf29ce484222325, and
// for each value v: h = (h ^ v) * 0x100000001b3. Values, in this order: cpu: the pfns of loaded from the
// bottom to the top, then those of prev; depot: its magazines from the bottom to the top, the pfns of each
// from the bottom to the top; tree: lo and hi of each range, ascending. Pure.

// Unsorted.
std::vector<std::string> contents_lines(std::string_view domain, const DomainContents& contents);

// Messages between `rcached audit` and the daemon over the control socket: one JSON object each way.
//   request  {"command":"audit","domain":"3","contents":false}      domain and contents are optional
//   answer   {"domains":[{"domain":"3","result":"clean",...}]}      or {"error":"...","hint":"...","code":1}
// Pure functions; any thread.

std::string audit_request_text(const AuditRequest& request);

// The daemon's functions that the server side uses.
struct AuditService {
  std::function<AuditReport(const AuditRequest&)> audit;
  std::function<std::vector<std::string>()> domains;  // their labels, for the hint about an unknown domain
};

// The daemon's side: parses the request, runs it and turns the report into an answer. `service` is called for
// valid requests only.
std::string answer_control_request(std::string_view request, const AuditService& service);

// One domain in the output of the command.
struct AuditRow {
  std::string domain;
  std::string result;  // "clean", "repaired", "not completed"
  std::string why;     // when not completed
  AuditSnapshot::Drift drift;
  std::string confidence;
  std::uint64_t ranges = 0;
  std::uint64_t duration_ns = 0;
  std::vector<std::string> mirror, kernel;  // lines of contents_lines()
};

struct AuditAnswer {
  std::vector<AuditRow> rows;
  std::string json;  // for --json; ends with a newline
};

// The client's side. Errors: the error in the answer, internal when the answer is invalid.
Expected<AuditAnswer> parse_audit_answer(std::string_view text);

// `rcached audit`: has the running daemon compare its mirror with kernel memory now, and shows what it found.

// Prints to `out`. No error: every domain was audited, clean or repaired. Errors: config; usage (no such
// domain); permission; internal (no daemon answers, nothing can be audited, some domain was not completed).
Expected<void> audit_command(const CommandLine& command_line, std::FILE* out);

// A header line, one line per domain, one more for each that was not completed. Differences are in ranges, by
// part.
std::string format_audit(const std::vector<AuditRow>& rows);

// The lines of the mirror with the prefix "mirror ", then those read from the kernel with "kernel ", each
// sorted by bytes.
std::string format_contents(const std::vector<AuditRow>& rows);

}  // namespace rcached
