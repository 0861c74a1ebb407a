// SPDX-License-Identifier: Apache-2.0
// What all JSON bodies share: the order of members is kept, text is valid UTF-8, times are Unix seconds, what
// is not known is null. For the .cc files of exporters/api/ only.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.h"

namespace rcached::api {

using Json = nlohmann::ordered_json;

inline constexpr double kNsPerSecond = 1e9;  // divided by, not multiplied with: the shortest digits come out

inline double seconds(std::uint64_t ns) { return static_cast<double>(ns) / kNsPerSecond; }

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

// Names come from other people's code.
inline Json text(std::string_view value) { return valid_utf8(value); }

// A time of the snapshot's clock as Unix time, to the microsecond; null for 0, which means never.
inline Json unix_time(std::uint64_t monotonic_ns, std::int64_t unix_minus_monotonic_ns) {
  if (monotonic_ns == 0) return nullptr;
  const std::int64_t us = (static_cast<std::int64_t>(monotonic_ns) + unix_minus_monotonic_ns) / 1000;
  return static_cast<double>(us) / 1e6;
}

// Never throws for what is in the strings.
inline std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace rcached::api
