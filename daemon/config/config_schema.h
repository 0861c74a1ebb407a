// SPDX-License-Identifier: Apache-2.0
// What is published about the keys, made from their table: config/rcached.schema.json, the table in
// docs/config.md and the manual page rcached.yaml(5). Pure.
#pragma once

#include <string>

namespace rcached {

// JSON Schema (draft-07) of one configuration file. It accepts a document of plain YAML (plain_yaml.h)
// exactly where parse_config() does, whether scalars come as strings or as YAML's booleans and integers.
std::string config_schema();

// The rows of the table of keys, as Markdown.
std::string config_table();

// rcached.yaml(5), for man(1).
std::string config_manual();

}  // namespace rcached
