// SPDX-License-Identifier: Apache-2.0
// The event stream: /api/v1/stream as text/event-stream (the HTML standard's server-sent events).
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "exporters/api/shared_bodies.h"
#include "exporters/http/message.h"

namespace rcached::api {

struct StreamOptions {
  std::chrono::milliseconds keep_alive{15'000};   // a comment after this long without an event
  std::chrono::milliseconds check_interval{200};  // how often it checks that the stream is still open
};

// Writes the current View and every later one as events until `out` closes; comments only before the first
// View and after the last. A client that is slower than the Views misses some of them and gets the newest: no
// backlog builds up. With `domain` (a label) each snapshot is followed by that domain's body, or by an error
// object while there is no such domain.
void run_stream(SharedBodies& bodies, const std::optional<std::string>& domain, HttpStream& out,
                const StreamOptions& options = {});

}  // namespace rcached::api
