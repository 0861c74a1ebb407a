// SPDX-License-Identifier: Apache-2.0
// A strict reader of the Prometheus text format 0.0.4, written from its description and sharing nothing with
// the code that writes it.
#pragma once

#include <string>
#include <string_view>

namespace rcached::fuzz {

// Empty when `text` is well-formed, else what is wrong with which line.
std::string find_exposition_error(std::string_view text);

// Whether `text` is valid UTF-8.
bool is_utf8(std::string_view text);

}  // namespace rcached::fuzz
