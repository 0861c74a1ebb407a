// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/socket_activation.h"

#include <civetweb.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "base/unique_fd.h"
#include "exporters/http/http_server.h"
#include "tests/kit/http_client.h"
#include "tests/kit/waiting.h"

namespace rcached {
namespace {

using namespace std::chrono_literals;

// Like a socket of the service manager: bound, listening, blocking.
UniqueFd listening_v4() {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(fd.get(), 16), 0);
  return fd;
}

UniqueFd listening_v6() {
  UniqueFd fd(::socket(AF_INET6, SOCK_STREAM, 0));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return UniqueFd();
  ::listen(fd.get(), 16);
  return fd;
}

UniqueFd listening_unix(const std::string& path) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(fd.get(), 16), 0);
  return fd;
}

std::string fault(int fd) {
  const auto adopted = adopt_socket(fd);
  if (adopted) return "";
  EXPECT_EQ(adopted.error().code, ErrorCode::config);
  return adopted.error().message + "|" + adopted.error().hint;
}

TEST(SocketActivation, RejectsAnythingButListeningStreamSockets) {
  EXPECT_NE(fault(-1).find("Bad file descriptor"), std::string::npos);
  const UniqueFd file(::open("/dev/null", O_RDONLY));
  EXPECT_NE(fault(file.get()).find("is not a socket"), std::string::npos);
  const UniqueFd datagram(::socket(AF_INET, SOCK_DGRAM, 0));
  EXPECT_NE(fault(datagram.get()).find("ListenStream="), std::string::npos);
  const UniqueFd idle(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_NE(fault(idle.get()).find("Accept=no"), std::string::npos);
}

TEST(SocketActivation, RejectsFamiliesThatCivetWebIsBuiltWithout) {
  const std::string path = "/tmp/rcached-activation-" + std::to_string(::getpid());
  const UniqueFd local = listening_unix(path);
  std::filesystem::remove(path);
  if (mg_check_feature(MG_FEATURES_X_DOMAIN_SOCKET) == 0) {
    EXPECT_NE(fault(local.get()).find("the inherited socket " + path + " is a unix socket"),
              std::string::npos);
    EXPECT_NE(fault(local.get()).find("ListenStream=127.0.0.1:9731"), std::string::npos);
  } else {
    EXPECT_EQ(fault(local.get()), "");
  }
  const UniqueFd six = listening_v6();
  if (!six.valid()) GTEST_SKIP() << "this machine has no IPv6 loopback";
  const std::string port = std::to_string(SocketName::of(six.get())->port());
  if (mg_check_feature(MG_FEATURES_IPV6) == 0) {
    EXPECT_NE(fault(six.get()).find("http://[::1]:" + port + "/ is an IPv6 socket"), std::string::npos);
    EXPECT_NE(fault(six.get()).find("ListenStream=127.0.0.1:" + port), std::string::npos);
  } else {
    EXPECT_EQ(fault(six.get()), "");
  }
}

class ActivatedServerTest : public ::testing::Test {
 protected:
  static HttpOptions options(std::vector<int> fds) {
    HttpOptions options;
    options.listen = "127.0.0.1:1";  // not used
    options.inherited_fds = std::move(fds);
    options.request_timeout = 2 * testing::kHang;
    return options;
  }
  static std::vector<Route> routes() {
    return {{"/", "hello", [](const HttpRequest&) {
               HttpResponse response;
               response.body = "hello\n";
               return response;
             }}};
  }
};

TEST_F(ActivatedServerTest, ServesOnAnInheritedSocketAndLeavesItOpen) {
  const UniqueFd socket = listening_v4();
  const std::uint16_t port = SocketName::of(socket.get())->port();
  HttpServer server(options({socket.get()}), routes());
  std::chrono::nanoseconds fastest = testing::kHang;  // the fastest stop() of five: the machine may be busy
  for (int i = 0; i < 5; ++i) {
    // A client that connects before the server starts is served too: the purpose of socket activation.
    testing::RawConnection early(port);
    early.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto started = server.start();
    ASSERT_TRUE(started.has_value()) << started.error().message;
    EXPECT_EQ(server.url(), "http://127.0.0.1:" + std::to_string(port) + "/");
    EXPECT_FALSE(server.exposed());
    EXPECT_EQ(testing::parse_response(early.read_all()).body, "hello\n");
    EXPECT_EQ(testing::get(port, "/").body, "hello\n");
    testing::RawConnection idle(port);
    idle.send("GET / HT");
    const auto begin = std::chrono::steady_clock::now();
    server.stop();
    fastest = std::min<std::chrono::nanoseconds>(fastest, std::chrono::steady_clock::now() - begin);
    EXPECT_TRUE(testing::RawConnection(port).connected()) << "still listening";
  }
  EXPECT_LT(fastest, 1s) << "CivetWeb waits 2 s for connections";
}

TEST_F(ActivatedServerTest, ServesOnSeveralSockets) {
  const UniqueFd first = listening_v4();
  const UniqueFd second = listening_v4();
  HttpServer server(options({first.get(), second.get()}), routes());
  ASSERT_TRUE(server.start().has_value());
  for (const int fd : {first.get(), second.get()}) {
    EXPECT_EQ(testing::get(SocketName::of(fd)->port(), "/").body, "hello\n");
  }
}

TEST_F(ActivatedServerTest, AnUnusableSocketIsAnError) {
  const UniqueFd idle(::socket(AF_INET, SOCK_STREAM, 0));
  HttpServer server(options({idle.get()}), routes());
  const auto started = server.start();
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, ErrorCode::config);
  EXPECT_EQ(server.url(), "");
}

}  // namespace
}  // namespace rcached
