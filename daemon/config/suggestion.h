// SPDX-License-Identifier: Apache-2.0
// What may have been meant by a value that a key refuses: another spelling that it takes. Pure.
#pragma once

#include <optional>
#include <string>

#include "daemon/config/config_keys.h"

namespace rcached {

std::optional<std::string> suggest_value(const ConfigKey& key, const std::string& text);

// "write an integer from 1 to 64", and the suggestion when there is one.
std::string value_hint(const ConfigKey& key, const std::string& text);

}  // namespace rcached
