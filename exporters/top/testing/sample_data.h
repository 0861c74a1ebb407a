// SPDX-License-Identifier: Apache-2.0
// Data for tests of the terminal view, created through the API's own handlers.
#pragma once

#include <clocale>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "exporters/api/api_routes.h"
#include "exporters/http/route_table.h"
#include "exporters/top/fetch.h"
#include "tests/kit/sample_view.h"

namespace rcached::top::testing {

// Character widths need a UTF-8 locale, times a time zone.
inline void use_test_locale() {
  setenv("TZ", "UTC", 1);
  tzset();
  if (std::setlocale(LC_CTYPE, "C.UTF-8") == nullptr) throw std::runtime_error("no locale C.UTF-8");
}

inline std::shared_ptr<const ViewSource> source_of(View view) {
  return std::make_shared<const rcached::testing::SettableSource>(std::move(view));
}

// The responses of a daemon with this View, without HTTP.
class Routes final : public JsonSource {
 public:
  explicit Routes(std::shared_ptr<const ViewSource> source) : table_(api_routes(std::move(source))) {}
  explicit Routes(View view) : Routes(source_of(std::move(view))) {}

  Fetched get(const std::string& path) override {
    const RouteTable::Match match = table_.find(path);
    HttpRequest request;
    request.method = "GET";
    request.path = path;
    request.parameter = match.parameter;
    const HttpResponse response = match.route->get(request);
    return judge_answer(response.status,
                        (response.shared_body ? *response.shared_body : std::string()) + response.body,
                        "http://x");
  }
  void cancel() override {}

 private:
  const RouteTable table_;
};

inline TopData data_of(View view, const std::string& label = {}) {
  auto picture = ViewPictures(source_of(std::move(view))).picture(label);
  if (!picture) throw std::runtime_error(picture.error().message);
  return std::move(picture->data);
}

inline Level level(Count ranges, Figure per_second = {}) { return {ranges, per_second}; }

// A domain with a tree of `tree` ranges and nothing else.
inline Domain plain_domain(std::string label, Count tree = 0) {
  Domain domain;
  domain.label = std::move(label);
  domain.type = "DMA-FQ";
  domain.confidence.state = domain.confidence.text = "exact";
  domain.balance.tree.ranges = tree;
  return domain;
}

inline std::vector<std::string> labels(const std::vector<const Domain*>& domains) {
  std::vector<std::string> out;
  for (const Domain* domain : domains) out.push_back(domain->label);
  return out;
}

}  // namespace rcached::top::testing
