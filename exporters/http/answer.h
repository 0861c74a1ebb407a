// SPDX-License-Identifier: Apache-2.0
// HTTP responses: rendering the head, the server's own plain-text responses, and writing a response to a
// CivetWeb connection under the guard's time limits.
#pragma once

#include <civetweb.h>

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporters/http/connection_guard.h"
#include "exporters/http/message.h"

namespace rcached {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// Status line and headers including the empty line. Headers of the response override those of `extra`, and both
// override the server's own (Cache-Control: no-store, X-Content-Type-Options: nosniff). Streams have no
// Content-Length. CR, LF and NUL are removed from header values.
std::string render_head(const HttpResponse& response, const HeaderList& extra);

std::string_view reason_phrase(int status);

// Plain text; `retry_after` adds the Retry-After header, in whole seconds and at least one.
HttpResponse plain_answer(int status, std::string text);
HttpResponse plain_answer(int status, std::string text, std::chrono::milliseconds retry_after);

// Used on the connection's thread.
class Reply {
 public:
  Reply(mg_connection* connection, ConnectionGuard& guard, ConnectionGuard::Connection* guarded)
      : connection_(connection), guard_(guard), guarded_(guarded) {}

  // Sends the whole response, or only its head (HEAD).
  void send(const HttpResponse& response, const HeaderList& extra, bool with_body);
  // Sends the head and then runs response.stream, whose exceptions propagate. `stopping` ends the stream.
  void stream(const HttpResponse& response, const HeaderList& extra, const std::atomic<bool>& stopping);

 private:
  bool write(std::string_view data);

  mg_connection* connection_;
  ConnectionGuard& guard_;
  ConnectionGuard::Connection* guarded_;
};

}  // namespace rcached
