// SPDX-License-Identifier: Apache-2.0
// `rcached run`: connects source, pipeline, HTTP server and control socket and runs until a signal ends it.
//
// Order: configuration, lock, IOMMU, permission, source, HTTP server, control socket, READY; each failure
// ends the start with an error and cleans up. The shutdown is the reverse; it is aborted after eight seconds.
#pragma once

#include "base/error.h"
#include "daemon/command/command_line.h"

namespace rcached {

// Returns when SIGINT, SIGTERM or (from a terminal) SIGHUP has ended it cleanly; elsewhere SIGHUP reloads.
// Call it before the process has other threads.
Expected<void> run_command(const CommandLine& command_line);

}  // namespace rcached
