// SPDX-License-Identifier: Apache-2.0
// The CPUs of this machine.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/error.h"

namespace rcached {

// The possible CPUs; each has a ring, per-CPU map slots and magazines. Their ids may have gaps ("0-3,8-11"), so what is
// indexed by CPU has end() elements, and what exists once for each CPU exists count() times.
struct PossibleCpus {
  std::vector<std::uint16_t> ids;  // ascending, at least one, each below RCACHED_MAX_CPUS

  std::uint32_t count() const { return static_cast<std::uint32_t>(ids.size()); }
  std::uint16_t end() const { return static_cast<std::uint16_t>(ids.back() + 1); }
  bool contains(std::uint16_t cpu) const { return std::binary_search(ids.begin(), ids.end(), cpu); }

  // By CPU id, from `values`, which has `stride` bytes for each possible CPU, one after the other (as the kernel copies
  // the values of a per-CPU map). The other ids have a T{}.
  template <typename T>
  std::vector<T> by_id(const std::vector<char>& values, std::size_t stride) const {
    std::vector<T> result(end());
    for (std::size_t i = 0; i < ids.size() && i * stride + sizeof(T) <= values.size(); ++i)
      std::memcpy(&result[ids[i]], values.data() + i * stride, sizeof(T));
    return result;
  }
};

// Errors: unknown_layout (no such list, or an id beyond RCACHED_MAX_CPUS).
Expected<PossibleCpus> possible_cpus(const std::filesystem::path& list = "/sys/devices/system/cpu/possible");

// Which NUMA node each CPU belongs to, from sysfs.

// By CPU number; -1: unknown. Empty if the kernel shows no nodes. Invalid entries are skipped.
std::vector<std::int16_t> read_numa_nodes(const std::filesystem::path& nodes = "/sys/devices/system/node");

// The CPUs that are not to be interrupted, ascending: isolated ones (isolcpus=, and isolated partitions of cpusets, which
// come and go), those with nohz_full=, and `chosen`. A list that the kernel does not show adds nothing.
std::vector<std::uint16_t> spared_cpus(const std::vector<std::uint16_t>& chosen,
                                       const std::filesystem::path& root = "/");

// Lets the calling thread run on all CPUs that the process may use except `cpus`. False: it may still run on one of them,
// because the process may use no others or must not change its affinity.
bool keep_off(const std::vector<std::uint16_t>& cpus);

}  // namespace rcached
