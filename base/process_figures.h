// SPDX-License-Identifier: Apache-2.0
// Resource usage of the rcached process, read from procfs on every call.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace rcached {

// nullopt: could not be read.
struct ProcessFigures {
  std::optional<double> cpu_seconds;  // user and system, since the start of the process
  std::optional<std::uint64_t> resident_bytes;
  std::optional<std::uint64_t> open_fds;
};

// Any number of threads may call it.
ProcessFigures read_process_figures(const std::filesystem::path& proc_self = "/proc/self");

}  // namespace rcached
