// SPDX-License-Identifier: Apache-2.0
#include "tests/kit/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

#include "tests/kit/waiting.h"

namespace rcached::testing {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  ::close(fd);
  return bound ? ntohs(address.sin_port) : 0;
}

RawConnection::RawConnection(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
  const timeval timeout{.tv_sec = std::chrono::seconds(kHang).count(), .tv_usec = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  const sockaddr_in address = loopback(port);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd_);
    fd_ = -1;
  }
}

RawConnection::~RawConnection() {
  if (fd_ >= 0) ::close(fd_);
}

void RawConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string RawConnection::read_all() {
  std::string text;
  std::array<char, 65536> buffer{};
  for (ssize_t n = 0; (n = ::recv(fd_, buffer.data(), buffer.size(), 0)) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return text;
}

std::string RawConnection::read_until(std::string_view end) {
  std::string text;
  std::array<char, 4096> buffer{};
  while (text.find(end) == std::string::npos) {
    const ssize_t n = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (n <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return text;
}

ClientResponse parse_response(const std::string& raw) {
  ClientResponse response;
  const auto head_end = raw.find("\r\n\r\n");
  if (!raw.starts_with("HTTP/1.1 ") || head_end == std::string::npos) return response;
  response.status = std::atoi(raw.c_str() + 9);
  response.body = raw.substr(head_end + 4);
  for (auto at = raw.find("\r\n") + 2; at < head_end + 2;) {
    const auto end = raw.find("\r\n", at);
    const auto colon = raw.find(": ", at);
    if (colon != std::string::npos && colon < end) {
      std::string name = raw.substr(at, colon - at);
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      response.headers[name] = raw.substr(colon + 2, end - colon - 2);
    }
    at = end + 2;
  }
  return response;
}

ClientResponse send_raw(std::uint16_t port, std::string_view bytes) {
  RawConnection connection(port);
  if (!connection.connected()) return {};
  connection.send(bytes);
  return parse_response(connection.read_all());
}

ClientResponse get(std::uint16_t port, const std::string& path, const std::string& method) {
  return send_raw(port, method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

}  // namespace rcached::testing
