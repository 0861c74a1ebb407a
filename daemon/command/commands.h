// SPDX-License-Identifier: Apache-2.0
// The short commands. Each prints to `out`, and returns the exit code or an Error for the caller to print.
#pragma once

#include <cstdio>

#include "base/error.h"
#include "daemon/command/command_line.h"

namespace rcached {

// The short commands. Each prints to `out` and returns the exit code, or an Error for the caller to print.

// `rcached check`: the preflight's report; the code of its first failure.
ErrorCode check_command(const CommandLine& command_line, std::FILE* out);

// `rcached domains`: the groups whose domains can be traced. Errors: no_iommu.
Expected<void> domains_command(const CommandLine& command_line, std::FILE* out);

// The commands about the configuration. Each prints to `out`, or returns an Error for the caller to print.

// `rcached --check-config`: which files were read, and the effective configuration with every key. Also
// checks the web configuration file that it names. Errors: config.
Expected<void> check_config_command(const CommandLine& command_line, std::FILE* out);

// `rcached config show`: every value and its origin. Errors: config.
Expected<void> config_show_command(const CommandLine& command_line, std::FILE* out);

}  // namespace rcached
