// SPDX-License-Identifier: Apache-2.0
// HttpServer: serves a fixed list of routes over CivetWeb and nothing else: no files, no directories, no CGI.
//
// GET and HEAD of a route are answered by it; other methods get 405 with Allow, other paths 404 with the list
// of routes. Every request is its own connection: CivetWeb keeps a thread for each open connection, so a few
// idle keep-alive clients would lock all others out. Streams have threads of their own for the same reason:
// at most `streams` are open at once and the next gets 503, so `threads` are always left for requests that
// end.
//
// start() and stop() belong to one thread. Routes are called from the server's threads, several at once; one
// that throws costs its request (500), not the server. CivetWeb ignores SIGPIPE for the whole process.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "exporters/http/http_error.h"
#include "exporters/http/routes.h"

namespace rcached {

struct HttpOptions {
  std::string listen = "127.0.0.1:9731";  // host:port
  unsigned threads = 4;                   // requests answered at once, besides streams
  unsigned streams = 4;                   // streams open at once
  std::chrono::milliseconds request_timeout{
      10'000};  // for a client to send its request, or take a piece of the answer
  // What CivetWeb has to say (it says nothing else, anywhere); called from the server's threads. May be
  // empty.
  std::function<void(std::string_view)> log = {};
};

class HttpServer {
 public:
  HttpServer(HttpOptions options, std::vector<Route> routes);
  ~HttpServer();  // stops
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Listens when it returns without error. A stopped server can be started again.
  tl::expected<void, HttpError> start();

  // Ends open connections and waits for the threads; well under a second. Does nothing when not started.
  void stop();

  // "http://127.0.0.1:9731/"; empty when not started.
  std::string url() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rcached
