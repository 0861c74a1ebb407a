// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/api_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include "base/error.h"
#include "exporters/http/http_server.h"
#include "exporters/top/fetch.h"
#include "exporters/top/testing/sample_data.h"
#include "tests/kit/http_client.h"

namespace rcached::top {
namespace {

using namespace std::chrono_literals;

TEST(ApiUrl, AcceptsValidUrls) {
  EXPECT_EQ(parse_url("http://127.0.0.1:9731")->origin, "http://127.0.0.1:9731");
  EXPECT_EQ(parse_url("127.0.0.1:9731")->origin, "http://127.0.0.1:9731");
  EXPECT_EQ(parse_url("https://db7.example/rcached/")->prefix, "/rcached");
  EXPECT_EQ(parse_url("https://db7.example/rcached/")->origin, "https://db7.example");
  EXPECT_EQ(parse_url("localhost")->authority, "localhost");
  EXPECT_EQ(parse_url("http://a:1/")->prefix, "");
}

TEST(ApiUrl, RejectsInvalidUrlsWithoutRepeatingPasswords) {
  for (const char* text :
       {"", "http://", "ftp://a", "http://a:0", "http://a:65536", "http://a:", "http://a:1x", "http://a b",
        "http://a/?x=1", "http://a/#x", "http://a/\x1b[2J", "http://[::1]:9731", "http://a\r\nb",
        "http://:9731", "http://user:secret@host:9731"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().find("secret"), std::string::npos);
  }
}

class Server {
 public:
  explicit Server(std::vector<Route> routes) : port_(rcached::testing::free_port()) {
    HttpOptions options;
    options.listen = "127.0.0.1:" + std::to_string(port_);
    server_.emplace(options, std::move(routes));
    const auto started = server_->start();
    EXPECT_TRUE(started.has_value());
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  std::uint16_t port_;
  std::optional<HttpServer> server_;
};

TEST(ApiClient, FetchesFromARealServer) {
  const auto source =
      std::make_shared<const rcached::testing::SettableSource>(rcached::testing::sample_view(kProfile61));
  const Server server(api_routes(source));
  DaemonSource client(std::make_shared<ApiClient>(*parse_url(server.url()), ApiClientOptions{}));
  for (int i = 0; i < 3; ++i) {
    const auto picture = client.picture("4");
    ASSERT_TRUE(picture) << picture.error().message;
    EXPECT_EQ(picture->data.detail->domain.label, "4");
  }
  const auto gone = client.picture("a b/c");
  ASSERT_TRUE(gone);
  EXPECT_FALSE(gone->data.detail);
}

TEST(ApiClient, SendsNameAndPassword) {
  std::string seen;
  const Route route{"/x", "", [&seen](const HttpRequest& request) {
                      seen = request.header("Authorization");
                      return HttpResponse{};
                    }};
  const Server server({route});
  ApiClientOptions options;
  options.user = "Aladdin";
  options.password = "open sesame";
  ApiClient client(*parse_url(server.url()), options);
  ASSERT_TRUE(client.get("/x"));
  EXPECT_EQ(seen, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  ApiClient without(*parse_url(server.url()), {});
  ASSERT_TRUE(without.get("/x"));
  EXPECT_EQ(seen, "");
}

TEST(ApiClient, NoServer) {
  const std::string url = "http://127.0.0.1:" + std::to_string(rcached::testing::free_port());
  ApiClient client(*parse_url(url), {});
  const auto answer = client.get("/x");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::unreachable);
  EXPECT_EQ(answer.error().message, "no rcached responds at " + url + ": cannot connect");
  for (const char* part : {"start it", "--url", "--source"})
    EXPECT_NE(answer.error().hint.find(part), std::string::npos);
}

// Sends the same bytes to every client, then closes the connection, or keeps it open until the end.
class RawServer {
 public:
  RawServer(std::string bytes, bool hold) : bytes_(std::move(bytes)), hold_(hold) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~RawServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    for (const int fd : held_) close(fd);
    close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  void serve() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      std::array<char, 4096> request{};
      [[maybe_unused]] const ssize_t got = recv(fd, request.data(), request.size(), 0);
      [[maybe_unused]] const ssize_t sent = send(fd, bytes_.data(), bytes_.size(), MSG_NOSIGNAL);
      if (hold_) {
        held_.push_back(fd);
      } else {
        close(fd);
      }
    }
  }

  const std::string bytes_;
  const bool hold_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::vector<int> held_;
  std::thread thread_;
};

ErrorCode code_of(const std::string& bytes, ApiClientOptions options = {}, bool hold = false) {
  const RawServer server(bytes, hold);
  ApiClient client(*parse_url(server.url()), options);
  const auto answer = client.get("/x");
  EXPECT_FALSE(answer) << *answer;
  return answer ? ErrorCode::refused : answer.error().code;
}

TEST(ApiClient, InvalidOrTruncatedResponsesAreErrors) {
  EXPECT_EQ(code_of(""), ErrorCode::bad_answer);
  EXPECT_EQ(code_of("SSH-2.0-OpenSSH\r\n"), ErrorCode::bad_answer);
  EXPECT_EQ(code_of("HTTP/1.1 200 OK\r\nContent-Le"), ErrorCode::bad_answer);
  EXPECT_EQ(code_of("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}"), ErrorCode::bad_answer);
  EXPECT_EQ(code_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}"), ErrorCode::bad_answer);
  EXPECT_EQ(code_of("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"),
            ErrorCode::refused);
}

TEST(ApiClient, TooLargeAndTooSlowResponsesAreErrors) {
  ApiClientOptions small;
  small.max_response_bytes = 10;
  EXPECT_EQ(code_of("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n01234567890123456789", small),
            ErrorCode::bad_answer);
  ApiClientOptions hasty;
  hasty.answer_limit = 50ms;
  EXPECT_EQ(code_of("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0", hasty, true), ErrorCode::bad_answer);
  EXPECT_EQ(code_of("", hasty, true), ErrorCode::bad_answer);
}

TEST(ApiClient, CancelEndsAWait) {
  const RawServer server("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0", true);
  ApiClientOptions options;
  options.answer_limit = std::chrono::minutes(10);
  ApiClient client(*parse_url(server.url()), options);
  std::atomic<bool> ended{false};
  std::thread asking([&] {
    EXPECT_FALSE(client.get("/x"));
    ended = true;
  });
  // Repeatedly: the first may come before the connection exists.
  while (!ended) {
    client.cancel();
    std::this_thread::yield();
  }
  asking.join();
}

}  // namespace
}  // namespace rcached::top
