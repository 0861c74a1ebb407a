// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/cpus.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include "bpf/event.h"

namespace rcached {

Expected<std::uint16_t> possible_cpus() {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus > 0 && cpus <= RCACHED_MAX_CPUS) return static_cast<std::uint16_t>(cpus);
  return fail(
      ErrorCode::unknown_layout,
      fmt::format("this machine has {} possible CPUs; rcached handles 1 to {}", cpus, RCACHED_MAX_CPUS),
      "build rcached with a larger RCACHED_MAX_CPUS");
}

namespace {

// Removes a number from the front of `text`; false when there is none.
bool take_number(std::string_view& text, unsigned& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

// A kernel CPU list: "0-3,8,10-11".
void assign(std::string_view list, std::int16_t node, std::vector<std::int16_t>& nodes) {
  unsigned first = 0;
  while (take_number(list, first)) {
    unsigned last = first;
    if (list.starts_with('-')) {
      list.remove_prefix(1);
      if (!take_number(list, last)) return;
    }
    if (last >= RCACHED_MAX_CPUS || first > last) return;
    if (nodes.size() <= last) nodes.resize(last + 1, -1);
    for (unsigned cpu = first; cpu <= last; ++cpu) nodes[cpu] = node;
    if (!list.starts_with(',')) return;
    list.remove_prefix(1);
  }
}

}  // namespace

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
    if (std::getline(file, list)) assign(list, static_cast<std::int16_t>(node), found);
  }
  return found;
}

}  // namespace rcached
