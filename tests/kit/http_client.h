// SPDX-License-Identifier: Apache-2.0
// A raw HTTP client for tests: sends exactly the bytes it is given, over loopback.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace rcached::testing {

// A loopback port that was free when this was called.
std::uint16_t free_port();

// A connection to loopback; the destructor closes it.
class RawConnection {
 public:
  explicit RawConnection(std::uint16_t port);
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  bool connected() const { return fd_ >= 0; }
  void send(std::string_view bytes);
  std::string read_all();                        // until the server closes; at most kHang
  std::string read_until(std::string_view end);  // everything up to `end`; less if the server closes

 private:
  int fd_;
};

struct ClientResponse {
  int status = 0;                              // 0: no valid answer
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

ClientResponse parse_response(const std::string& raw);
ClientResponse send_raw(std::uint16_t port, std::string_view bytes);
ClientResponse get(std::uint16_t port, const std::string& path, const std::string& method = "GET");

}  // namespace rcached::testing
