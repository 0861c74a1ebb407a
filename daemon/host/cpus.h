// SPDX-License-Identifier: Apache-2.0
// The CPUs of this machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/error.h"

namespace rcached {

// How many CPUs this machine can ever have: rings, per-CPU maps and magazines exist for each of them.

// 1 to RCACHED_MAX_CPUS. Errors: unknown_layout.
Expected<std::uint16_t> possible_cpus();

// Which NUMA node each CPU belongs to, from sysfs.

// By CPU number; -1: not known. Empty where the kernel shows no nodes. Entries that make no sense are passed
// over.
std::vector<std::int16_t> read_numa_nodes(const std::filesystem::path& nodes = "/sys/devices/system/node");

}  // namespace rcached
