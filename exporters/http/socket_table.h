// SPDX-License-Identifier: Apache-2.0
// CivetWeb does not expose its sockets. They are found in /proc/self/fd by their local addresses: an accepted
// socket has the local address of the listening socket that it came from.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rcached {

// The address of a socket, as a value.
class SocketName {
 public:
  static std::optional<SocketName> of(int fd);  // nullopt if not a socket
  static std::optional<SocketName> of_peer(int fd);

  int family() const { return storage_.ss_family; }
  // "127.0.0.1", "::1", the path of a unix socket (an abstract one begins with '@')
  std::string address() const;
  std::uint16_t port() const;  // 0 for a unix socket
  bool loopback() const;       // not reachable from other machines
  std::string url() const;     // "http://127.0.0.1:9731/", "http://[::1]:9731/", "http://unix:/run/x:/"
  // Whether a socket bound to `local` was accepted by a listener of this name.
  bool covers(const SocketName& local) const;

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

struct AcceptedSocket {
  int fd = -1;
  std::string address;  // of the peer
  std::uint16_t port = 0;
};

// The sockets accepted by listeners of these names, in this process.
std::vector<AcceptedSocket> accepted_sockets(const std::vector<SocketName>& listeners);

// The listening socket of this IPv4 loopback port, or -1.
int find_listener(std::uint16_t port);

}  // namespace rcached
