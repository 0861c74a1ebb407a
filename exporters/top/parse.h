// SPDX-License-Identifier: Apache-2.0
// From the text of the API's answers to values. Whatever the text is, truncated, hostile or from another
// version, the result is a value or an error that names what is wrong where ("domains[3].balance.tree.ranges
// is not a count"). Members that are not known are ignored: a newer daemon may send more. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "exporters/top/model.h"

namespace rcached::top {

template <typename T>
using Parsed = tl::expected<T, std::string>;

Parsed<Domains> parse_domains(std::string_view body);
Parsed<DomainDetail> parse_domain(std::string_view body);
Parsed<History> parse_history(std::string_view body);
Parsed<Status> parse_status(std::string_view body);
Parsed<NotesAnswer> parse_notes(std::string_view body);

// {"error":{"message":"...","hint":"..."}}; both empty when it is something else.
struct ApiError {
  std::string message, hint;
};
ApiError parse_api_error(std::string_view body);

// The text as JSON; nullopt when it is none, or nested deeper than any answer of ours.
Parsed<nlohmann::ordered_json> parse_json(std::string_view body);

}  // namespace rcached::top
