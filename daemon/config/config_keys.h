// SPDX-License-Identifier: Apache-2.0
// The table of configuration keys: the one place that knows a key's path, what may be written there and which
// member of Config it sets. Parsing, messages, the printed configuration, the JSON schema and the table in
// docs/config.md all follow from it.
#pragma once

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
  Kind kind = Kind::text;
  std::string wanted = {};                     // "an integer from 1 to 64"
  std::vector<std::string_view> choices = {};  // of an enumeration, else empty
  std::uint64_t low = 0, high = 0;             // of an integer
  // The texts that set() takes, as a regular expression without anchors (patterns.h).
  std::string pattern = {};
  // A running daemon can take over another value: the value is read anew each time it is used, by one thread,
  // and nothing was sized or opened by it. When in doubt, false.
  bool reloadable = false;
  // False when the text, valid UTF-8, is not what is wanted; the Config is then unchanged.
  std::function<bool(Config&, const std::string&)> set = {};
  std::function<std::string(const Config&)> get = {};  // what set() takes
};

// In the order of config/rcached.yaml; the keys of a section stand together.
const std::vector<ConfigKey>& config_keys();

// The index in config_keys().
std::optional<std::size_t> find_config_key(std::string_view path);

// The names that may stand in `section` ("" is the top level), in the table's order.
std::vector<std::string_view> names_in_section(std::string_view section);

}  // namespace rcached
