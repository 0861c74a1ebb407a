// SPDX-License-Identifier: Apache-2.0
// What the API says when it cannot give what was asked for: the error object of openapi.json. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "exporters/http/message.h"
#include "view/domain_names.h"

namespace rcached::api {

struct ApiError {
  int status = 500;
  std::string message;  // what happened, to what
  std::string hint;     // what to do

  std::string body() const;  // {"error":{"message":...,"hint":...}}
  HttpResponse response() const;
};

ApiError bad_request(std::string message);
// 404; tells the first of the labels there are.
ApiError unknown_domain(const std::vector<NamedDomain>& known, std::string_view label);
// 503; there is no View yet.
ApiError not_yet();

}  // namespace rcached::api
