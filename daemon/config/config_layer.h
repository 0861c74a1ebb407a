// SPDX-License-Identifier: Apache-2.0
// ConfigLayer: what one file sets, each value checked by its key. A file that is not understood completely is
// refused: an unknown, repeated or ill-valued key is an error that names the place (file:line:column), the
// key, what was found and what to write. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace rcached {

struct Setting {
  std::size_t key = 0;  // index in config_keys()
  std::string text;     // which the key's set() has taken
  int line = 0, column = 0;
};

struct ConfigLayer {
  std::string origin;  // the name of the text in messages, usually its path
  std::vector<Setting> settings;
};

// Errors: config.
Expected<ConfigLayer> read_config_layer(std::string_view text, const std::string& origin);

}  // namespace rcached
