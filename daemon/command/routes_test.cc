// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/routes.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/kit/sample_view.h"

namespace rcached {
namespace {

using testing::sample_view;
using testing::SettableSource;

class RoutesTest : public ::testing::Test {
 protected:
  HttpResponse get(const std::string& path) const {
    const auto route = std::find_if(routes_.begin(), routes_.end(),
                                    [&](const Route& candidate) { return candidate.path == path; });
    EXPECT_NE(route, routes_.end()) << path;
    return route == routes_.end() ? HttpResponse{} : route->get(HttpRequest{});
  }

  std::shared_ptr<SettableSource> source_ = std::make_shared<SettableSource>();
  std::vector<Route> routes_ = standard_routes(source_);
};

TEST_F(RoutesTest, BeforeTheFirstViewOnlyTheHealthCheckPasses) {
  EXPECT_EQ(get("/-/healthy").status, 200);
  for (const char* path : {"/metrics", "/-/ready"}) {
    const HttpResponse response = get(path);
    EXPECT_EQ(response.status, 503) << path;
    EXPECT_EQ(response.body, "not ready: rcached is starting: no snapshot has been taken yet\n");
    EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
  }
  EXPECT_EQ(get("/").status, 200);
  EXPECT_EQ(get("/plain").status, 200);
  EXPECT_NE(get("/plain").body.find("Not ready: rcached is starting"), std::string::npos);
}

TEST_F(RoutesTest, NotReadyGivesTheReason) {
  View view = sample_view(kProfile61);
  view.status.ready = false;
  view.status.not_ready_reason = "attaching probes";
  source_->publish(view);
  EXPECT_EQ(get("/-/ready").status, 503);
  EXPECT_EQ(get("/-/ready").body, "not ready: attaching probes\n");
  EXPECT_EQ(get("/metrics").status, 200) << "a view is available";
  view.status.ready = true;
  source_->publish(view);
  EXPECT_EQ(get("/-/ready").status, 200);
}

TEST_F(RoutesTest, MetricsIncludeTheViewAndTheProcess) {
  source_->publish(sample_view(kProfile61));
  const HttpResponse response = get("/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(response.shared_body->find("iova_tree_ranges{domain=\"4\"}"), std::string::npos);
  EXPECT_NE(response.body.find("process_resident_memory_bytes "), std::string::npos);
  EXPECT_NE(response.body.find("rcached_series "), std::string::npos);
  EXPECT_EQ(get("/metrics").shared_body, response.shared_body) << "rendered once per view";
}

}  // namespace
}  // namespace rcached
