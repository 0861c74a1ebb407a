// SPDX-License-Identifier: Apache-2.0
// Formats numbers for the terminal view: short enough for a column, in ASCII, and a dash for unknown values.
// Pure; independent of the locale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace rcached::top {

inline constexpr const char* kUnknown = "-";

// "12345"; three digits from 100000 on: "123k", "1.23M". At most 5 characters.
std::string count(std::uint64_t value);
std::string count(const std::optional<std::uint64_t>& value);
std::string signed_count(std::int64_t value);

// "0", "0.25", "12.3", "4567", "12.3k". At most 5 characters if not negative.
std::string rate(const std::optional<double>& value);
// The same with a sign, except for "0".
std::string slope(const std::optional<double>& value);

// "0%", "0.3%", "94%", "100%". "100%" and "0%" are never the result of rounding: "99.9%", "<0.1%".
std::string percent(const std::optional<double>& ratio);

// "100ns", "2.5us", "12ms", "1.2s".
std::string duration(const std::optional<double>& seconds);

// "1.0MiB".
std::string bytes(const std::optional<std::uint64_t>& value);

// "12 s", "3 min", "47 h".
std::string age(double seconds);

}  // namespace rcached::top
