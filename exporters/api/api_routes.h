// SPDX-License-Identifier: Apache-2.0
// The JSON API, version 1: /api/v1/... Read-only. openapi.cc describes every path, docs/api.md explains it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "exporters/http/message.h"
#include "view/view.h"

namespace rcached {

// /api/v1/domains, /api/v1/domains/{domain}, /api/v1/domains/{domain}/history, /api/v1/status, /api/v1/notes,
// /api/v1/stream and /api/v1/openapi.json. Errors are {"error":{"message","hint"}}: 400 for a bad query, 404
// for an unknown domain, 503 before the first View. Bodies that depend only on the View are rendered once
// per View for all callers, on first use.
std::vector<Route> api_routes(std::shared_ptr<const ViewSource> source);

namespace api {

// The body of /api/v1/openapi.json.
const std::string& openapi_document();

}  // namespace api

}  // namespace rcached
