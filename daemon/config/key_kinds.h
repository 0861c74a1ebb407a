// SPDX-License-Identifier: Apache-2.0
// Makers of the rows of config_keys.cc, one for each kind of value. `Member` maps Config& to a reference to
// the value; get() uses it on a copy, so one lambda serves both ways.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "daemon/config/config_keys.h"
#include "daemon/config/patterns.h"
#include "daemon/config/values.h"

namespace rcached {

template <typename Member>
ConfigKey boolean_key(std::string_view path, std::string_view description, Member member) {
  ConfigKey key{path, description};
  key.kind = ConfigKey::Kind::boolean;
  key.wanted = "true or false";
  key.pattern = "(?:true|false)";
  key.set = [member](Config& config, const std::string& text) {
    const auto value = parse_boolean(text);
    if (value) member(config) = *value;
    return value.has_value();
  };
  key.get = [member](Config config) { return std::string(member(config) ? "true" : "false"); };
  return key;
}

template <typename Member>
ConfigKey integer_key(std::string_view path, std::string_view description, std::uint64_t low,
                      std::uint64_t high, Member member) {
  ConfigKey key{path, description};
  key.kind = ConfigKey::Kind::integer;
  key.wanted = high == std::numeric_limits<std::uint64_t>::max()
                   ? fmt::format("an integer from {} to 2^64-1", low)
                   : fmt::format("an integer from {} to {}", low, high);
  key.low = low;
  key.high = high;
  key.pattern = number_pattern(low, high);
  key.set = [low, high, member](Config& config, const std::string& text) {
    const auto value = parse_integer(text);
    if (!value || *value < low || *value > high) return false;
    auto& target = member(config);
    target = static_cast<std::remove_reference_t<decltype(target)>>(*value);
    return true;
  };
  key.get = [member](Config config) { return fmt::format("{}", member(config)); };
  return key;
}

template <typename Member>
ConfigKey duration_key(std::string_view path, std::string_view description, std::chrono::milliseconds low,
                       std::chrono::milliseconds high, Member member) {
  ConfigKey key{path, description};
  key.wanted = fmt::format("a duration from {} to {}, with the unit ms or s", format_duration(low),
                           format_duration(high));
  key.pattern = duration_pattern(low, high);
  key.set = [low, high, member](Config& config, const std::string& text) {
    const auto value = parse_duration(text);
    if (!value || *value < low || *value > high) return false;
    member(config) = *value;
    return true;
  };
  key.get = [member](Config config) { return format_duration(member(config)); };
  return key;
}

// A key that takes one of a few names.
template <typename Value, typename Member>
ConfigKey choice_key(std::string_view path, std::string_view description,
                     std::vector<std::pair<std::string_view, Value>> values, Member member) {
  ConfigKey key{path, description};
  key.kind = ConfigKey::Kind::choice;
  for (const auto& entry : values) key.choices.push_back(entry.first);
  key.wanted = fmt::format("one of {}", fmt::join(key.choices, ", "));
  key.pattern = fmt::format("(?:{})", fmt::join(key.choices, "|"));
  key.set = [values, member](Config& config, const std::string& text) {
    for (const auto& [name, value] : values) {
      if (name != text) continue;
      member(config) = value;
      return true;
    }
    return false;
  };
  key.get = [values, member](Config config) {
    for (const auto& [name, value] : values) {
      if (value == member(config)) return std::string(name);
    }
    return std::string();
  };
  return key;
}

template <typename Member>
ConfigKey size_key(std::string_view path, std::string_view description, std::uint64_t low, std::uint64_t high,
                   Member member) {
  ConfigKey key{path, description};
  key.wanted =
      fmt::format("a size from {} to {}, with the unit KiB or MiB", format_size(low), format_size(high));
  key.pattern = size_pattern(low, high);
  key.set = [low, high, member](Config& config, const std::string& text) {
    const auto value = parse_size(text);
    if (!value || *value < low || *value > high) return false;
    auto& target = member(config);
    target = static_cast<std::remove_reference_t<decltype(target)>>(*value);
    return true;
  };
  key.get = [member](Config config) { return format_size(member(config)); };
  return key;
}

// A power of two, or "auto", which is 0.
template <typename Member>
ConfigKey automatic_size_key(std::string_view path, std::string_view description, std::uint64_t low,
                             std::uint64_t high, Member member) {
  ConfigKey key{path, description};
  key.wanted = fmt::format("auto, or a power of two from {} to {}, with the unit KiB or MiB",
                           format_size(low), format_size(high));
  key.pattern = fmt::format("(?:auto|{})", power_of_two_size_pattern(low, high));
  key.set = [low, high, member](Config& config, const std::string& text) {
    const auto value = text == "auto" ? 0 : parse_size(text);
    if (!value || (text != "auto" && (*value < low || *value > high || !std::has_single_bit(*value))))
      return false;
    auto& target = member(config);
    target = static_cast<std::remove_reference_t<decltype(target)>>(*value);
    return true;
  };
  key.get = [member](Config config) {
    const auto value = member(config);
    return value == 0 ? std::string("auto") : format_size(value);
  };
  return key;
}

// A text that `accepts` takes, kept as it is.
template <typename Accepts, typename Member>
ConfigKey text_key(std::string_view path, std::string_view description, std::string wanted,
                   std::string pattern, Accepts accepts, Member member) {
  ConfigKey key{path, description};
  key.wanted = std::move(wanted);
  key.pattern = std::move(pattern);
  key.set = [accepts, member](Config& config, const std::string& text) {
    if (!accepts(text)) return false;
    member(config) = text;
    return true;
  };
  key.get = [member](Config config) { return std::string(member(config)); };
  return key;
}

// An absolute path that ends in `suffix`, or nothing, which is written as "".
template <typename Member>
ConfigKey optional_path_key(std::string_view path, std::string_view description, std::string_view suffix,
                            Member member) {
  return text_key(
      path, description,
      suffix.empty() ? "an absolute path, or \"\" for none"
                     : fmt::format("an absolute path that ends in {}, or \"\" for none", suffix),
      fmt::format("(?:{})?", absolute_path_pattern(suffix)),
      [suffix](const std::string& text) {
        return text.empty() || (is_absolute_path(text) && text.ends_with(suffix));
      },
      member);
}

inline ConfigKey reloadable(ConfigKey key) {
  key.reloadable = true;
  return key;
}

}  // namespace rcached
