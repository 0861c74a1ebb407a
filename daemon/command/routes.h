// SPDX-License-Identifier: Apache-2.0
// The HTTP routes of the daemon.
#pragma once

#include <memory>
#include <vector>

#include "exporters/http/message.h"
#include "exporters/prometheus/metrics_page.h"
#include "view/view.h"

namespace rcached {

// `/` (the live page) and its assets, /plain, /metrics, /-/healthy, /-/ready.
//   /metrics   200 with the current view; 503 with the reason before the first one
//   /-/healthy 200 as long as the process answers
//   /-/ready   200, or 503 with the reason
std::vector<Route> standard_routes(const std::shared_ptr<const ViewSource>& source,
                                   const std::shared_ptr<MetricsPage>& page);

// The same with a new page, which also has the metrics of the process.
std::vector<Route> standard_routes(const std::shared_ptr<const ViewSource>& source);

}  // namespace rcached
