// SPDX-License-Identifier: Apache-2.0
// HttpServer: serves a fixed list of routes over CivetWeb and nothing else: no files, no directories, no CGI.
//
// GET and HEAD of a route are answered by it; other methods get 405 with Allow, other paths 404 with the list
// of routes. Every request is its own connection: CivetWeb keeps a thread for each open connection, so a few
// idle keep-alive clients would lock all others out. Streams have threads of their own for the same reason:
// at most `streams` are open at once and the next gets 503, so `threads` are always left for requests that
// end. Clients that are slow lose their thread: connection_guard.h.
//
// A request passes, in this order: the rate limits (429; /-/healthy and /-/ready are exempt), the credentials
// (401, every path), the route.
//
// start() and stop() belong to one thread. Routes are called from the server's threads, several at once; one
// that throws costs its request (500), not the server. These threads run at a lower priority than the rest of
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
  // Bound to `listen` (ListenAddress::bind()), the server's own from its construction on; the first start()
  // listens with it. -1: none.
  int bound_fd = -1;
  // Listening stream sockets opened by the service manager (sd_listen_fds). They stay open, also after
  // stop().
  std::vector<int> inherited_fds = {};
  unsigned threads = 4;  // requests answered at once, besides streams
  unsigned streams = 4;  // streams open at once
  // For a client to send its request, and to take an answer, on top of what its bytes take at 128 KiB/s.
  std::chrono::milliseconds request_timeout{10'000};
  std::size_t request_bytes = 16u << 10;  // request line and headers; at least 1 KiB
  unsigned rate = 0;                      // requests a second over all clients, as many at once; 0: no limit
  std::string web_config = {};
  std::shared_ptr<HttpMetrics> metrics = {};  // may be null
  // What CivetWeb has to say (it says nothing else, anywhere), and the server itself; called from the
  // server's threads. May be empty.
  std::function<void(std::string_view)> log = {};
};

class HttpServer {
 public:
  HttpServer(HttpOptions options, std::vector<Route> routes);
  ~HttpServer();  // stops
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Listens when it returns without error. A stopped server can be started again.
  Expected<void> start();

  // Ends open connections and streams and waits for the threads; well under a second, as far as the routes
  // let it. Does nothing when not started.
  void stop();

  // "http://127.0.0.1:9731/" of the first socket; empty when not started.
  std::string url() const;
  // Whether a socket can be reached from other machines. False when not started.
  bool exposed() const;
  // Whether requests need credentials, by the web configuration as it is now. False when not started.
  bool authenticates() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rcached
