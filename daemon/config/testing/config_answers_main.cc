// SPDX-License-Identifier: Apache-2.0
// config-answers: prints the parser's results for configurations, for schema_test.py. Reads a JSON array of texts
// from stdin and prints a line of JSON for each:
//   {"accepted": bool, "message": "...", "hint": "...", "document": DOCUMENT}
// The document is the text as rcached's YAML reader reads it, with unquoted true, false and decimal integers
// as JSON's own. It is left out if the reader rejects the text.
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/yaml.h"
#include "daemon/config/loaded_config.h"

namespace rcached {
namespace {

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

// As JSON writes integers, of any length.
bool is_integer(std::string_view text) {
  if (text == "0") return true;
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.front() != '0' &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

// By hand, because a library's integers are limited.
std::string to_json(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null:
      return "null";
    case YamlNode::Kind::scalar: {
      const std::string& text = node.text;
      return !node.quoted && (text == "true" || text == "false" || is_integer(text)) ? text : quoted(text);
    }
    case YamlNode::Kind::list:
    case YamlNode::Kind::map:
      break;
  }
  const bool is_map = node.kind == YamlNode::Kind::map;
  std::string out;
  for (const auto& [name, value] : node.entries) {
    if (!out.empty()) out += ',';
    if (is_map) out += quoted(name.text) + ':';
    out += to_json(value);
  }
  return is_map ? "{" + out + "}" : "[" + out + "]";
}

std::string answer(const std::string& text) {
  const auto config = parse_config(text, "site.yaml");
  std::string out = std::string("{\"accepted\":") + (config ? "true" : "false");
  if (!config) {
    out += ",\"message\":" + quoted(config.error().message) + ",\"hint\":" + quoted(config.error().hint);
  }
  if (const auto document = parse_yaml(text, "site.yaml")) {
    out += ",\"document\":" + to_json(*document);
  }
  return out + "}";
}

}  // namespace
}  // namespace rcached

int main() {
  const std::string input{std::istreambuf_iterator<char>(std::cin), {}};
  for (const auto& text : nlohmann::json::parse(input)) {
    std::cout << rcached::answer(text.get<std::string>()) << '\n';
  }
  return std::cout.flush() ? 0 : 1;
}
