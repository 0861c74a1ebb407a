// SPDX-License-Identifier: Apache-2.0
// The valid name closest to a misspelt one.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace rcached {

// Insertions, deletions, substitutions and swaps of adjacent characters that turn `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate with the smallest edit distance (the first of equals), if it is close enough: at most one
// edit per three letters, with a minimum of one.
std::optional<std::string_view> nearest(std::string_view word,
                                        const std::vector<std::string_view>& candidates);

}  // namespace rcached
