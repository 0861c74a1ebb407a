// SPDX-License-Identifier: Apache-2.0
// Reply: writes one answer to a connection of CivetWeb, under the guard's time limits.
#pragma once

#include <civetweb.h>

#include <atomic>
#include <string_view>

#include "exporters/http/answer.h"
#include "exporters/http/connection_guard.h"
#include "exporters/http/message.h"

namespace rcached {

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
