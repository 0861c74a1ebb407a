// SPDX-License-Identifier: Apache-2.0
// The table of configuration keys: the one place that knows a key's path, what it accepts and which member of
// Config it sets. Parsing, messages and everything that config_docs.h generates follow from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/config/config.h"

namespace rcached {

struct ConfigKey {
  enum class Kind : std::uint8_t { boolean, integer, choice, text };

  std::string_view path;         // "http.listen"
  std::string_view description;  // what it is for, as in docs/config.md
  std::string_view detail;       // further sentences; may be empty
  Kind kind = Kind::text;
  std::string wanted = {};                // "an integer from 1 to 64"
  std::vector<std::string> choices = {};  // all texts that set() accepts, if they are few; else empty
  std::uint64_t low = 0, high = 0;        // of an integer
  bool may_be_integer = false;            // of a text: other readers of YAML may take it for one, from 0 on
  // Of a text without choices: a regular expression, without anchors, that matches what set() accepts. The
  // bounds of numbers in the text are not part of it.
  std::string pattern = {};
  std::size_t max_characters = 0;  // of a text; 0: `pattern` is the limit
  // A running daemon can apply another value: the value is read again each time it is used, by one thread, and
  // nothing was sized or opened by it. When in doubt, false.
  bool reloadable = false;
  // False if the text, valid UTF-8, is not what is wanted; the Config is then unchanged.
  std::function<bool(Config&, const std::string&)> set = {};
  std::function<std::string(const Config&)> get = {};  // as set() accepts it
};

// In the order of config/rcached.yaml; the keys of a section are adjacent.
const std::vector<ConfigKey>& config_keys();

// The index in config_keys().
std::optional<std::size_t> find_config_key(std::string_view path);

// What may have been meant by a text that a key rejects: another text that it accepts.
std::optional<std::string> suggest_value(const ConfigKey& key, const std::string& text);

// "write an integer from 1 to 64", and the suggestion if there is one: "...; did you mean '8'?".
std::string value_hint(const ConfigKey& key, const std::string& text);

}  // namespace rcached
