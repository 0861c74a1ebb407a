// SPDX-License-Identifier: Apache-2.0
// View -> JSON of its domains: the bodies of /api/v1/domains and /api/v1/domains/{domain}, as openapi.json
// describes them. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "view/domain_names.h"
#include "view/view.h"

namespace rcached::api {

// `domains` is named_domains(view). `now_ns` is of the snapshot's clock; the age of a resync counts to it.
std::string domains_body(const View& view, const std::vector<NamedDomain>& domains, std::uint64_t now_ns);

// `domain` is one of named_domains(view).
std::string domain_body(const View& view, const NamedDomain& domain, std::uint64_t now_ns);

}  // namespace rcached::api
