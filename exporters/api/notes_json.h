// SPDX-License-Identifier: Apache-2.0
// View -> JSON of its notes: the body of /api/v1/notes, as openapi.json describes it. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "view/view.h"

namespace rcached::api {

// Newest first; with `after` only those of a higher number.
std::string notes_body(const View& view, std::optional<std::uint64_t> after = std::nullopt);

}  // namespace rcached::api
