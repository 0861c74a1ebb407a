// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/route_table.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace rcached {
namespace {

RouteTable table(const std::vector<std::string>& paths) {
  std::vector<Route> routes;
  for (const std::string& path : paths) routes.push_back({path, "about " + path, nullptr});
  return RouteTable(std::move(routes));
}

// "route path|parameter", or "" if there is no match.
std::string find(const RouteTable& routes, std::string_view path) {
  const auto match = routes.find(path);
  return match.route == nullptr ? "" : match.route->path + "|" + std::string(match.parameter);
}

TEST(RouteTable, MatchesWholePathsOnly) {
  const RouteTable routes = table({"/", "/metrics"});
  EXPECT_EQ(find(routes, "/"), "/|");
  EXPECT_EQ(find(routes, "/metrics"), "/metrics|");
  for (const char* path : {"", "/metric", "/metrics/", "/metrics/x", "//", "/Metrics"}) {
    EXPECT_EQ(find(routes, path), "") << path;
  }
}

TEST(RouteTable, ANamedSegmentMatchesOneNonEmptySegment) {
  const RouteTable routes = table({"/domains/{domain}/history", "/domains/{domain}", "/domains"});
  EXPECT_EQ(find(routes, "/domains"), "/domains|");
  EXPECT_EQ(find(routes, "/domains/4"), "/domains/{domain}|4");
  EXPECT_EQ(find(routes, "/domains/iovad-1%2f"), "/domains/{domain}|iovad-1%2f") << "as sent";
  EXPECT_EQ(find(routes, "/domains/4/history"), "/domains/{domain}/history|4");
  EXPECT_EQ(find(routes, "/domains/history"), "/domains/{domain}|history");
  for (const char* path : {"/domains/", "/domains//history", "/domains/4/", "/domains/4/5/history",
                           "/domains/4/history/", "/domains/4/histor"}) {
    EXPECT_EQ(find(routes, path), "") << path;
  }
}

TEST(RouteTable, ALiteralPathTakesPrecedence) {
  EXPECT_EQ(find(table({"/a/{x}", "/a/b"}), "/a/b"), "/a/b|");
  EXPECT_EQ(find(table({"/a/b", "/a/{x}"}), "/a/b"), "/a/b|");
  EXPECT_EQ(find(table({"/a/b", "/a/{x}"}), "/a/c"), "/a/{x}|c");
}

TEST(RouteTable, ListsRoutesWithASummaryInColumns) {
  EXPECT_EQ(
      RouteTable({{"/a", "first", nullptr}, {"/hidden", "", nullptr}, {"/long/{x}/path", "second", nullptr}})
          .listing(),
      "  /a             first\n"
      "  /long/{x}/path second\n");
  EXPECT_EQ(RouteTable({{"/a", "first", nullptr}}).listing(), "  /a           first\n");
}

TEST(RouteTable, RejectsInvalidPatterns) {
  for (const char* path : {"/{a}/{b}", "/x{a}", "/{a}x", "/{a", "{a}"}) {
    EXPECT_THROW(table({path}), std::invalid_argument) << path;
  }
}

}  // namespace
}  // namespace rcached
