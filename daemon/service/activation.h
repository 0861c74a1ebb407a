// SPDX-License-Identifier: Apache-2.0
// Sockets that the service manager listens on for rcached (systemd socket activation, sd_listen_fds(3)):
// config/rcached.socket.
#pragma once

#include <vector>

#include "daemon/error.h"

namespace rcached {

// The listening stream sockets that were handed over, in their order; empty when there are none. They are
// ours now and no child inherits them; a second call finds none. Errors: config, when one of them is
// something else (a datagram socket, a FIFO, a socket that does not listen).
Expected<std::vector<int>> take_activated_sockets();

}  // namespace rcached
