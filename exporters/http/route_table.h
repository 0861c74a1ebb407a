// SPDX-License-Identifier: Apache-2.0
// RouteTable: finds the route of a path. A literal path takes precedence over one with a "{name}" segment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "exporters/http/message.h"

namespace rcached {

// Immutable: any number of threads may use it.
class RouteTable {
 public:
  struct Match {
    const Route* route = nullptr;  // null: no match
    std::string_view parameter;    // matches "{name}"; points into the requested path
  };

  // Throws std::invalid_argument for a path with several "{name}", or one that is not a whole segment.
  explicit RouteTable(std::vector<Route> routes);

  Match find(std::string_view path) const;

  // Every route with a summary, one per line, for the 404 response.
  const std::string& listing() const { return listing_; }
  const std::vector<Route>& routes() const { return routes_; }

 private:
  struct Pattern {
    std::string before;  // up to the "{name}", or the whole path
    std::string after;   // from the "{name}" on
    bool has_parameter = false;
  };

  std::vector<Route> routes_;
  std::vector<Pattern> patterns_;  // one per route
  std::string listing_;
};

}  // namespace rcached
