// SPDX-License-Identifier: Apache-2.0
// RequestHeaders: the headers of one request by name; several of one name become one, joined by ", ".
#pragma once

#include <civetweb.h>

#include <deque>
#include <string>
#include <string_view>

namespace rcached {

// Not thread-safe. What get() has returned stays good as long as this and the request.
class RequestHeaders {
 public:
  explicit RequestHeaders(const mg_request_info& request) : request_(request) {}

  std::string_view get(std::string_view name);

 private:
  const mg_request_info& request_;
  std::deque<std::string> joined_;  // its elements do not move
};

}  // namespace rcached
