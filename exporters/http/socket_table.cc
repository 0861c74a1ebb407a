// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/socket_table.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <functional>
#include <system_error>

namespace rcached {
namespace {

bool is_listening(int fd) {
  int value = 0;
  socklen_t length = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &length) == 0 && value != 0;
}

void for_each_fd(const std::function<void(int)>& visit) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    if (fd >= 0) visit(fd);
  }
}

template <typename T>
T as(const sockaddr_storage& storage) {
  T value{};
  std::memcpy(&value, &storage, sizeof value);
  return value;
}

}  // namespace

std::optional<SocketName> SocketName::of(int fd) {
  SocketName name;
  name.length_ = sizeof name.storage_;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name.storage_), &name.length_) != 0) return std::nullopt;
  return name;
}

std::optional<SocketName> SocketName::of_peer(int fd) {
  SocketName name;
  name.length_ = sizeof name.storage_;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&name.storage_), &name.length_) != 0) return std::nullopt;
  return name;
}

std::string SocketName::address() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (family() == AF_INET) {
    const auto name = as<sockaddr_in>(storage_);
    ::inet_ntop(AF_INET, &name.sin_addr, text.data(), text.size());
    return text.data();
  }
  if (family() == AF_INET6) {
    const auto name = as<sockaddr_in6>(storage_);
    ::inet_ntop(AF_INET6, &name.sin6_addr, text.data(), text.size());
    return text.data();
  }
  constexpr std::size_t kHead = offsetof(sockaddr_un, sun_path);
  if (family() != AF_UNIX || length_ <= kHead) return "";
  const auto name = as<sockaddr_un>(storage_);
  const std::size_t room = std::min<std::size_t>(length_ - kHead, sizeof name.sun_path);
  if (name.sun_path[0] == '\0') return "@" + std::string(name.sun_path + 1, room - 1);
  return std::string(name.sun_path, ::strnlen(name.sun_path, room));
}

std::uint16_t SocketName::port() const {
  if (family() == AF_INET) return ntohs(as<sockaddr_in>(storage_).sin_port);
  if (family() == AF_INET6) return ntohs(as<sockaddr_in6>(storage_).sin6_port);
  return 0;
}

bool SocketName::loopback() const {
  if (family() == AF_INET) return (ntohl(as<sockaddr_in>(storage_).sin_addr.s_addr) >> 24) == 127;
  if (family() == AF_INET6) {
    const in6_addr address = as<sockaddr_in6>(storage_).sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(&address);
  }
  return family() == AF_UNIX;
}

std::string SocketName::url() const {
  if (family() == AF_INET) return fmt::format("http://{}:{}/", address(), port());
  if (family() == AF_INET6) return fmt::format("http://[{}]:{}/", address(), port());
  return fmt::format("http://unix:{}:/", address());
}

bool SocketName::covers(const SocketName& local) const {
  if (family() != local.family() || port() != local.port()) return false;
  if (family() == AF_INET && as<sockaddr_in>(storage_).sin_addr.s_addr == htonl(INADDR_ANY)) return true;
  return address() == local.address() || (family() == AF_INET6 && address() == "::");
}

std::vector<AcceptedSocket> accepted_sockets(const std::vector<SocketName>& listeners) {
  std::vector<AcceptedSocket> sockets;
  for_each_fd([&](int fd) {
    const auto local = SocketName::of(fd);
    if (!local || is_listening(fd)) return;
    const bool ours = std::any_of(listeners.begin(), listeners.end(),
                                  [&](const SocketName& listener) { return listener.covers(*local); });
    if (!ours) return;
    AcceptedSocket socket{fd, "", 0};
    if (const auto peer = SocketName::of_peer(fd)) {
      socket.address = peer->address();
      socket.port = peer->port();
    }
    sockets.push_back(std::move(socket));
  });
  return sockets;
}

int find_listener(std::uint16_t port) {
  int found = -1;
  for_each_fd([&](int fd) {
    const auto name = SocketName::of(fd);
    if (name && name->family() == AF_INET && name->loopback() && name->port() == port && is_listening(fd)) {
      found = fd;
    }
  });
  return found;
}

}  // namespace rcached
