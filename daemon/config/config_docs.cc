// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/config_docs.h"

#include <fmt/format.h>

#include <cctype>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/version.h"
#include "base/yaml.h"
#include "daemon/config/values.h"

namespace rcached {
namespace {

using Json = nlohmann::ordered_json;

// "http" and "listen" of "http.listen"; the section is empty at the top level.
struct SplitPath {
  std::string_view section, name;
};

SplitPath split(std::string_view path) {
  const auto dot = path.find('.');
  if (dot == std::string_view::npos) return {{}, path};
  return {path.substr(0, dot), path.substr(dot + 1)};
}

std::string default_of(const ConfigKey& key) { return key.get(Config{}); }

// --- one configuration

struct Line {
  std::string text;
  std::string comment;  // may be empty
};

// One line for each key that `wanted` (of an index) selects, and one for each of their sections.
template <typename Wanted, typename Comment>
std::vector<Line> config_lines(const Config& config, Wanted wanted, Comment comment) {
  std::vector<Line> lines;
  std::string_view open_section;
  for (std::size_t i = 0; i < config_keys().size(); ++i) {
    if (!wanted(i)) continue;
    const ConfigKey& key = config_keys()[i];
    const auto [section, name] = split(key.path);
    if (section != open_section && !section.empty()) lines.push_back({fmt::format("{}:", section), {}});
    open_section = section;
    lines.push_back({fmt::format("{}{}: {}", section.empty() ? "" : "  ", name, yaml_scalar(key.get(config))),
                     comment(i)});
  }
  return lines;
}

// Whether the key of an index is to be shown.
auto selector(const LoadedConfig& loaded, Shown shown) {
  return [&loaded, shown](std::size_t i) {
    const ConfigKey& key = config_keys()[i];
    return shown == Shown::all || key.get(loaded.config) != default_of(key);
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

// --- generated files

// "How often ... (a duration from ...). Further sentences."
std::string sentences(const ConfigKey& key) {
  std::string out = fmt::format("{} ({}).", key.description, key.wanted);
  if (!key.detail.empty()) out += fmt::format(" {}", key.detail);
  out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out;
}

// Text as lines of comments, at most 120 characters wide.
std::string comment(std::string_view text, std::string_view indent) {
  constexpr std::size_t kWidth = 120;
  std::string out, line;
  const auto end_line = [&] {
    if (!line.empty()) out += fmt::format("{}#{}\n", indent, line);
    line.clear();
  };
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (indent.size() + 1 + line.size() + 1 + word.size() > kWidth) end_line();
    line += fmt::format(" {}", word);
  }
  end_line();
  return out;
}

// The whole text. `$` alone also matches before a newline at the end in Python.
std::string anchored(const std::string& pattern) { return fmt::format("^({})$(?!\\n)", pattern); }

Json key_schema(const ConfigKey& key) {
  Json schema = {{"description", sentences(key)}};
  if (key.kind == ConfigKey::Kind::boolean) {
    schema["enum"] = {true, false, "true", "false"};
  } else if (key.kind == ConfigKey::Kind::integer) {
    schema["type"] = "integer";
    schema["minimum"] = key.low;
    schema["maximum"] = key.high;
  } else if (!key.choices.empty()) {
    schema["enum"] = key.choices;
  } else {
    schema["type"] = "string";
    schema["pattern"] = anchored(key.pattern);
    if (key.max_characters > 0) schema["maxLength"] = key.max_characters;
    if (key.may_be_integer) {
      schema["type"] = {"string", "integer"};
      schema["minimum"] = 0;
    }
  }
  schema["default"] = json_value(key, default_of(key));
  return schema;
}

Json section_schema() {
  return {{"type", {"object", "null"}}, {"additionalProperties", false}, {"properties", Json::object()}};
}

std::string table_rows() {
  std::string out;
  for (const ConfigKey& key : config_keys()) {
    out += fmt::format("| `{}` | `{}` | {} | {}{} |\n", key.path, yaml_scalar(default_of(key)), key.wanted,
                       key.description, key.reloadable ? " (reloadable)" : "");
  }
  return out;
}

// Escapes text for roff, so that it contains no requests or escapes.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string format_config(const Config& config) {
  std::string out;
  const auto all = [](std::size_t) { return true; };
  const auto no_comment = [](std::size_t) { return std::string(); };
  for (const Line& line : config_lines(config, all, no_comment)) out += line.text + '\n';
  return out;
}

std::string show_config(const LoadedConfig& loaded, Shown shown) {
  constexpr std::size_t kCommentColumn = 36;
  std::string out = fmt::format("# {}\n", loaded.summary());
  const auto origin = [&](std::size_t i) { return loaded.origins[i].text(); };
  const auto lines = config_lines(loaded.config, selector(loaded, shown), origin);
  if (lines.empty()) out += "# nothing differs from the defaults\n";
  for (const Line& line : lines) {
    out += line.comment.empty() ? line.text + '\n'
                                : fmt::format("{:<{}}  # {}\n", line.text, kCommentColumn - 2, line.comment);
  }
  return out;
}

std::string show_config_json(const LoadedConfig& loaded, Shown shown) {
  const auto wanted = selector(loaded, shown);
  auto values = Json::array();
  for (std::size_t i = 0; i < config_keys().size(); ++i) {
    if (!wanted(i)) continue;
    const ConfigKey& key = config_keys()[i];
    values.push_back({{"key", key.path},
                      {"value", json_value(key, key.get(loaded.config))},
                      {"default", json_value(key, default_of(key))},
                      {"origin", json_origin(loaded.origins[i])}});
  }
  const Json out = {{"files", loaded.files}, {"values", std::move(values)}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string config_example() {
  std::string out = "# SPDX-License-Identifier: Apache-2.0\n";
  out += comment(
      "Configuration of rcached: every key, with its default. rcached reads /etc/rcached/rcached.yaml at the "
      "start, and then the files /etc/rcached/rcached.d/*.yaml, which override it and need only the keys "
      "that "
      "differ. `rcached --check-config FILE` checks a file; `rcached config show` prints the effective "
      "configuration and where each value comes from. See docs/config.md; rcached.schema.json is the JSON "
      "schema. Generated from daemon/config/config_keys.cc by the CMake target docs-config.",
      "");
  std::string_view open_section;
  for (const ConfigKey& key : config_keys()) {
    const auto [section, name] = split(key.path);
    const std::string_view indent = section.empty() ? "" : "  ";
    if (section.empty() || section != open_section) out += '\n';
    if (section != open_section && !section.empty()) out += fmt::format("{}:\n", section);
    open_section = section;
    out += comment(sentences(key), indent);
    out += fmt::format("{}{}: {}\n", indent, name, yaml_scalar(default_of(key)));
  }
  return out;
}

Expected<std::string> config_page(std::string_view page) {
  constexpr std::string_view kHead = "| key | default | accepted values | meaning |\n|---|---|---|---|\n";
  const auto head = page.find(kHead);
  if (head == std::string_view::npos)
    return fail(ErrorCode::not_found, "docs/config.md has no table of keys",
                fmt::format("add the lines\n{}", kHead));
  const auto rows = head + kHead.size();
  auto end = rows;  // after the last row
  while (end < page.size() && page[end] == '|') end = std::min(page.find('\n', end), page.size() - 1) + 1;
  return fmt::format("{}{}{}", page.substr(0, rows), table_rows(), page.substr(end));
}

std::string config_schema() {
  Json schema = {
      {"$schema", "http://json-schema.org/draft-07/schema#"},
      {"$comment", "Apache-2.0; generated by the CMake target docs-config from daemon/config/config_keys.cc"},
      {"title", "rcached.yaml"},
      {"description", "One configuration file of rcached; see docs/config.md"}};
  schema.update(section_schema());
  for (const ConfigKey& key : config_keys()) {
    const auto [section, name] = split(key.path);
    Json* properties = &schema["properties"];
    if (!section.empty()) {
      Json& node = (*properties)[std::string(section)];
      if (node.is_null()) node = section_schema();
      properties = &node["properties"];
    }
    (*properties)[std::string(name)] = key_schema(key);
  }
  return schema.dump(2) + "\n";
}

std::string config_manual() {
  std::string out = R"(.\" SPDX-License-Identifier: Apache-2.0
.\" Generated by config-doc from daemon/config/config_keys.cc.
.TH RCACHED.YAML 5 2026-11-25 "rcached )" RCACHED_VERSION R"(" "File Formats"
.SH NAME
rcached.yaml \- configuration of rcached
.SH SYNOPSIS
.I /etc/rcached/rcached.yaml
.br
.I /etc/rcached/rcached.d/*.yaml
.SH DESCRIPTION
YAML: sections with keys. Every key has a default, and the file is optional. Drop\-ins in the directory beside the main
file are read after it, in the order of their names. The last file to set a key wins, and command line options override
all files. An unknown key, a wrong value or a key that is given twice is rejected with its file and line.
.PP
.B rcached config show
prints the effective configuration and where each value comes from;
.B rcached \-\-check\-config
checks a file. On SIGHUP
.RB ( "systemctl reload rcached" )
a running daemon applies changes of the keys marked
.IR reloadable .
If the new configuration is wrong, or changes any other key, it is rejected as a whole and the reason is logged.
.SH KEYS
)";
  for (const ConfigKey& key : config_keys()) {
    out += fmt::format(".TP\n.B {}\n{} Default: {}{}.\n", roff(key.path), roff(sentences(key)),
                       roff(yaml_scalar(default_of(key))), key.reloadable ? "; reloadable" : "");
  }
  out += R"(.SH FILES
.I /usr/share/rcached/rcached.schema.json
is the JSON schema of such a file.
.SH SEE ALSO
.BR rcached (8)
)";
  return out;
}

}  // namespace rcached
