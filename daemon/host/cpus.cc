// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/cpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>

#include "bpf/event.h"

namespace rcached {

namespace {

// Removes a number from the front of `text`; false when there is none.
bool take_number(std::string_view& text, unsigned& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

// Calls visit(first, last) for each part of a kernel CPU list, "0-3,8,10-11". False at the first invalid one.
template <typename Visit>
bool read_cpu_list(std::string_view list, Visit visit) {
  unsigned first = 0;
  while (take_number(list, first)) {
    unsigned last = first;
    if (list.starts_with('-')) {
      list.remove_prefix(1);
      if (!take_number(list, last)) return false;
    }
    if (last >= RCACHED_MAX_CPUS || first > last) return false;
    visit(first, last);
    if (list.empty()) return true;
    if (!list.starts_with(',')) return false;
    list.remove_prefix(1);
  }
  return false;
}

}  // namespace

Expected<PossibleCpus> possible_cpus(const std::filesystem::path& list) {
  std::string text;
  std::ifstream file(list);
  std::getline(file, text);
  PossibleCpus cpus;
  const bool valid = read_cpu_list(text, [&](unsigned first, unsigned last) {
    for (unsigned cpu = first; cpu <= last; ++cpu) cpus.ids.push_back(static_cast<std::uint16_t>(cpu));
  });
  if (valid && std::ranges::is_sorted(cpus.ids, std::less_equal<>())) return cpus;
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
    std::string_view digits = name;
    if (!digits.starts_with("node")) continue;
    digits.remove_prefix(4);
    unsigned node = 0;
    if (!take_number(digits, node) || !digits.empty() || node > 0x7fff) continue;
    std::string list;
    std::ifstream file(entry->path() / "cpulist");
    if (!std::getline(file, list)) continue;
    read_cpu_list(list, [&](unsigned first, unsigned last) {
      if (found.size() <= last) found.resize(last + 1, -1);
      for (unsigned cpu = first; cpu <= last; ++cpu) found[cpu] = static_cast<std::int16_t>(node);
    });
  }
  return found;
}

}  // namespace rcached
