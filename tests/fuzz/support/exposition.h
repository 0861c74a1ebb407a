// SPDX-License-Identifier: Apache-2.0
// A strict parser of the Prometheus text format 0.0.4, written from its specification and independent of the
// code that writes it.
#pragma once

#include <string>
#include <string_view>

namespace rcached::fuzz {

// Empty if `text` is well-formed, otherwise the first error and its line.
std::string find_exposition_error(std::string_view text);

// Whether `text` is valid UTF-8.
bool is_utf8(std::string_view text);

}  // namespace rcached::fuzz
