// SPDX-License-Identifier: Apache-2.0
// For tests: decompresses exactly one gzip member.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rcached::testing {

// nullopt: damaged, incomplete, or followed by other data.
std::optional<std::string> gunzip(std::string_view bytes);

}  // namespace rcached::testing
