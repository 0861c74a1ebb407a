// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/figures.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace rcached::top {
namespace {

// Three digits and a suffix; `value` is at least 1000.
std::string with_suffix(double value) {
  constexpr std::string_view kSuffixes = "kMGTPE";
  std::size_t i = 0;
  value /= 1000;
  // 999.5 would be printed as 1000.
  while (value >= 999.5 && i + 1 < kSuffixes.size()) {
    value /= 1000;
    ++i;
  }
  const int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f}{}", value, digits, kSuffixes[i]);
}

std::string magnitude(double value) {
  if (value < 0.005) return "0";
  if (value < 9.995) return fmt::format("{:.2f}", value);
  if (value < 99.95) return fmt::format("{:.1f}", value);
  if (value < 9999.5) return fmt::format("{:.0f}", value);
  return with_suffix(value);
}

}  // namespace

std::string count(std::uint64_t value) {
  return value < 100'000 ? std::to_string(value) : with_suffix(static_cast<double>(value));
}

std::string count(const std::optional<std::uint64_t>& value) { return value ? count(*value) : kUnknown; }

std::string signed_count(std::int64_t value) {
  // Unsigned, because the lowest number cannot be negated.
  return value < 0 ? "-" + count(0 - static_cast<std::uint64_t>(value))
                   : count(static_cast<std::uint64_t>(value));
}

std::string rate(const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return kUnknown;
  const std::string text = magnitude(std::abs(*value));
  return *value < 0 && text != "0" ? "-" + text : text;
}

std::string slope(const std::optional<double>& value) {
  const std::string text = rate(value);
  return value && *value > 0 && text != "0" && text != kUnknown ? "+" + text : text;
}

std::string percent(const std::optional<double>& ratio) {
  if (!ratio || !std::isfinite(*ratio)) return kUnknown;
  const double value = *ratio * 100;
  if (value <= 0) return "0%";
  if (value < 0.1) return "<0.1%";
  if (value < 9.95) return fmt::format("{:.1f}%", value);
  if (value < 100 && value >= 99.5) return fmt::format("{:.1f}%", std::min(value, 99.9));
  if (value < 999.5) return fmt::format("{:.0f}%", value);
  return ">999%";
}

std::string duration(const std::optional<double>& seconds) {
  if (!seconds || !std::isfinite(*seconds) || *seconds < 0) return kUnknown;
  if (*seconds == 0) return "0s";
  struct Unit {
    double factor;
    const char* name;
  };
  constexpr std::array<Unit, 3> kUnits = {{{1e9, "ns"}, {1e6, "us"}, {1e3, "ms"}}};
  for (const Unit& unit : kUnits) {
    const double value = *seconds * unit.factor;
    if (value < 9.95 && unit.factor < 1e9) return fmt::format("{:.1f}{}", value, unit.name);
    if (value < 999.5) return fmt::format("{:.0f}{}", value, unit.name);
  }
  if (*seconds < 9.95) return fmt::format("{:.1f}s", *seconds);
  return *seconds < 9999.5 ? fmt::format("{:.0f}s", *seconds) : with_suffix(*seconds) + "s";
}

std::string bytes(const std::optional<std::uint64_t>& value) {
  if (!value) return kUnknown;
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto size = static_cast<double>(*value);
  std::size_t i = 0;
  for (; size >= 1023.5 && i + 1 < kUnits.size(); ++i) size /= 1024;
  return i == 0 || size >= 99.95 ? fmt::format("{:.0f}{}", size, kUnits[i])
                                 : fmt::format("{:.1f}{}", size, kUnits[i]);
}

std::string age(double seconds) {
  const double whole = std::isfinite(seconds) && seconds > 0 ? std::floor(seconds) : 0;
  if (whole < 120) return fmt::format("{:.0f} s", whole);
  if (whole < 7200) return fmt::format("{:.0f} min", std::floor(whole / 60));
  return fmt::format("{:.0f} h", std::floor(whole / 3600));
}

}  // namespace rcached::top
