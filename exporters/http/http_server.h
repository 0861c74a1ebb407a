// SPDX-License-Identifier: Apache-2.0
// HttpServer: serves a fixed list of routes over CivetWeb and nothing else: no files, no directories, no CGI.
//
// GET and HEAD requests go to the route; other methods get 405 with Allow, other paths 404 with the list of
// routes. Every request uses its own connection: CivetWeb keeps a thread for each open connection, so a few
// idle keep-alive clients would lock out all others. Streams have separate threads for the same reason: at
// most `streams` are open at once and the next gets 503, so `threads` threads always remain for other
// requests. Slow clients are disconnected: connection_guard.h.
//
// A request passes, in this order: the rate limits (429; /-/healthy and /-/ready are exempt), the credentials
// (401, every path), the route.
//
// Call start() and stop() from one thread. Routes are called from the server's threads, several at once; an
// exception in a route fails only its request (500). These threads run at a lower priority than the rest of
// the process (nice +10). CivetWeb ignores SIGPIPE for the whole process.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "base/error.h"
#include "exporters/http/http_metrics.h"
#include "exporters/http/message.h"

namespace rcached {

struct HttpOptions {
  std::string listen = "127.0.0.1:9731";  // host:port; not used when there are inherited sockets
  // Bound to `listen` (ListenAddress::bind()), owned by the server from its construction on; the first start()
  // listens on it. -1: none.
  int bound_fd = -1;
  // Listening stream sockets opened by the service manager (sd_listen_fds). They stay open, also after
  // stop().
  std::vector<int> inherited_fds = {};
  unsigned threads = 4;  // concurrent requests, besides streams
  unsigned streams = 4;  // concurrent streams
  // For a client to send its request, and to read a response on top of the time that it takes at 128 KiB/s.
  std::chrono::milliseconds request_timeout{10'000};
  std::size_t request_bytes = 16u << 10;  // request line and headers; at least 1 KiB
  unsigned rate = 0;                      // requests per second over all clients, same burst; 0: no limit
  std::string web_config = {};
  std::shared_ptr<HttpMetrics> metrics = {};  // may be null
  // Receives all log messages of CivetWeb and of the server; called from the server's threads. May be empty.
  std::function<void(std::string_view)> log = {};
};

class HttpServer {
 public:
  HttpServer(HttpOptions options, std::vector<Route> routes);
  ~HttpServer();  // stops
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // The server is listening once this returns without error. A stopped server can be started again.
  Expected<void> start();

  // Ends open connections and streams and waits for the threads; takes well under a second unless a route takes
  // longer. Does nothing if not started.
  void stop();

  // "http://127.0.0.1:9731/" of the first socket; empty if not started.
  std::string url() const;
  // True if a socket can be reached from other machines. False if not started.
  bool exposed() const;
  // True if requests need credentials, by the current web configuration. False if not started.
  bool authenticates() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rcached
