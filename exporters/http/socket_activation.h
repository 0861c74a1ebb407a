// SPDX-License-Identifier: Apache-2.0
// Sockets that the service manager has opened and handed over (systemd's socket activation).
#pragma once

#include <tl/expected.hpp>

#include "base/error.h"
#include "exporters/http/socket_table.h"

namespace rcached {

// The name of an inherited socket that CivetWeb can accept connections from; it is made not to block. Errors:
// bad_socket, for what is not a listening stream socket, and for a family that CivetWeb is not built for:
// without IPv6 or unix sockets it has no room for their addresses and would write beyond its own.
Expected<SocketName> adopt_socket(int fd);

}  // namespace rcached
