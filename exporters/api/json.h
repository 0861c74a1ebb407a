// SPDX-License-Identifier: Apache-2.0
// JSON of the API's structs, both ways, from their lists of fields (fields.h). Pure; any thread.
// Instantiated for the answers: Domains, DomainDetail, History, Status, Notes, ErrorAnswer.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "exporters/api/fields.h"

namespace rcached::api {

enum class Escape { controls, non_ascii };

// On one line, members in the order of the list. Invalid UTF-8 is replaced.
template <Described T>
std::string to_json(const T& answer, Escape escape = Escape::controls);

// For any text, including truncated, hostile or other-version text, the result is a value that satisfies every
// rule of the fields, or an error (bad_answer) that names the field:
// "domains[3].balance.tree.ranges is not a count". Unknown members are ignored: a newer daemon may send more.
template <Described T>
Expected<T> from_json(std::string_view body);

// Any JSON as to_json() writes it, with all its members.
Expected<std::string> rewritten_json(std::string_view body, Escape escape);

}  // namespace rcached::api
