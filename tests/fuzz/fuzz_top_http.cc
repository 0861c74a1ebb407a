// SPDX-License-Identifier: Apache-2.0
// The bytes that a server sends to `rcached top`, through its HTTP client: the input is the whole response, then
// the connection is closed.
#include <netinet/in.h>
#include <sys/socket.h>

#include <mutex>
#include <thread>

#include "base/unique_fd.h"
#include "exporters/top/api_client.h"
#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using fuzz::check;

namespace {

// Responds to every connection with the current bytes, and to further requests with nothing.
class Server {
 public:
  Server() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    check(::bind(listener_.get(), generic, length) == 0 && ::listen(listener_.get(), 16) == 0 &&
              ::getsockname(listener_.get(), generic, &length) == 0,
          "the server listens");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void set(std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    bytes_ = bytes;
  }
  std::string authority() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  void serve() {
    for (int fd = 0; (fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      const UniqueFd connection(fd);
      char request[4096];
      if (::recv(fd, request, sizeof request, 0) <= 0) continue;
      std::string bytes;
      {
        const std::lock_guard lock(mutex_);
        bytes = bytes_;
      }
      ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ::shutdown(fd, SHUT_WR);
    }
  }

  UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::string bytes_;
  std::thread thread_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Server server;
  const std::string_view text = fuzz::text_of(data, size);
  if (const auto url = top::parse_url(text)) {
    check(fuzz::is_printable(url->origin + url->prefix), "a printable address", url->origin);
  }
  server.set(text);
  top::ApiClientOptions options;
  options.answer_limit = std::chrono::milliseconds(2000);
  options.max_response_bytes = 1u << 20;
  top::ApiClient client(
      {.origin = "http://" + server.authority(), .authority = server.authority(), .prefix = ""}, options);
  const auto body = client.get("/api/v1/domains");
  if (body) {
    check(body->size() <= options.max_response_bytes, "not larger than the limit");
  } else {
    check(!body.error().message.empty(), "the error has a message");
  }
  return 0;
}
