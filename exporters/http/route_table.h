// SPDX-License-Identifier: Apache-2.0
// RouteTable: finds the route of a path. A path that is written out wins over one with a "{name}" segment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "exporters/http/message.h"

namespace rcached {

// Immutable: any number of threads may ask it.
class RouteTable {
 public:
  struct Match {
    const Route* route = nullptr;  // null: there is none
    std::string_view parameter;    // what stands for the "{name}"; part of the path asked for
  };

  // Throws std::invalid_argument for a path with more than one "{name}", or one that is no whole segment.
  explicit RouteTable(std::vector<Route> routes);

  Match find(std::string_view path) const;

  // Every route with a summary, one a line, for the answer to a wrong path.
  const std::string& listing() const { return listing_; }
  const std::vector<Route>& routes() const { return routes_; }

 private:
  struct Pattern {
    std::string before;  // up to the "{name}", or the whole path
    std::string after;   // from the "{name}" on
    bool has_parameter = false;
  };

  std::vector<Route> routes_;
  std::vector<Pattern> patterns_;  // one for each route
  std::string listing_;
};

}  // namespace rcached
