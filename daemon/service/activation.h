// SPDX-License-Identifier: Apache-2.0
// File descriptors passed by the service manager at the start (sd_listen_fds(3)): listening sockets (systemd
// socket activation, config/rcached.socket), and descriptors that it kept for a previous instance (LinkStore).
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace rcached {

struct KeptDescriptor {
  UniqueFd fd;
  std::string name;  // "links-..."
};

struct HandedOver {
  std::vector<int> sockets;  // listening stream sockets, in the order given
  std::vector<KeptDescriptor> kept;
};

// The caller owns them, and children do not inherit them; a second call finds none. Errors: config, when one is
// neither kept nor a listening stream socket (a datagram socket, a FIFO, a socket that does not listen).
Expected<HandedOver> take_descriptors();

}  // namespace rcached
