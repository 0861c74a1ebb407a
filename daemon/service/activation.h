// SPDX-License-Identifier: Apache-2.0
// What the service manager hands over at the start (sd_listen_fds(3)): sockets that it listens on for rcached
// (systemd socket activation, config/rcached.socket), and descriptors that it has kept for a predecessor
// (LinkStore).
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
  std::vector<int> sockets;  // listening stream sockets, in their order
  std::vector<KeptDescriptor> kept;
};

// They are ours now and no child inherits them; a second call finds none. Errors: config, when one is neither
// kept nor a listening stream socket (a datagram socket, a FIFO, a socket that does not listen).
Expected<HandedOver> take_descriptors();

}  // namespace rcached
