// SPDX-License-Identifier: Apache-2.0
// View -> JSON of the daemon's own state: the body of /api/v1/status, as openapi.json describes it. Pure; any
// thread.
#pragma once

#include <string>

#include "base/process_figures.h"
#include "view/view.h"

namespace rcached::api {

std::string status_body(const View& view, const ProcessFigures& process);

}  // namespace rcached::api
