// SPDX-License-Identifier: Apache-2.0
// The strict YAML reader of all configuration files. It accepts the plain part of YAML that every parser
// understands in the same way: one document of UTF-8 text, maps whose keys are plain words, no key twice, no
// anchors, aliases or tags, and no quote that is never closed. read_yaml_settings() also rejects every key
// that the format does not define. An error gives the position (file:line:column), what was found and what to
// write. yaml-cpp is used in yaml.cc only, because version 0.7 mishandles some malformed text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace rcached {

struct YamlMark {
  int line = 0, column = 0;  // from 1; 0 is unknown
};

struct YamlNode {
  struct Entry;
  enum class Kind : std::uint8_t { null, scalar, list, map };

  Kind kind = Kind::null;
  bool quoted = false;         // of a scalar
  std::string text = {};       // of a scalar, without its quotes
  std::vector<Entry> entries;  // of a list (their names are null) or a map, in the order of the text
  YamlMark mark = {};
};

struct YamlNode::Entry {
  YamlNode name, value;
};

// The text of a file. `what` names it in messages ("the configuration"), and `missing_hint` says what to do
// if it does not exist. Errors: config (missing, not a readable regular file, over 1 MiB).
Expected<std::string> read_yaml_file(const std::string& path, std::string_view what,
                                     std::string missing_hint);

// The document of a text; a null node if there is none. `origin` names the text in messages. Errors: config.
Expected<YamlNode> parse_yaml(std::string_view text, const std::string& origin);

// A key of a format: its path ("http.listen") and what its value may be, for messages. "users.*" is any key
// of the section `users`.
struct YamlKey {
  std::string path;
  std::string wanted;       // "an integer from 1 to 64"
  std::string unsupported;  // not empty: the key is rejected with this hint, whatever its value is
};

struct YamlFormat {
  std::vector<YamlKey> keys;
  std::string example;  // "source: kernel"

  // The names allowed in `section` ("" is the top level), in the order of `keys`, without "*".
  std::vector<std::string_view> names_in(std::string_view section) const;
};

// A key and its value as set in a file.
struct YamlSetting {
  std::size_t key = 0;  // index in YamlFormat::keys
  std::string path;     // as in the file, also where the key is "users.*"
  std::string name;     // the last part of the path
  std::string text;
  YamlMark mark;  // of the value
  YamlMark name_mark;
};

struct YamlSettings {
  std::string origin;
  std::vector<YamlSetting> settings;  // in the order of the text
  // Sections that are present as a map, empty or not, by path. A section without a value is not listed.
  std::map<std::string, YamlMark, std::less<>> sections;

  std::string place(const YamlMark& mark) const;  // "origin:line:column"
  // "wrong value 'x' for 'http.threads' (place)".
  tl::unexpected<Error> wrong_value(const YamlSetting& setting, std::string hint) const;
};

// The settings of a file. The caller validates the values. Errors: config.
Expected<YamlSettings> read_yaml_settings(std::string_view text, const std::string& origin,
                                          const YamlFormat& format);

// A scalar as YAML: plain if every parser reads it as the same text, else quoted.
std::string yaml_scalar(std::string_view text);

}  // namespace rcached
