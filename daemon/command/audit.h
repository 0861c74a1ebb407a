// SPDX-License-Identifier: Apache-2.0
// `rcached audit`: has the running daemon compare its mirror with kernel memory now, and shows what it found.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "base/error.h"
#include "daemon/command/audit_protocol.h"
#include "daemon/command/command_line.h"

namespace rcached {

// Prints to `out`. No error: every domain was audited, clean or repaired. Errors: config; usage (no such
// domain); permission; internal (no daemon answers, nothing can be audited, some domain was not completed).
Expected<void> audit_command(const CommandLine& command_line, std::FILE* out);

// A line of titles, one per domain, one more for each that was not completed. Differences are in ranges, by
// part.
std::string format_audit(const std::vector<AuditRow>& rows);

// All lines of the mirror with the prefix "mirror ", then those of the kernel's reading with "kernel ", each
// sorted by bytes.
std::string format_contents(const std::vector<AuditRow>& rows);

}  // namespace rcached
