// SPDX-License-Identifier: Apache-2.0
// LocalClient: the answers of the API without HTTP, from the same handlers that a daemon would call.
#pragma once

#include <string>
#include <vector>

#include "exporters/http/message.h"
#include "exporters/top/json_source.h"

namespace rcached::top {

class LocalClient final : public JsonSource {
 public:
  // Those of exporters/api.
  explicit LocalClient(std::vector<Route> routes) : routes_(std::move(routes)) {}

  Fetched get(const std::string& path) override;
  void cancel() override {}  // nothing takes long

 private:
  const std::vector<Route> routes_;
};

}  // namespace rcached::top
