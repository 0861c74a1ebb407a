// SPDX-License-Identifier: Apache-2.0
// Data for tests of the terminal view, made through the API's own handlers.
#pragma once

#include <clocale>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "exporters/api/api_routes.h"
#include "exporters/top/fetch.h"
#include "exporters/top/local_client.h"
#include "tests/kit/sample_view.h"

namespace rcached::top::testing {

// The width of characters needs a UTF-8 locale, times a time zone.
inline void use_test_locale() {
  setenv("TZ", "UTC", 1);
  tzset();
  if (std::setlocale(LC_CTYPE, "C.UTF-8") == nullptr) throw std::runtime_error("no locale C.UTF-8");
}

inline LocalClient client_of(View view) {
  return LocalClient(api_routes(std::make_shared<const rcached::testing::SettableSource>(std::move(view))));
}

inline TopData data_of(View view, const std::string& label = {}) {
  LocalClient client = client_of(std::move(view));
  auto picture = fetch_top(client, label);
  if (!picture) throw std::runtime_error(picture.error().message);
  return std::move(picture->data);
}

inline Level level(Count ranges, Figure per_second = {}) { return {ranges, per_second}; }

// A domain with a tree of so many ranges and no other news.
inline Domain plain_domain(std::string label, Count tree = 0) {
  Domain domain;
  domain.label = std::move(label);
  domain.type = "DMA-FQ";
  domain.confidence.state = domain.confidence.text = "exact";
  domain.tree.ranges = tree;
  return domain;
}

inline std::vector<std::string> labels(const std::vector<const Domain*>& domains) {
  std::vector<std::string> out;
  for (const Domain* domain : domains) out.push_back(domain->label);
  return out;
}

}  // namespace rcached::top::testing
