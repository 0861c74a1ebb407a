// SPDX-License-Identifier: Apache-2.0
// Converts a View to the API's responses, as values: /api/v1/domains, /domains/{domain}, /history, /status and
// /notes. All text in them is valid UTF-8. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/process_figures.h"
#include "exporters/api/detail_model.h"
#include "exporters/api/model.h"
#include "exporters/api/status_model.h"
#include "view/domain_names.h"
#include "view/view.h"

namespace rcached::api {

// By the label as clients see it (valid UTF-8). Null if there is none.
const NamedDomain* find_domain(const std::vector<NamedDomain>& domains, std::string_view label);

// `domains` is named_domains(view). `now_ns`, on the snapshot's clock, is used for the age of a resync.
Domains domains_answer(const View& view, const std::vector<NamedDomain>& domains, std::uint64_t now_ns);

// `domain` is one of named_domains(view).
DomainDetail domain_answer(const View& view, const NamedDomain& domain, std::uint64_t now_ns);

// The arrays are empty when there is no history yet, or none because of the memory limit.
History history_answer(const View& view, const NamedDomain& domain);

Status status_answer(const View& view, const ProcessFigures& process);

// Newest first; with `after`, only those with a higher number.
Notes notes_answer(const View& view, std::optional<std::uint64_t> after = std::nullopt);

}  // namespace rcached::api
