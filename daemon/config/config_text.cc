// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/config_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "daemon/config/values.h"

namespace rcached {
namespace {

using Json = nlohmann::ordered_json;

bool is_plain(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:";  // a colon before a blank is
                                                                              // none
  return !text.empty() && text.front() != '-' && text.front() != ':' && text.back() != ':' &&
         text.find_first_not_of(kPlain) == std::string_view::npos;
}

struct Line {
  std::string text;
  std::string comment;  // may be empty
};

// A line of each key that `wanted` (an index) chooses, and those of the sections they stand in.
template <typename Wanted, typename Comment>
std::vector<Line> config_lines(const Config& config, Wanted wanted, Comment comment) {
  std::vector<Line> lines;
  std::string_view open_section;
  for (std::size_t i = 0; i < config_keys().size(); ++i) {
    if (!wanted(i)) continue;
    const ConfigKey& key = config_keys()[i];
    const auto dot = key.path.find('.');
    const bool top = dot == std::string_view::npos;
    const std::string_view section = top ? std::string_view() : key.path.substr(0, dot);
    if (section != open_section && !top) lines.push_back({fmt::format("{}:", section), {}});
    open_section = section;
    lines.push_back({fmt::format("{}{}: {}", top ? "" : "  ", top ? key.path : key.path.substr(dot + 1),
                                 yaml_scalar(key.get(config))),
                     comment(i)});
  }
  return lines;
}

// Indices of what is to be shown.
auto chooser(const LoadedConfig& loaded, Shown shown) {
  return [&loaded, shown](std::size_t i) {
    const ConfigKey& key = config_keys()[i];
    return shown == Shown::all || key.get(loaded.config) != key.get(Config{});
  };
}

Json json_value(const ConfigKey& key, const std::string& text) {
  if (key.kind == ConfigKey::Kind::boolean) return text == "true";
  if (key.kind == ConfigKey::Kind::integer) return parse_integer(text).value_or(0);
  return text;
}

Json json_origin(const ValueOrigin& origin) {
  switch (origin.kind) {
    case ValueOrigin::Kind::file:
      return {{"kind", "file"}, {"file", origin.file}, {"line", origin.line}};
    case ValueOrigin::Kind::command_line:
      return {{"kind", "command line"}};
    case ValueOrigin::Kind::built_in:
      break;
  }
  return {{"kind", "default"}};
}

}  // namespace

std::string yaml_scalar(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string format_config(const Config& config) {
  std::string out;
  const auto all = [](std::size_t) { return true; };
  const auto no_comment = [](std::size_t) { return std::string(); };
  for (const Line& line : config_lines(config, all, no_comment)) out += line.text + '\n';
  return out;
}

std::string show_config(const LoadedConfig& loaded, Shown shown) {
  constexpr std::size_t kComments = 36;  // the column where they begin
  std::string out = fmt::format("# {}\n", loaded.summary());
  const auto comment = [&](std::size_t i) { return loaded.origins[i].text(); };
  const auto lines = config_lines(loaded.config, chooser(loaded, shown), comment);
  if (lines.empty()) out += "# nothing differs from the defaults\n";
  for (const Line& line : lines) {
    out += line.comment.empty() ? line.text + '\n'
                                : fmt::format("{:<{}}  # {}\n", line.text, kComments - 2, line.comment);
  }
  return out;
}

std::string show_config_json(const LoadedConfig& loaded, Shown shown) {
  const auto wanted = chooser(loaded, shown);
  auto values = Json::array();
  for (std::size_t i = 0; i < config_keys().size(); ++i) {
    if (!wanted(i)) continue;
    const ConfigKey& key = config_keys()[i];
    values.push_back({{"key", key.path},
                      {"value", json_value(key, key.get(loaded.config))},
                      {"default", json_value(key, key.get(Config{}))},
                      {"origin", json_origin(loaded.origins[i])}});
  }
  const Json out = {{"files", loaded.files}, {"values", std::move(values)}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace rcached
