// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "exporters/api/json.h"
#include "exporters/api/query.h"

namespace rcached::api {
namespace {

constexpr std::size_t kLabelsTold = 16;

std::string told(const std::vector<NamedDomain>& known) {
  if (known.empty()) return "no domain has been seen yet: one appears with its first mapping";
  std::string list;
  for (std::size_t i = 0; i < std::min(known.size(), kLabelsTold); ++i) {
    list += (i == 0 ? "" : ", ") + in_quotes(known[i].info.label);
  }
  if (known.size() > kLabelsTold) list += fmt::format(" and {} more", known.size() - kLabelsTold);
  return fmt::format("ask for one of {}; /api/v1/domains has them all", list);
}

}  // namespace

std::string ApiError::body() const {
  return dump(Json::object({{"error", {{"message", text(message)}, {"hint", text(hint)}}}}));
}

HttpResponse ApiError::response() const {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.body = body();
  return response;
}

ApiError bad_request(std::string message) {
  return {400, std::move(message), "/api/v1/openapi.json describes every path and its parameters"};
}

ApiError unknown_domain(const std::vector<NamedDomain>& known, std::string_view label) {
  return {404, fmt::format("this host has no domain {}", in_quotes(label)), told(known)};
}

ApiError not_yet() {
  return {503, "rcached is starting: no snapshot has been taken yet",
          "ask again in a second; /-/ready says when it is there"};
}

}  // namespace rcached::api
