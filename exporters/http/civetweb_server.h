// SPDX-License-Identifier: Apache-2.0
// CivetWebServer: runs CivetWeb on given sockets. CivetWeb can only listen on addresses, so it gets loopback
// ports first, and then each of its sockets is replaced (dup3) by a given one. One more is replaced by an
// eventfd that ends its wait for connections, which would otherwise last up to two seconds at shutdown.
//
// Start and destroy it on one thread. CivetWeb ignores SIGPIPE for the whole process.
#pragma once

#include <civetweb.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace rcached {

struct CivetWebOptions {
  unsigned workers = 1;  // threads, and therefore concurrent connections
  unsigned queue = 64;   // accepted connections that wait for a thread; more wait in the kernel
  std::chrono::milliseconds request_timeout{10'000};
  std::size_t request_bytes = 16u << 10;
  bool tls = false;
  std::function<void()> end_connections;  // called repeatedly during shutdown: ends every connection
  std::vector<std::pair<std::string, std::string>> extra;  // more of CivetWeb's own options, e.g. for TLS
};

class CivetWebServer {
 public:
  // `listeners` remain owned by the caller. `callbacks` must not use init_context, and get `owner` from owner():
  // the user data of CivetWeb is this object. Errors: internal.
  static Expected<std::unique_ptr<CivetWebServer>> start(const CivetWebOptions& options,
                                                         const std::vector<int>& listeners,
                                                         const mg_callbacks& callbacks, void* owner);
  ~CivetWebServer();  // stops it
  CivetWebServer(const CivetWebServer&) = delete;
  CivetWebServer& operator=(const CivetWebServer&) = delete;

  static void* owner(const mg_connection* connection);

 private:
  CivetWebServer(void* owner, std::vector<int> listeners, std::function<void()> end_connections);
  bool replace_listeners(const mg_context* context) const;

  void* const owner_;
  const std::vector<int> listeners_;
  const std::function<void()> end_connections_;
  bool replaced_ = false;

  mg_context* context_ = nullptr;
  UniqueFd wake_;  // an eventfd
};

// RequestHeaders: the headers of one request by name; repeated headers are joined by ", ".
//
// Not thread-safe. The result of get() is valid as long as this object and the request.
class RequestHeaders {
 public:
  explicit RequestHeaders(const mg_request_info& request) : request_(request) {}

  std::string_view get(std::string_view name);

 private:
  const mg_request_info& request_;
  std::deque<std::string> joined_;  // its elements do not move
};

}  // namespace rcached
