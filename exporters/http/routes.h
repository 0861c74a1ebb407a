// SPDX-License-Identifier: Apache-2.0
// Routes: what the HTTP server answers, one function per path. Routes are plain values made from a
// ViewSource; later pages and APIs are further routes in the list.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "exporters/view.h"

namespace rcached {

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers;  // further ones
  std::shared_ptr<const std::string> shared_body;            // sent first; may be null
  std::string body;
};

struct Route {
  std::string path;                   // matched exactly, without the query string
  std::string summary;                // for people, in the landing page and the 404 hint
  std::function<HttpResponse()> get;  // called from several threads at once
};

// `/` (landing page), /metrics, /-/healthy, /-/ready.
//   /metrics   200 with the current view; 503 with the reason before the first one
//   /-/healthy 200 as long as the process answers
//   /-/ready   200, or 503 with the reason
std::vector<Route> standard_routes(const std::shared_ptr<const ViewSource>& source);

}  // namespace rcached
