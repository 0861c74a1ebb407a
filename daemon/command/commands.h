// SPDX-License-Identifier: Apache-2.0
// The short commands. Each prints to `out` and returns the exit code, or an Error for the caller to print.
#pragma once

#include <cstdio>

#include "base/error.h"
#include "daemon/command/command_line.h"

namespace rcached {

// `rcached check`: the preflight's report; the code of its first failure.
ErrorCode check_command(const CommandLine& command_line, std::FILE* out);

// `rcached domains`: the groups whose domains can be traced. Errors: no_iommu.
Expected<void> domains_command(const CommandLine& command_line, std::FILE* out);

}  // namespace rcached
