// SPDX-License-Identifier: Apache-2.0
// Requests to the API: parsing of untrusted query strings and percent-encoding, and error responses. Pure; any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "exporters/http/message.h"
#include "view/domain_names.h"

namespace rcached::api {

// Replaces %XX by its byte. nullopt: a '%' is not followed by two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text);

using Parameters = std::vector<std::pair<std::string, std::string>>;

// "a=1&b=x%20y" -> {{a,1},{b,x y}}; a '+' is a space, a name without '=' has an empty value, empty pieces are
// skipped. Error (usage): bad encoding, a name not in `known`, a name given twice.
Expected<Parameters> parse_query(std::string_view query, const std::vector<std::string_view>& known);

// Null if absent.
const std::string* value_of(const Parameters& parameters, std::string_view name);

// Digits only; nullopt for anything else, and for numbers that do not fit.
std::optional<std::uint64_t> parse_number(std::string_view text);

// `text` for messages: valid UTF-8, control characters as "?", truncated if long.
std::string in_quotes(std::string_view text);

// The HTTP status for an error code, and the error code that a client derives from a status.
int http_status(ErrorCode code);       // 500 for all other codes
ErrorCode code_of_status(int status);  // `refused` for all other statuses

Error bad_request(std::string message);  // 400
// 404; the hint lists the first existing labels.
Error unknown_domain(const std::vector<NamedDomain>& known, std::string_view label);
// 503: there is no View yet.
Error not_ready();

std::string error_body(const Error& error);  // {"error":{"message":...,"hint":...}}
HttpResponse error_response(const Error& error);

}  // namespace rcached::api
