// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/config_schema.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/version.h"
#include "daemon/config/config_keys.h"
#include "daemon/config/config_text.h"
#include "daemon/config/patterns.h"
#include "daemon/config/values.h"

namespace rcached {
namespace {

using Json = nlohmann::ordered_json;

// The whole text. Python's `$` also matches before a newline at the end.
std::string anchored(const std::string& pattern) { return fmt::format("^(?:{})$(?!\\n)", pattern); }

Json key_schema(const ConfigKey& key) {
  const std::string initial = key.get(Config{});
  Json schema = {{"description", fmt::format("{} ({})", key.description, key.wanted)}};
  switch (key.kind) {
    case ConfigKey::Kind::boolean:
      schema["type"] = {"boolean", "string"};  // "true" in quotes is true as well
      schema["pattern"] = anchored(key.pattern);
      schema["default"] = initial == "true";
      break;
    case ConfigKey::Kind::integer:
      schema["type"] = {"integer", "string"};
      schema["minimum"] = key.low;
      schema["maximum"] = key.high;
      schema["pattern"] = anchored(key.pattern);
      schema["default"] = parse_integer(initial).value_or(0);
      break;
    case ConfigKey::Kind::choice:
      schema["enum"] = key.choices;
      schema["default"] = initial;
      break;
    case ConfigKey::Kind::text:
      schema["type"] = "string";
      schema["pattern"] = anchored(key.pattern);
      schema["default"] = initial;
      break;
  }
  return schema;
}

Json section_schema(const std::string& section) {
  Json properties = Json::object();
  for (const std::string_view name : names_in_section(section)) {
    const std::string path = section.empty() ? std::string(name) : fmt::format("{}.{}", section, name);
    const auto key = find_config_key(path);
    properties[std::string(name)] = key ? key_schema(config_keys()[*key]) : section_schema(path);
  }
  return {
      {"type", {"object", "null"}}, {"additionalProperties", false}, {"properties", std::move(properties)}};
}

// The rule of loaded_config.cc over two keys of the section `pipeline`.
void add_rule(Json& pipeline) {
  using namespace std::chrono_literals;
  const Json drain = {{"drain_interval",
                       {{"type", "string"},
                        {"pattern", anchored(duration_pattern(kLongestDrainOfShortSnapshots + 1ms, 1s))}}}};
  const Json snapshot = {
      {"snapshot_interval", {{"pattern", anchored(duration_pattern(kShortestSnapshotOfLongDrains, 60s))}}}};
  pipeline["if"] = {{"type", "object"}, {"required", Json::array({"drain_interval"})}, {"properties", drain}};
  pipeline["then"] = {{"properties", snapshot}};
}

// Text as roff takes it: nothing of it is a request or an escape.
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

std::string config_schema() {
  Json schema = {
      {"$schema", "http://json-schema.org/draft-07/schema#"},
      {"$comment", "Apache-2.0; made by the CMake target docs-config from daemon/config/config_keys.cc"},
      {"title", "rcached.yaml"},
      {"description", "Configuration of rcached, one file of it; see docs/config.md"}};
  const Json document = section_schema("");
  schema.update(document);
  add_rule(schema["properties"]["pipeline"]);
  return schema.dump(2) + "\n";
}

std::string config_table() {
  std::string out;
  for (const ConfigKey& key : config_keys()) {
    out += fmt::format("| `{}` | `{}` | {} | {} |\n", key.path, yaml_scalar(key.get(Config{})), key.wanted,
                       key.description);
  }
  return out;
}

std::string config_manual() {
  std::string out = R"(.\" SPDX-License-Identifier: Apache-2.0
.\" Made by config-doc from the table of keys.
.TH RCACHED.YAML 5 2026-11-25 "rcached )" RCACHED_VERSION R"(" "File Formats"
.SH NAME
rcached.yaml \- configuration of rcached
.SH SYNOPSIS
.I /etc/rcached/rcached.yaml
.br
.I /etc/rcached/rcached.d/*.yaml
.SH DESCRIPTION
YAML: sections with keys. Every key has a default, and a file need not be there. Drop\-ins in the directory beside the
main file are read after it, in the order of their names; the last one to set a key wins, and options of the command
line win over all. An unknown key, a wrong value or a key that is there twice is refused with its file and line.
.PP
.B rcached config show
prints what holds and where each value comes from;
.B rcached \-\-check\-config
checks. On SIGHUP
.RB ( "systemctl reload rcached" )
a running daemon takes over the keys marked
.IR reloadable ;
a configuration that is wrong, or changes another key, is refused whole and said in the log.
.SH KEYS
)";
  for (const ConfigKey& key : config_keys()) {
    out += fmt::format(".TP\n.B {}\n{}: {}. Default: {}{}.\n", roff(key.path), roff(key.description),
                       roff(key.wanted), roff(yaml_scalar(key.get(Config{}))),
                       key.reloadable ? "; reloadable" : "");
  }
  out += R"(.SH FILES
.I /usr/share/rcached/rcached.schema.json
is the JSON schema of a file; it accepts what rcached accepts.
.SH SEE ALSO
.BR rcached (8)
)";
  return out;
}

}  // namespace rcached
