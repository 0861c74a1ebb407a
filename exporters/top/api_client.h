// SPDX-License-Identifier: Apache-2.0
// ApiClient: requests to a daemon over HTTP/1.1 on one persistent connection.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "exporters/top/fetch.h"

namespace rcached::top {

struct ApiUrl {
  std::string origin;     // "http://127.0.0.1:9731"
  std::string authority;  // "127.0.0.1:9731"
  std::string prefix;     // path before /api/v1, e.g. behind a proxy: "/rcached"; empty: none
};

// "http://HOST[:PORT][/PREFIX]" or https; the default scheme is http. The error message never contains a
// password.
tl::expected<ApiUrl, std::string> parse_url(std::string_view text);

struct ApiClientOptions {
  std::string user;  // empty: no authentication
  std::string password;
  std::chrono::milliseconds connect_limit{3'000};
  std::chrono::milliseconds answer_limit{10'000};  // for a whole response
  std::size_t max_response_bytes = std::size_t{64} << 20;
};

class ApiClient final : public JsonSource {
 public:
  ApiClient(ApiUrl url, ApiClientOptions options);
  ~ApiClient() override;
  ApiClient(const ApiClient&) = delete;
  ApiClient& operator=(const ApiClient&) = delete;

  Fetched get(const std::string& path) override;
  void cancel() override;

 private:
  struct Connection;  // keeps the HTTP library out of this header

  const ApiUrl url_;
  const ApiClientOptions options_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace rcached::top
