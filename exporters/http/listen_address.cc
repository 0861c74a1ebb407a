// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/listen_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>
#include <utility>

namespace rcached {
namespace {

tl::unexpected<Error> bad_address(std::string_view text, std::string_view why) {
  return fail(ErrorCode::config, fmt::format("listen address \"{}\": {}", text, why),
              "write it as host:port with an IPv4 address or host name, e.g. 127.0.0.1:9731");
}

std::string system_message(int error) { return std::system_category().message(error); }

tl::unexpected<Error> cannot_listen(const std::string& where, std::uint16_t port, int error) {
  const std::string message = fmt::format("cannot listen on {}: {}", where, system_message(error));
  switch (error) {
    case EADDRINUSE:
      return fail(
          ErrorCode::port_taken, message,
          fmt::format("another process uses this port (`ss -ltnp 'sport = :{}'` shows it): stop it, or set "
                      "another listen address",
                      port));
    case EACCES:
      return fail(ErrorCode::port_taken, message, "use a port above 1023, or grant CAP_NET_BIND_SERVICE");
    default:
      return fail(ErrorCode::internal, message, "set another listen address");
  }
}

}  // namespace

Expected<ListenAddress> ListenAddress::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0)
    return bad_address(text, "a host and a port are required");
  const std::string host(text.substr(0, colon));
  // The resolver would only see the part before it.
  if (host.find('\0') != std::string::npos) return bad_address(host.c_str(), "contains a NUL byte");
  if (host.find(':') != std::string::npos) return bad_address(text, "IPv6 is not supported");

  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (status != std::errc() || end != digits.data() + digits.size() || port == 0) {
    return bad_address(text, "the port must be a number from 1 to 65535");
  }

  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    return bad_address(text, fmt::format("host \"{}\": {}", host, ::gai_strerror(error)));
  }
  sockaddr_in address{};
  std::memcpy(&address, found->ai_addr, sizeof address);
  ::freeaddrinfo(found);
  address.sin_port = htons(port);
  return ListenAddress(address);
}

Expected<UniqueFd> ListenAddress::bind() const {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) {
    return fail(ErrorCode::internal, fmt::format("cannot create a socket: {}", system_message(errno)),
                "check the limit on open files (`ulimit -n`, LimitNOFILE=)");
  }
  // Connections of an earlier run in TIME_WAIT must not prevent the bind.
  const int on = 1;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::setsockopt(fd.get(), IPPROTO_IP, IP_FREEBIND, &on, sizeof on) != 0 ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_) != 0) {
    return cannot_listen(numeric(), port(), errno);
  }
  return fd;
}

Expected<void> ListenAddress::listen(const UniqueFd& bound) const {
  constexpr int kBacklog = 128;
  if (::listen(bound.get(), kBacklog) != 0) return cannot_listen(numeric(), port(), errno);
  return {};
}

Expected<void> ListenAddress::probe() const {
  RCACHED_TRY(const auto bound, bind());
  return listen(bound);
}

bool ListenAddress::present() const {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in any_port = address_;
  any_port.sin_port = 0;
  return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&any_port), sizeof any_port) == 0 ||
         errno != EADDRNOTAVAIL;
}

std::string ListenAddress::numeric() const {
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &address_.sin_addr, text.data(), text.size());
  return fmt::format("{}:{}", text.data(), port());
}

}  // namespace rcached
