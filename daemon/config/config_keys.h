// SPDX-License-Identifier: Apache-2.0
// The table of configuration keys: the one place that knows a key's path, what may be written there and which
// member of Config it sets. Parsing, messages and the printed configuration all follow from it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/config/config.h"

namespace rcached {

struct ConfigKey {
  std::string_view path;                  // "http.listen"
  std::string wanted;                     // "an integer from 1 to 64"
  std::vector<std::string_view> choices;  // of an enumeration, else empty
  // False when the text is not what is wanted; the Config is then unchanged.
  std::function<bool(Config&, const std::string&)> set;
  std::function<std::string(const Config&)> get;  // as it would be written
};

// In the order of config/rcached.yaml; the keys of a section stand together.
const std::vector<ConfigKey>& config_keys();

// The whole configuration as YAML; parse_config reads it back to the same value.
std::string format_config(const Config& config);

}  // namespace rcached
