// SPDX-License-Identifier: Apache-2.0
// The JSON API, version 1: /api/v1/... Read-only. openapi.json describes every path, docs/api.md explains it.
#pragma once

#include <memory>
#include <vector>

#include "exporters/http/message.h"
#include "view/view.h"

namespace rcached {

// /api/v1/domains, /api/v1/domains/{domain}, /api/v1/domains/{domain}/history, /api/v1/status, /api/v1/notes,
// /api/v1/stream and /api/v1/openapi.json. Errors are {"error":{"message","hint"}}: 400 for a bad query, 404
// for a domain that is not there, 503 before the first View. What depends on the View alone is rendered once
// per View for all callers, and not at all when nobody asks.
std::vector<Route> api_routes(std::shared_ptr<const ViewSource> source);

}  // namespace rcached
