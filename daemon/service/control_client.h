// SPDX-License-Identifier: Apache-2.0
// The client of ControlSocket: sends a request to the running daemon from another process.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/error.h"

namespace rcached {

// Sends one line and returns the answer without its last newline. Blocks for at most about `timeout`. Errors:
// internal (no running daemon, no answer in time), permission (the socket belongs to another user), config (the path
// is too long).
Expected<std::string> ask_daemon(const std::string& run_directory, std::string_view request,
                                 std::chrono::milliseconds timeout);

}  // namespace rcached
