// SPDX-License-Identifier: Apache-2.0
// The CPUs of this machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/error.h"

namespace rcached {

// The number of possible CPUs; each has a ring, per-CPU map slots and magazines.

// 1 to RCACHED_MAX_CPUS. Errors: unknown_layout.
Expected<std::uint16_t> possible_cpus();

// Which NUMA node each CPU belongs to, from sysfs.

// By CPU number; -1: unknown. Empty if the kernel shows no nodes. Invalid entries are skipped.
std::vector<std::int16_t> read_numa_nodes(const std::filesystem::path& nodes = "/sys/devices/system/node");

}  // namespace rcached
