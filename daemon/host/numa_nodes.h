// SPDX-License-Identifier: Apache-2.0
// Which NUMA node each CPU belongs to, from sysfs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace rcached {

// By CPU number; -1: not known. Empty where the kernel shows no nodes. Entries that make no sense are passed
// over.
std::vector<std::int16_t> read_numa_nodes(const std::filesystem::path& nodes = "/sys/devices/system/node");

}  // namespace rcached
