// SPDX-License-Identifier: Apache-2.0
// `rcached top`: the data of the live page in a terminal. Queries a running daemon over its HTTP API, or
// (--source) traces the allocator in this process.
//
//   on a terminal     a live screen, until q or a signal
//   elsewhere         plain screens one after another, one per --interval (also with TERM=dumb)
//   --json            one JSON object per snapshot, each on one line
//   --once            one plain screen, or one line of JSON
#pragma once

#include <cstdio>

#include "base/error.h"
#include "daemon/command/command_line.h"

namespace rcached {

// SIGINT, SIGTERM, SIGHUP and a closed pipe end it without an error, with the terminal restored. Call it
// before the process has other threads.
// Errors: usage (no such domain, no password), config, permission (refused by the daemon), internal (no
// answer); with --source also those of `rcached run`.
Expected<void> top_command(const CommandLine& command_line, std::FILE* out);

}  // namespace rcached
