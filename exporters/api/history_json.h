// SPDX-License-Identifier: Apache-2.0
// View -> JSON of a domain's last hour: the body of /api/v1/domains/{domain}/history, as openapi.json
// describes it. Pure; any thread.
#pragma once

#include <string>

#include "view/domain_names.h"
#include "view/view.h"

namespace rcached::api {

// `domain` is one of named_domains(view). Without history yet (or none for want of memory) the arrays are
// empty.
std::string history_body(const View& view, const NamedDomain& domain);

}  // namespace rcached::api
