// SPDX-License-Identifier: Apache-2.0
// The control socket: requests in pieces, too long, or unterminated. The first byte of the input is the number
// of pieces. A terminated request gets a response of one line; later requests are always served.
#include "daemon/service/control_socket.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <filesystem>

#include "base/unique_fd.h"
#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using fuzz::check;

namespace {

class Server {
 public:
  Server() {
    std::string name = (std::filesystem::temp_directory_path() / "rcached-fuzz-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    auto opened = ControlSocket::open(directory_, ExistingSocket::respect, [](std::string_view request) {
      return "got " + std::to_string(request.size());
    });
    check(opened.has_value(), "the socket opens");
    socket_ = std::move(*opened);
  }
  ~Server() {
    socket_.reset();
    std::filesystem::remove_all(directory_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  UniqueFd connect() const {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (directory_ + "/control").copy(address.sun_path, sizeof address.sun_path - 1);
    check(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
          "it accepts");
    return fd;
  }

 private:
  std::string directory_;
  std::unique_ptr<ControlSocket> socket_;
};

std::string read_all(const UniqueFd& fd) {
  std::string answer;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::recv(fd.get(), buffer, sizeof buffer, 0)) > 0;) {
    answer.append(buffer, static_cast<std::size_t>(got));
  }
  return answer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Server server;
  if (size == 0) return 0;
  const std::size_t piece = std::max<std::size_t>(1, size / (1 + data[0] % 8u));
  const std::string_view request = fuzz::text_of(data + 1, size - 1);
  const UniqueFd fd = server.connect();
  for (std::size_t at = 0; at < request.size(); at += piece) {
    // The server responds and closes as soon as it has read enough.
    const std::string_view part = request.substr(at, piece);
    if (::send(fd.get(), part.data(), part.size(), MSG_NOSIGNAL) < 0) break;
  }
  ::shutdown(fd.get(), SHUT_WR);
  const std::string answer = read_all(fd);
  const std::size_t length = request.find('\n');
  const std::size_t limit = ControlLimits().request_bytes;
  if (length < limit) {
    // Bytes after the newline may reset the connection before the response is read.
    const bool exact = length + 1 == request.size();
    check(answer == "got " + std::to_string(length) + "\n" || (!exact && answer.empty()),
          "the request gets a response", answer);
  } else if (length == std::string_view::npos && request.size() < limit) {
    check(answer.empty(), "an unterminated request gets no response", answer);
  } else {
    check(answer.empty() || answer.find("longer than") != std::string::npos,
          "a request that is too long is rejected", answer);
  }
  return 0;
}
