// SPDX-License-Identifier: Apache-2.0
// LoadedConfig: the configuration as it stands, with where each value comes from. Made of layers, of which
// the later overrides the earlier key by key:
//   1. the defaults of config.h
//   2. the main file: the one asked for, else /etc/rcached/rcached.yaml where there is one
//   3. its drop-ins, in the order of their names (config_files.h)
//   4. options of the command line
// Everything is read anew at each call, so that a running daemon may load again at any time.
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
  std::string missing = {};             // the default main file, when there is none

  std::string summary() const;  // the files, or that the defaults stand
};

struct ConfigRequest {
  std::optional<std::string> path = {};  // must be there
  std::vector<std::pair<std::string, std::string>> overrides =
      {};                                         // {"http.listen", "127.0.0.1:1"}, last layer
  std::string default_path = kDefaultConfigPath;  // need not be there; its drop-ins count all the same
};

// Errors: config (and usage, for an override that its key refuses).
Expected<LoadedConfig> load_config(const ConfigRequest& request);

// One file by itself, over the defaults: what the JSON schema judges. `origin` names the text in messages.
Expected<Config> parse_config(std::string_view text, const std::string& origin);

struct ConfigChange {
  const ConfigKey* key = nullptr;
  std::string before, after;

  bool reloadable() const { return key->reloadable; }
};

// The keys whose values differ, in the order of config_keys(). A running daemon may take `after` over when
// all of them are reloadable.
std::vector<ConfigChange> changed_keys(const Config& before, const Config& after);

}  // namespace rcached
