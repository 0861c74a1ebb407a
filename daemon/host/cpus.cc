// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/cpus.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <fstream>
#include <functional>
#include <string>
#include <system_error>

#include "base/cpu_list.h"
#include "bpf/event.h"

namespace rcached {

namespace {

constexpr std::size_t kMaxAffinity = 8192;  // the most CPUs of a kernel

// The first line of a file; empty if there is none.
std::string first_line(const std::filesystem::path& path) {
  std::string line;
  std::ifstream file(path);
  std::getline(file, line);
  return line;
}

}  // namespace

Expected<PossibleCpus> possible_cpus(const std::filesystem::path& list) {
  const std::string text = first_line(list);
  const auto ids = parse_cpu_list(text, RCACHED_MAX_CPUS);
  if (ids && std::ranges::is_sorted(*ids, std::less_equal<>())) return PossibleCpus{*ids};
  return fail(
      ErrorCode::unknown_layout,
      fmt::format(
          "rcached cannot use the possible CPUs of this machine ('{}' in {}); it handles CPU ids below {}",
          text, list.string(), RCACHED_MAX_CPUS),
      "mount /sys, or build rcached with a larger RCACHED_MAX_CPUS");
}

std::vector<std::int16_t> read_numa_nodes(const std::filesystem::path& nodes) {
  std::vector<std::int16_t> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(nodes, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with("node")) continue;
    unsigned node = 0;
    const char* const name_end = name.data() + name.size();
    const auto [rest, failed] = std::from_chars(name.data() + 4, name_end, node);
    if (failed != std::errc() || rest != name_end || node > 0x7fff) continue;
    for (const std::uint16_t cpu : parse_cpu_list(first_line(entry->path() / "cpulist"), RCACHED_MAX_CPUS)
                                       .value_or(std::vector<std::uint16_t>{})) {
      if (found.size() <= cpu) found.resize(cpu + 1u, -1);
      found[cpu] = static_cast<std::int16_t>(node);
    }
  }
  return found;
}

std::vector<std::uint16_t> spared_cpus(const std::vector<std::uint16_t>& chosen,
                                       const std::filesystem::path& root) {
  std::vector<std::uint16_t> ids = chosen;
  for (const char* list : {"sys/devices/system/cpu/isolated", "sys/devices/system/cpu/nohz_full",
                           "sys/fs/cgroup/cpuset.cpus.isolated"}) {
    // Without such CPUs it is empty, or "(null)".
    const auto more = parse_cpu_list(first_line(root / list), RCACHED_MAX_CPUS);
    if (more) ids.insert(ids.end(), more->begin(), more->end());
  }
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

bool keep_off(const std::vector<std::uint16_t>& cpus) {
  constexpr std::size_t kSize = CPU_ALLOC_SIZE(kMaxAffinity);
  std::array<char, kSize> bytes{};
  auto* const set = reinterpret_cast<cpu_set_t*>(bytes.data());
  const auto allows = [&](std::uint16_t cpu) { return CPU_ISSET_S(cpu, kSize, set); };
  // The CPUs of the first thread: they were not changed here.
  if (sched_getaffinity(getpid(), kSize, set) != 0) return false;
  for (const std::uint16_t cpu : cpus) CPU_CLR_S(cpu, kSize, set);
  if (CPU_COUNT_S(kSize, set) == 0) return false;
  if (sched_setaffinity(0, kSize, set) == 0) return true;
  // Under the unit that is forbidden, and not necessary if the CPUs are isolated.
  return sched_getaffinity(0, kSize, set) == 0 && std::ranges::none_of(cpus, allows);
}

}  // namespace rcached
