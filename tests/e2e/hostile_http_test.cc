// SPDX-License-Identifier: Apache-2.0
// Thousands of hostile requests from many concurrent clients to a real server with all features enabled. Every
// response must be valid HTTP (or empty), authentication must not be bypassed, no host data may leak, and the
// server must keep working and leak no connection.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/unique_fd.h"
#include "daemon/command/routes.h"
#include "exporters/http/http_server.h"
#include "tests/e2e/hostile_http_requests.h"
#include "tests/kit/basic_header.h"
#include "tests/kit/http_client.h"
#include "tests/kit/sample_view.h"
#include "tests/kit/temporary_folder.h"
#include "tests/kit/waiting.h"

namespace rcached::e2e {
namespace {

using rcached::testing::eventually;

using namespace std::chrono_literals;

constexpr int kRequests = 10'400;  // each time, with and without authentication
constexpr int kClients = 16;
constexpr std::uint64_t kSeed = 20'201'124;

std::size_t open_fds() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

// Without descriptors that the server's threads open briefly: the minimum of many samples.
std::size_t open_fds_at_rest() {
  std::size_t least = open_fds();
  for (int i = 0; i < 40; ++i) {
    std::this_thread::sleep_for(5ms);
    least = std::min(least, open_fds());
  }
  return least;
}

UniqueFd connect_to(std::uint16_t port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{.tv_sec = 20, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return UniqueFd();
  return fd;
}

void reset(const UniqueFd& fd) {
  const linger now{1, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

// Sends the request and returns the part of the response that was read.
std::string perform(std::uint16_t port, const HostileRequest& request) {
  UniqueFd fd = connect_to(port);
  if (!fd.valid()) return "";
  for (const std::string& piece : request.pieces) {
    if (::send(fd.get(), piece.data(), piece.size(), MSG_NOSIGNAL) < 0) break;
  }
  if (request.ending == Ending::half_close) ::shutdown(fd.get(), SHUT_WR);
  if (request.ending == Ending::reset) reset(fd);
  if (request.ending == Ending::close || request.ending == Ending::reset) return "";
  std::string answer;
  std::array<char, 65536> buffer{};
  if (request.ending == Ending::read_some) {
    pollfd poll{fd.get(), POLLIN, 0};
    if (::poll(&poll, 1, 20) > 0) ::recv(fd.get(), buffer.data(), 100, 0);
    reset(fd);
    return "";
  }
  for (ssize_t n = 0; (n = ::recv(fd.get(), buffer.data(), buffer.size(), 0)) > 0;) {
    if (answer.size() < 100'000) answer.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return answer;
}

class HostileHttpTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    HttpOptions options;
    options.listen = "127.0.0.1:" + std::to_string(port_);
    options.threads = 8;
    options.streams = 4;
    options.request_timeout = 1s;
    options.rate = 1'000'000;
    options.metrics = std::make_shared<HttpMetrics>();
    options.web_config = (directory_ / "web.yaml").string();
    options.log = [](std::string_view) {};
    std::ofstream(options.web_config)
        << "http_server_config:\n  headers:\n    X-Frame-Options: deny\n"
        << "rate_limit: {interval: 1us, burst: 1000000}\n"
        << (GetParam() ? "basic_auth_users:\n  alice: " + testing::bcrypt("secret") + "\n" : "");
    ::chmod(options.web_config.c_str(), 0600);
    metrics_ = options.metrics;
    server_ = std::make_unique<HttpServer>(options, routes());
    const auto started = server_->start();
    ASSERT_TRUE(started.has_value()) << started.error().message;
  }
  void TearDown() override { server_.reset(); }

  std::vector<Route> routes() {
    std::vector<Route> routes = standard_routes(source_);
    routes.push_back({"/api/v1/domains/{domain}", "", [](const HttpRequest& request) {
                        HttpResponse response;
                        response.headers = {{"X-Domain", std::string(request.parameter)},
                                            {"X-Accept", std::string(request.header("Accept-Encoding"))}};
                        response.body = request.query;
                        return response;
                      }});
    routes.push_back(
        {"/big", "", [body = std::make_shared<const std::string>(4'000'000, 'x')](const HttpRequest&) {
           HttpResponse response;
           response.shared_body = body;
           return response;
         }});
    routes.push_back({"/stream", "", [](const HttpRequest&) {
                        HttpResponse response;
                        response.stream = [](HttpStream& stream) {
                          while (stream.write(std::string(1000, 's'))) std::this_thread::sleep_for(1ms);
                        };
                        return response;
                      }});
    return routes;
  }

  bool healthy() const {
    const std::string authorization = GetParam() ? "Authorization: " + authorization_ + "\r\n" : "";
    const auto answer =
        testing::send_raw(port_, "GET /-/healthy HTTP/1.1\r\nHost: x\r\n" + authorization + "\r\n");
    return answer.status == 200 && answer.body == "rcached is healthy\n";
  }

  // The problem of a response; empty if there is none.
  std::string fault(const HostileRequest& request, const std::string& answer) const {
    if (answer.empty()) return "";
    const auto parsed = testing::parse_response(answer);
    static const std::set<int> known = {200, 400, 401, 404, 405, 406, 408, 411, 413, 414, 429, 503, 505};
    if (known.count(parsed.status) == 0) return "invalid response";
    if (parsed.headers.count("injected") != 0) return "a header was injected";
    if (parsed.headers.count("connection") == 0 || parsed.headers.count("x-frame-options") == 0)
      return "headers are missing";
    if (answer.find("root:") != std::string::npos) return "a file's contents leaked";
    std::string sent;
    for (const std::string& piece : request.pieces) sent += piece;
    if (GetParam() && parsed.status == 200 && sent.find(authorization_) == std::string::npos) {
      return "accepted without credentials";
    }
    return "";
  }

  rcached::testing::TemporaryFolder folder_;
  const std::filesystem::path directory_ = folder_.path();
  std::uint16_t port_ = testing::free_port();
  const std::string authorization_ = testing::basic_header("alice", "secret");
  std::shared_ptr<testing::SettableSource> source_ =
      std::make_shared<testing::SettableSource>(testing::sample_view(kProfile61));
  std::shared_ptr<HttpMetrics> metrics_;
  std::unique_ptr<HttpServer> server_;
};

TEST_P(HostileHttpTest, TheServerKeepsWorking) {
  const std::size_t fds = open_fds_at_rest();  // before the first connection
  ASSERT_TRUE(eventually([&] { return healthy(); }));

  // Meanwhile, some clients never complete their request, and some never read the response.
  std::vector<UniqueFd> slow;
  for (int i = 0; i < 48; ++i) {
    slow.push_back(connect_to(port_));
    const std::string text = i % 3 == 0 ? "GET / HTTP/1.1\r\nHost:"
                             : i % 3 == 1
                                 ? "G"
                                 : "GET /big HTTP/1.1\r\nAuthorization: " + authorization_ + "\r\n\r\n";
    ::send(slow.back().get(), text.data(), text.size(), MSG_NOSIGNAL);
  }

  std::mutex mutex;
  std::map<std::string, int> answers;  // by kind and status
  std::vector<std::string> faults;
  std::atomic<int> probes = 0;
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      HostileRequests requests(kSeed + static_cast<std::uint64_t>(client), authorization_);
      for (int i = 0; i < kRequests / kClients; ++i) {
        const HostileRequest request = requests.next();
        const std::string answer = perform(port_, request);
        const std::string wrong = fault(request, answer);
        const std::lock_guard lock(mutex);
        ++answers[std::string(request.kind)];
        if (!wrong.empty() && faults.size() < 10) {
          faults.push_back(wrong + ", " + std::string(request.kind) + ", client " + std::to_string(client) +
                           " request " + std::to_string(i) + ": " + answer.substr(0, 300));
        }
      }
    });
  }
  std::atomic<bool> done = false;
  std::thread prober([&] {
    while (!done) {
      probes += eventually([&] { return healthy(); });
      std::this_thread::sleep_for(50ms);
    }
  });
  for (std::thread& client : clients) client.join();
  done = true;
  prober.join();

  for (const std::string& wrong : faults) ADD_FAILURE() << wrong;
  EXPECT_EQ(answers.size(), HostileRequests::kinds().size()) << "every kind was sent";
  EXPECT_GT(probes, 0);
  EXPECT_TRUE(eventually([&] { return healthy(); }));
  EXPECT_TRUE(eventually([&] { return testing::get(port_, "/").status == (GetParam() ? 401 : 200); }));
  slow.clear();
  EXPECT_TRUE(eventually([&] { return open_fds() <= fds; }))
      << open_fds() << " open, " << fds << " at the start";
  server_->stop();
}

INSTANTIATE_TEST_SUITE_P(WithoutAndWithUsers, HostileHttpTest, ::testing::Bool());

}  // namespace
}  // namespace rcached::e2e
