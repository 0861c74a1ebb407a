// SPDX-License-Identifier: Apache-2.0
// Answers: the bytes of their heads, those that the server gives by itself, and writing one to a connection
// of CivetWeb under the guard's time limits.
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

// Status line and headers up to the empty line. A header of the response wins over one of `extra`, and both
// win over the server's own (Cache-Control: no-store, X-Content-Type-Options: nosniff). Without
// Content-Length when it streams. Bytes in a header's value that would end it are left out.
std::string render_head(const HttpResponse& response, const HeaderList& extra);

std::string_view reason_phrase(int status);

// Text, for people; `retry_after` adds the header, in whole seconds and at least one.
HttpResponse plain_answer(int status, std::string text);
HttpResponse plain_answer(int status, std::string text, std::chrono::milliseconds retry_after);

// On the connection's thread.
class Reply {
 public:
  Reply(mg_connection* connection, ConnectionGuard& guard, ConnectionGuard::Connection* guarded)
      : connection_(connection), guard_(guard), guarded_(guarded) {}

  // The whole answer, or its head only (HEAD).
  void send(const HttpResponse& response, const HeaderList& extra, bool with_body);
  // The head, and then what response.stream writes until it returns; what it throws comes through. `stopping`
  // ends it.
  void stream(const HttpResponse& response, const HeaderList& extra, const std::atomic<bool>& stopping);

 private:
  bool write(std::string_view data);

  mg_connection* connection_;
  ConnectionGuard& guard_;
  ConnectionGuard::Connection* guarded_;
};

}  // namespace rcached
