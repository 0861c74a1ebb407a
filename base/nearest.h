// SPDX-License-Identifier: Apache-2.0
// The nearest right name for a misspelt one.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace rcached {

// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate with the least edit distance (the first of equals), if it is near enough to be what was
// meant: at most one edit in three letters, and always one.
std::optional<std::string_view> nearest(std::string_view word,
                                        const std::vector<std::string_view>& candidates);

}  // namespace rcached
