// SPDX-License-Identifier: Apache-2.0
// config-answers: what the parser says of configurations, for schema_test.py. Reads a JSON array of texts
// from stdin and prints a line of JSON for each:
//   {"accepted": bool, "message": "...", "hint": "...", "typed": DOCUMENT, "strings": DOCUMENT}
// The documents are the text as rcached's YAML door reads it, once with unquoted true, false and decimal
// integers as JSON's own, once with all scalars as strings. They are left out where the door refuses the
// text.
#include <yaml-cpp/yaml.h>

#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "daemon/config/loaded_config.h"
#include "daemon/config/plain_yaml.h"

namespace rcached {
namespace {

enum class Scalars { typed, strings };

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

// By hand: a library's integers have an end.
std::string to_json(const YAML::Node& node, Scalars scalars) {
  if (node.IsNull()) return "null";
  if (node.IsScalar()) {
    const std::string& text = node.Scalar();
    const bool plain = node.Tag() == "?" && scalars == Scalars::typed;
    return plain && (text == "true" || text == "false" || is_integer(text)) ? text : quoted(text);
  }
  std::string out;
  if (node.IsSequence()) {
    for (const auto& element : node) out += (out.empty() ? "" : ",") + to_json(element, scalars);
    return "[" + out + "]";
  }
  for (const auto& pair : node) {
    out += (out.empty() ? "" : ",") + quoted(pair.first.Scalar()) + ":" + to_json(pair.second, scalars);
  }
  return "{" + out + "}";
}

std::string answer(const std::string& text) {
  const auto config = parse_config(text, "site.yaml");
  std::string out = std::string("{\"accepted\":") + (config ? "true" : "false");
  if (!config) {
    out += ",\"message\":" + quoted(config.error().message) + ",\"hint\":" + quoted(config.error().hint);
  }
  if (const auto document = load_plain_yaml(text, "site.yaml")) {
    out += ",\"typed\":" + to_json(*document, Scalars::typed);
    out += ",\"strings\":" + to_json(*document, Scalars::strings);
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
