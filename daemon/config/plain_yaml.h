// SPDX-License-Identifier: Apache-2.0
// The plain part of YAML that a configuration is written in, which every reader of YAML understands alike:
// one document of UTF-8 text; maps whose keys are words, none of them twice; no anchors, aliases and tags, no
// quote that is never closed. What keys and values mean is config_layer.h's affair, and the JSON schema's: a
// document that comes through here can be written as JSON. Pure.
#pragma once

#include <yaml-cpp/node/node.h>

#include <string>
#include <string_view>

#include "base/error.h"

namespace rcached {

// The document; a null node when there is none. `origin` names the text in messages. Errors: config.
Expected<YAML::Node> load_plain_yaml(std::string_view text, const std::string& origin);

// origin:line:column, or the origin alone where the mark is none.
std::string yaml_place(const std::string& origin, const YAML::Mark& mark);

}  // namespace rcached
