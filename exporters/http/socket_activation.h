// SPDX-License-Identifier: Apache-2.0
// Sockets that the service manager has opened and passed to rcached (systemd socket activation).
#pragma once

#include <tl/expected.hpp>

#include "base/error.h"
#include "exporters/http/socket_table.h"

namespace rcached {

// The name of an inherited socket that CivetWeb can accept connections from; the socket becomes non-blocking.
// Errors: config, if it is not a listening stream socket, or for an address family that CivetWeb is built
// without: a build without IPv6 or unix sockets would write beyond its address buffer.
Expected<SocketName> adopt_socket(int fd);

}  // namespace rcached
