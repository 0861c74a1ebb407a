// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace rcached {

// Whether a quote opens at `at` and none closes it: yaml-cpp 0.7 then takes the rest of the file for the
// value.
bool is_open_quote(std::string_view text, std::size_t at);

}  // namespace rcached
