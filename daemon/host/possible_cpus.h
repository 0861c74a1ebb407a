// SPDX-License-Identifier: Apache-2.0
// How many CPUs this machine can ever have: rings, per-CPU maps and magazines exist for each of them.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace rcached {

// 1 to RCACHED_MAX_CPUS. Errors: unknown_layout.
Expected<std::uint16_t> possible_cpus();

}  // namespace rcached
