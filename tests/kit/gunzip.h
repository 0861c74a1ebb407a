// SPDX-License-Identifier: Apache-2.0
// For tests: unpacks exactly one gzip member.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rcached::testing {

// nullopt: it is damaged, incomplete, or something follows.
std::optional<std::string> gunzip(std::string_view bytes);

}  // namespace rcached::testing
