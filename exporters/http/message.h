// SPDX-License-Identifier: Apache-2.0
// Requests, responses, streams and routes of the HTTP server. Plain values, independent of the HTTP library.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rcached {

// Valid only during the call of a route's handler.
struct HttpRequest {
  std::string_view method;  // "GET" or "HEAD"; others never reach a route
  std::string_view path;    // as sent, not decoded: "/api/v1/domains/4"
  // the segment that matches {...} in the route's path, never empty; empty if the path has none
  std::string_view parameter;
  std::string_view query;  // after the '?', as sent; may be empty
  // By name, case-insensitive; repeated headers are joined by ", " (RFC 9110); empty if absent.
  std::function<std::string_view(std::string_view name)> header = [](std::string_view) {
    return std::string_view();
  };
};

// The body of an endless response, such as server-sent events.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  // Returns within the request timeout. False: the client has disconnected or is too slow, or the server is
  // stopping; the stream must then return.
  virtual bool write(std::string_view bytes) = 0;
  // False: as for write(). Check it several times a second: stop() of the server waits for all streams.
  virtual bool open() const = 0;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers;  // additional ones, e.g. Content-Encoding, Vary
  std::shared_ptr<const std::string> shared_body;            // sent first; may be null
  std::string body;
  // If set, it writes the body and the two above are unused: no Content-Length, ends with the connection. Runs
  // on the connection's thread; the number of concurrent streams is limited (503 beyond).
  std::function<void(HttpStream&)> stream;
};

struct Route {
  // Matched exactly, without the query string; one segment may be "{name}", which matches any non-empty one.
  std::string path;
  std::string summary;                                  // shown in the 404 response; empty: not listed there
  std::function<HttpResponse(const HttpRequest&)> get;  // called from several threads at once
};

}  // namespace rcached
