// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/patterns.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "daemon/config/values.h"

namespace rcached {
namespace {

std::string digits(char low, char high) {
  if (low == high) return std::string(1, low);
  return fmt::format("[{}-{}]", low, high);
}

std::string any_digits(std::size_t count) {
  if (count == 0) return {};
  return count == 1 ? "[0-9]" : fmt::format("[0-9]{{{}}}", count);
}

bool only(std::string_view text, char c) { return text.find_first_not_of(c) == std::string_view::npos; }

// Numbers of as many digits as `low` and `high` have both, as alternatives that begin with `prefix`.
void add_alternatives(const std::string& prefix, std::string_view low, std::string_view high,
                      std::vector<std::string>& out) {
  if (low == high) {
    out.push_back(prefix + std::string(low));
    return;
  }
  if (low[0] == high[0]) {
    add_alternatives(prefix + low[0], low.substr(1), high.substr(1), out);
    return;
  }
  // First digits whose further digits are free; where a bound is not round its own digit stands apart.
  const std::string_view low_rest = low.substr(1), high_rest = high.substr(1);
  char first = low[0], last = high[0];
  if (!only(low_rest, '0')) {
    add_alternatives(prefix + first, low_rest, std::string(low_rest.size(), '9'), out);
    ++first;
  }
  const bool round = only(high_rest, '9');
  if (!round) --last;
  if (first <= last) out.push_back(prefix + digits(first, last) + any_digits(low_rest.size()));
  if (!round) add_alternatives(prefix + high[0], std::string(high_rest.size(), '0'), high_rest, out);
}

std::string alternatives(const std::vector<std::string>& parts) {
  return parts.size() == 1 ? parts.front() : fmt::format("(?:{})", fmt::join(parts, "|"));
}

// Numbers from low/factor, rounded up, to high/factor, followed by `unit`; added when there are any.
void add_unit(std::uint64_t low, std::uint64_t high, std::uint64_t factor, std::string_view unit,
              std::vector<std::string>& out) {
  const std::uint64_t first = (low + factor - 1) / factor, last = high / factor;
  if (first <= last) out.push_back(number_pattern(first, last) + std::string(unit));
}

// Unicode without control characters (C0, DEL, C1).
constexpr std::string_view kPrintable = "[^\\u0000-\\u001f\\u007f-\\u009f]";

}  // namespace

std::string number_pattern(std::uint64_t low, std::uint64_t high) {
  std::vector<std::string> parts;
  const std::string lowest = std::to_string(low), highest = std::to_string(high);
  for (std::size_t width = lowest.size(); width <= highest.size(); ++width) {
    const std::string first =
        width == lowest.size() ? lowest : "1" + std::string(width - 1, '0');  // width > 1: no leading zero
    const std::string last = width == highest.size() ? highest : std::string(width, '9');
    add_alternatives("", first, last, parts);
  }
  return alternatives(parts);
}

std::string duration_pattern(std::chrono::milliseconds low, std::chrono::milliseconds high) {
  std::vector<std::string> parts;
  const auto first = static_cast<std::uint64_t>(low.count()), last = static_cast<std::uint64_t>(high.count());
  add_unit(first, last, 1, "ms", parts);
  add_unit(first, last, 1000, "s", parts);
  return alternatives(parts);
}

std::string size_pattern(std::uint64_t low, std::uint64_t high) {
  std::vector<std::string> parts;
  add_unit(low, high, 1u << 10, "KiB", parts);
  add_unit(low, high, 1u << 20, "MiB", parts);
  return alternatives(parts);
}

std::string power_of_two_size_pattern(std::uint64_t low, std::uint64_t high) {
  std::vector<std::string> kib, mib;
  for (std::uint64_t size = low; size <= high; size *= 2) {
    kib.push_back(std::to_string(size >> 10));
    if (size >= 1u << 20) mib.push_back(std::to_string(size >> 20));
  }
  return fmt::format("(?:{}KiB|{}MiB)", alternatives(kib), alternatives(mib));
}

std::string listen_address_pattern() {
  const std::string byte = number_pattern(0, 255);
  return fmt::format("(?:localhost|{0}(?:\\.{0}){{3}}):{1}", byte, number_pattern(1, 65535));
}

std::string absolute_path_pattern(std::string_view suffix) {
  std::string literal;
  for (const char c : suffix) literal += c == '.' ? std::string("\\.") : std::string(1, c);
  return fmt::format("/{}{{0,{}}}{}", kPrintable, kLongestPath - 1 - suffix.size(), literal);
}

std::string socket_directory_pattern() { return fmt::format("/[ -~]{{0,{}}}", kLongestSocketDirectory - 1); }

}  // namespace rcached
