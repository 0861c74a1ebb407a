// SPDX-License-Identifier: Apache-2.0
// CivetWebServer: CivetWeb, made to accept from sockets that it is given. It only listens at addresses, so it
// gets ports of loopback at first, and then each of these sockets is replaced (dup2) by one of ours. One more
// is replaced by an event that ends its wait for connections, which else lasts up to two seconds at the end.
//
// start() and stop() belong to one thread. CivetWeb ignores SIGPIPE for the whole process.
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
  unsigned workers = 1;  // threads, and so connections at once
  unsigned queue = 64;   // connections accepted that no thread has taken; more wait in the kernel
  std::chrono::milliseconds request_timeout{10'000};
  std::size_t request_bytes = 16u << 10;
  bool tls = false;
  std::function<void()> end_connections;  // called again and again while it stops: ends every connection
  std::vector<std::pair<std::string, std::string>> further;  // CivetWeb's own options, such as those of TLS
};

class CivetWebServer {
 public:
  // `listeners` stay the caller's. `callbacks` must not use init_context, and find `owner` by owner(): the
  // user data of CivetWeb is this object. Errors: internal.
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

// RequestHeaders: the headers of one request by name; several of one name become one, joined by ", ".
//
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
