// SPDX-License-Identifier: Apache-2.0
#include "base/cpu_list.h"

#include <fmt/format.h>

#include <charconv>
#include <cstddef>
#include <system_error>

namespace rcached {
namespace {

// Removes a number from the front of `text`; false when there is none.
bool take_number(std::string_view& text, unsigned& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

}  // namespace

std::optional<std::vector<std::uint16_t>> parse_cpu_list(std::string_view list, unsigned end) {
  std::vector<std::uint16_t> ids;
  unsigned first = 0;
  while (take_number(list, first)) {
    unsigned last = first;
    if (list.starts_with('-')) {
      list.remove_prefix(1);
      if (!take_number(list, last)) return std::nullopt;
    }
    if (last >= end || first > last) return std::nullopt;
    for (unsigned id = first; id <= last; ++id) ids.push_back(static_cast<std::uint16_t>(id));
    if (list.empty()) return ids;
    if (!list.starts_with(',')) return std::nullopt;
    list.remove_prefix(1);
  }
  return std::nullopt;
}

std::string format_cpu_list(const std::vector<std::uint16_t>& ids) {
  std::string out;
  for (std::size_t i = 0; i < ids.size();) {
    std::size_t last = i;
    while (last + 1 < ids.size() && ids[last + 1] == ids[last] + 1) ++last;
    out += fmt::format("{}{}", out.empty() ? "" : ",", ids[i]);
    if (last != i) out += fmt::format("-{}", ids[last]);
    i = last + 1;
  }
  return out;
}

}  // namespace rcached
