// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/route_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace rcached {

RouteTable::RouteTable(std::vector<Route> routes) : routes_(std::move(routes)) {
  std::size_t width = 12;
  for (const Route& route : routes_) {
    const auto open = route.path.find('{');
    if (open == std::string::npos) {
      patterns_.push_back({route.path, "", false});
    } else {
      const auto close = route.path.find('}', open);
      const bool whole = close != std::string::npos && open > 0 && route.path[open - 1] == '/' &&
                         (close + 1 == route.path.size() || route.path[close + 1] == '/');
      if (!whole || route.path.find('{', open + 1) != std::string::npos) {
        throw std::invalid_argument(
            fmt::format("route '{}': only one {{name}} is allowed, and only as a whole segment", route.path));
      }
      patterns_.push_back({route.path.substr(0, open), route.path.substr(close + 1), true});
    }
    if (!route.summary.empty()) width = std::max(width, route.path.size());
  }
  for (const Route& route : routes_) {
    if (route.summary.empty()) continue;
    fmt::format_to(std::back_inserter(listing_), "  {:<{}} {}\n", route.path, width, route.summary);
  }
}

RouteTable::Match RouteTable::find(std::string_view path) const {
  Match match;
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    const auto& [before, after, has_parameter] = patterns_[i];
    if (!has_parameter) {
      if (path == before) return {&routes_[i], {}};
      continue;
    }
    if (match.route != nullptr || path.size() <= before.size() + after.size() || !path.starts_with(before) ||
        !path.ends_with(after)) {
      continue;
    }
    const auto parameter = path.substr(before.size(), path.size() - before.size() - after.size());
    if (parameter.find('/') == std::string_view::npos) match = {&routes_[i], parameter};
  }
  return match;
}

}  // namespace rcached
