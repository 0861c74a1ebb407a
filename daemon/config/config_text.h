// SPDX-License-Identifier: Apache-2.0
// A configuration as text: YAML that can be read back, and JSON for scripts. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/config/loaded_config.h"

namespace rcached {

// A value as YAML: plain where every reader takes it for the same, else quoted.
std::string yaml_scalar(std::string_view text);

// The whole configuration as YAML; parse_config() reads it back to the same value.
std::string format_config(const Config& config);

enum class Shown : std::uint8_t { all, changed };

// The same with each value's origin as a comment; only what differs from the defaults when `changed` is
// asked.
std::string show_config(const LoadedConfig& loaded, Shown shown);

// {"files": [...], "values": [{"key", "value", "default", "origin": {"kind": "default" | "file" |
// "command line", "file", "line"}}]}; values are booleans, integers or strings.
std::string show_config_json(const LoadedConfig& loaded, Shown shown);

}  // namespace rcached
