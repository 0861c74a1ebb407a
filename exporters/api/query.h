// SPDX-License-Identifier: Apache-2.0
// Query strings and percent-encoding, as they come from anyone who can reach the port. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace rcached::api {

// Replaces %XX by its byte. nullopt: a '%' that two hexadecimal digits do not follow.
std::optional<std::string> percent_decode(std::string_view text);

using Parameters = std::vector<std::pair<std::string, std::string>>;

// "a=1&b=x%20y" -> {{a,1},{b,x y}}; a '+' is a space, a name without '=' has an empty value, empty pieces are
// passed over. The error says what is wrong: bad encoding, a name not in `known`, a name given twice.
tl::expected<Parameters, std::string> parse_query(std::string_view query,
                                                  const std::vector<std::string_view>& known);

// Null: not there.
const std::string* value_of(const Parameters& parameters, std::string_view name);

// Digits only; nullopt for anything else, also for what does not fit.
std::optional<std::uint64_t> parse_number(std::string_view text);

// `text` for messages: valid UTF-8, control characters as "?", cut when it is long.
std::string in_quotes(std::string_view text);

}  // namespace rcached::api
