// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/local_client.h"

#include <fmt/format.h>

#include <string_view>

#include "base/error.h"

namespace rcached::top {
namespace {

std::string_view next_segment(std::string_view& path) {
  const std::size_t end = std::min(path.find('/', 1), path.size());
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(end);
  return segment;
}

// Segment by segment; one of "{name}" takes any, which becomes `parameter`.
bool matches_route(std::string_view route, std::string_view path, std::string_view& parameter) {
  while (!route.empty() && !path.empty()) {
    const std::string_view wanted = next_segment(route), given = next_segment(path);
    if (wanted.starts_with("/{")) {
      parameter = given.substr(1);
      if (parameter.empty()) return false;
    } else if (wanted != given) {
      return false;
    }
  }
  return route.empty() && path.empty();
}

}  // namespace

Fetched LocalClient::get(const std::string& path) {
  for (const Route& route : routes_) {
    HttpRequest request;
    if (!matches_route(route.path, path, request.parameter)) continue;
    request.method = "GET";
    request.path = path;
    HttpResponse response = route.get(request);
    std::string body = response.shared_body ? *response.shared_body : std::string();
    body += response.body;
    return judge_answer(response.status, std::move(body), "the allocator's picture");
  }
  return tl::unexpected(Error{ErrorCode::not_found, fmt::format("{} is not part of this program", path), {}});
}

}  // namespace rcached::top
