// SPDX-License-Identifier: Apache-2.0
// What goes in and out of the HTTP server: requests, responses, streams and the routes that turn one into the
// other. Plain values; nothing here knows the HTTP library.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rcached {

// Valid during the call of a route's handler only.
struct HttpRequest {
  std::string_view method;  // "GET" or "HEAD"; others never reach a route
  std::string_view path;    // as sent, not decoded: "/api/v1/domains/4"
  // what stood for the {...} of the route's path, one segment, never empty; else empty
  std::string_view parameter;
  std::string_view query;  // after the '?', as sent; may be empty
  // By name, whatever its case; several of one name are joined by ", " (RFC 9110); empty when there is none.
  std::function<std::string_view(std::string_view name)> header = [](std::string_view) {
    return std::string_view();
  };
};

// The body of an answer that has no end, such as server-sent events.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  // Returns within the request timeout. False: the client is gone or too slow, or the server stops. Then
  // return.
  virtual bool write(std::string_view bytes) = 0;
  // False: the same. Look at it several times a second: stop() of the server waits for all streams.
  virtual bool open() const = 0;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers;  // further ones, e.g. Content-Encoding, Vary
  std::shared_ptr<const std::string> shared_body;            // sent first; may be null
  std::string body;
  // When set, it makes the body and the two above are not used: no Content-Length, ends with the connection.
  // Runs on the connection's thread; the server admits only so many at once (503 beyond).
  std::function<void(HttpStream&)> stream;
};

struct Route {
  // Matched exactly, without the query string; one segment of "{name}" stands for any segment, not empty.
  std::string path;
  std::string summary;  // for people, in the 404 hint; empty: not listed there
  std::function<HttpResponse(const HttpRequest&)> get;  // called from several threads at once
};

}  // namespace rcached
