// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/socket_activation.h"

#include <civetweb.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace rcached {
namespace {

tl::unexpected<Error> fail(std::string message, std::string hint) {
  return tl::unexpected<Error>(Error{ErrorCode::config, std::move(message), std::move(hint)});
}

int socket_option(int fd, int option) {
  int value = -1;
  socklen_t length = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0 ? value : -1;
}

}  // namespace

Expected<SocketName> adopt_socket(int fd) {
  const std::string who = fmt::format("the inherited file descriptor {}", fd);
  const auto name = SocketName::of(fd);
  if (!name) {
    return fail(fmt::format("{} is not a socket: {}", who, std::system_category().message(errno)),
                "pass a socket (ListenStream= in a systemd .socket unit)");
  }
  if (socket_option(fd, SO_TYPE) != SOCK_STREAM) {
    return fail(fmt::format("{} is not a stream socket", who),
                "use ListenStream= in the .socket unit, not ListenDatagram= or ListenSequentialPacket=");
  }
  if (socket_option(fd, SO_ACCEPTCONN) != 1) {
    return fail(fmt::format("{} is not listening", who), "keep Accept=no in the .socket unit");
  }
  const auto lacks = [](unsigned feature) { return mg_check_feature(feature) == 0; };
  if (name->family() == AF_INET6 && lacks(MG_FEATURES_IPV6)) {
    return fail(fmt::format("the inherited socket {} is an IPv6 socket, and the installed CivetWeb is built "
                            "without IPv6",
                            name->url()),
                fmt::format("use an IPv4 address in the .socket unit, e.g. ListenStream=127.0.0.1:{} (a port "
                            "alone means IPv6)",
                            name->port()));
  }
  if (name->family() == AF_UNIX && lacks(MG_FEATURES_X_DOMAIN_SOCKET)) {
    return fail(fmt::format("the inherited socket {} is a unix socket, and the installed CivetWeb is built "
                            "without unix sockets",
                            name->address()),
                "use an IPv4 address and a port in the .socket unit, e.g. ListenStream=127.0.0.1:9731");
  }
  if (name->family() != AF_INET && name->family() != AF_INET6 && name->family() != AF_UNIX) {
    return fail(fmt::format("the inherited socket is of address family {}", name->family()),
                "use an IPv4 address and a port in the .socket unit, e.g. ListenStream=127.0.0.1:9731");
  }
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return fail(fmt::format("cannot make {} non-blocking: {}", who, std::system_category().message(errno)),
                "report this as a bug");
  }
  return *name;
}

}  // namespace rcached
