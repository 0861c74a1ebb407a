// SPDX-License-Identifier: Apache-2.0
// A configuration as text, and everything that is published about the keys. All of it is made from the table
// in config_keys.cc. The target docs-config writes the generated files into the source tree; a test fails
// when one of them is stale. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "daemon/config/loaded_config.h"

namespace rcached {

// --- one configuration

// The whole configuration as YAML; parse_config() reads it back to the same value.
std::string format_config(const Config& config);

enum class Shown : std::uint8_t { all, changed };

// The same with each value's origin as a comment; `changed`: only what differs from the defaults.
std::string show_config(const LoadedConfig& loaded, Shown shown);

// {"files": [...], "values": [{"key", "value", "default", "origin": {"kind": "default" | "file" |
// "command line", "file", "line"}}]}; values are booleans, integers or strings.
std::string show_config_json(const LoadedConfig& loaded, Shown shown);

// --- generated files

// config/rcached.yaml: every key with its default and what it is for.
std::string config_example();

// docs/config.md, `page`, with the rows of its table of keys replaced by the current ones. Errors: not_found
// (there is no table).
Expected<std::string> config_page(std::string_view page);

// config/rcached.schema.json: JSON Schema (draft-07) of one file. It accepts what parse_config() accepts,
// except for quoted integers, and rejects what parse_config() rejects, except for what docs/config.md lists.
std::string config_schema();

// rcached.yaml(5), for man(1).
std::string config_manual();

}  // namespace rcached
