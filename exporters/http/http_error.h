// SPDX-License-Identifier: Apache-2.0
// HttpError: why the HTTP server could not start, as a value.
#pragma once

#include <cstdint>
#include <string>

namespace rcached {

struct HttpError {
  enum class Kind : std::uint8_t {
    bad_address,       // not host:port, or the host has no IPv4 address
    address_unusable,  // in use by another process, not an address of this host, or a privileged port
    bad_web_config,  // the web configuration file cannot be read, is not understood, or asks for what is not
                     // there
    bad_socket,      // a socket handed over by the service manager that cannot be used
    internal,        // the HTTP library or the system failed
  };
  Kind kind = Kind::internal;
  std::string message;  // what happened, to what
  std::string mend;     // what the operator can do
};

}  // namespace rcached
