// SPDX-License-Identifier: Apache-2.0
// ListenAddress: the address of the HTTP server. It listens itself, because the HTTP library reports neither
// why an address is invalid nor which process uses it.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "base/error.h"
#include "base/unique_fd.h"

namespace rcached {

// Immutable once parsed.
class ListenAddress {
 public:
  // "host:port", host an IPv4 address or a name that resolves to one (uses the resolver; may block).
  static Expected<ListenAddress> parse(std::string_view text);

  // A bound socket, non-blocking, close-on-exec, that refuses connections until listen(). The host need not
  // have the address yet: at boot it may be assigned later (DHCP).
  Expected<UniqueFd> bind() const;
  Expected<void> listen(const UniqueFd& bound) const;

  // Error if listening on this address is not possible now.
  Expected<void> probe() const;

  // True if the host has this address now.
  bool present() const;

  std::string numeric() const;  // "127.0.0.1:9731"
  std::uint16_t port() const { return ntohs(address_.sin_port); }

 private:
  explicit ListenAddress(sockaddr_in address) : address_(address) {}

  sockaddr_in address_;
};

}  // namespace rcached
