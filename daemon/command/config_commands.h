// SPDX-License-Identifier: Apache-2.0
// The commands about the configuration. Each prints to `out`, or returns an Error for the caller to print.
#pragma once

#include <cstdio>

#include "base/error.h"
#include "daemon/command/command_line.h"

namespace rcached {

// `rcached --check-config`: which files were read, and the configuration as it stands, every key shown. The
// web configuration file that it names is checked too. Errors: config.
Expected<void> check_config_command(const CommandLine& command_line, std::FILE* out);

// `rcached config show`: every value and where it comes from. Errors: config.
Expected<void> config_show_command(const CommandLine& command_line, std::FILE* out);

}  // namespace rcached
