// SPDX-License-Identifier: Apache-2.0
// LoadedConfig: the effective configuration, and where each value comes from. Made of layers, of which the
// later override the earlier ones key by key:
//   1. the defaults of config.h
//   2. the main file: the requested one, else /etc/rcached/rcached.yaml if it exists
//   3. its drop-ins, in the order of their names: the files in rcached.d beside rcached.yaml (NAME.d beside
//      another NAME.yaml) that end in .yaml and do not begin with a dot
//   4. options of the command line
// Everything is read again at each call, so that a running daemon can reload at any time. A file that is not
// understood completely is rejected as a whole: see base/yaml.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "daemon/config/config.h"
#include "daemon/config/config_keys.h"

namespace rcached {

inline constexpr const char* kDefaultConfigPath = "/etc/rcached/rcached.yaml";

struct ValueOrigin {
  enum class Kind : std::uint8_t { built_in, file, command_line };
  Kind kind = Kind::built_in;
  std::string file = {};  // of kind file, as are the next two
  int line = 0, column = 0;

  std::string text() const;  // "default", "FILE:LINE", "command line"
  friend bool operator==(const ValueOrigin&, const ValueOrigin&) = default;
};

struct LoadedConfig {
  Config config;
  std::vector<ValueOrigin> origins = std::vector<ValueOrigin>(config_keys().size());  // of each key
  std::vector<std::string> files = {};  // that were read, in order
  std::string missing = {};             // the default main file, if it does not exist

  std::string summary() const;  // the files, or that there are only the defaults
};

struct ConfigRequest {
  std::optional<std::string> path = {};  // must exist
  std::vector<std::pair<std::string, std::string>> overrides =
      {};                                         // {"http.listen", "127.0.0.1:1"}, last layer
  std::string default_path = kDefaultConfigPath;  // need not exist; its drop-ins are read anyway
};

// Errors: config (and usage, for an override that its key rejects).
Expected<LoadedConfig> load_config(const ConfigRequest& request);

// The directory of the drop-ins of a main file.
std::string drop_in_directory(const std::string& main_file);

// One file by itself, over the defaults. `origin` names the text in messages. Errors: config.
Expected<Config> parse_config(std::string_view text, const std::string& origin);

struct ConfigChange {
  const ConfigKey* key = nullptr;
  std::string before, after;

  bool reloadable() const { return key->reloadable; }
};

// The keys whose values differ, in the order of config_keys(). A running daemon can apply `after` if all of
// them are reloadable.
std::vector<ConfigChange> changed_keys(const Config& before, const Config& after);

}  // namespace rcached
