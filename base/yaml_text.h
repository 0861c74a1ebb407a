// SPDX-License-Identifier: Apache-2.0
// The one door through which YAML comes in, with care for what yaml-cpp 0.7 makes of malformed text. Pure.
#pragma once

#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/node/node.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"

namespace rcached {

// The one document of a text; a null node when there is none. `origin` names the text.
Expected<YAML::Node> load_yaml(std::string_view text, const std::string& origin);

// What yaml-cpp threw while its nodes were looked at.
Error yaml_error(const YAML::Exception& error, const std::string& origin);

// Whether a quote opens at `at` and none closes it: yaml-cpp then takes the rest of the file for the value.
bool is_open_quote(std::string_view text, std::size_t at);

}  // namespace rcached
