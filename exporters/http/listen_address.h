// SPDX-License-Identifier: Apache-2.0
// ListenAddress: where the HTTP server listens. It listens by itself, because the HTTP library says neither
// what is wrong with an address nor who has it.
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
  // "host:port", host an IPv4 address or a name that resolves to one (asks the resolver; may take its time).
  static Expected<ListenAddress> parse(std::string_view text);

  // A socket of this address, not blocking, closed on exec, that nobody can connect to before listen(); or
  // why there is none. The host need not have the address yet: at boot one may come late (DHCP).
  Expected<UniqueFd> bind() const;
  Expected<void> listen(const UniqueFd& bound) const;

  // Nothing, or why one cannot listen here now.
  Expected<void> probe() const;

  // Whether the host has this address now.
  bool present() const;

  std::string numeric() const;  // "127.0.0.1:9731"
  std::uint16_t port() const { return ntohs(address_.sin_port); }

 private:
  explicit ListenAddress(sockaddr_in address) : address_(address) {}

  sockaddr_in address_;
};

}  // namespace rcached
