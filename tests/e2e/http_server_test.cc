// SPDX-License-Identifier: Apache-2.0
// A real server on a loopback port, with raw requests.
#include "exporters/http/http_server.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <regex>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "daemon/command/routes.h"
#include "exporters/http/listen_address.h"
#include "exporters/http/socket_table.h"
#include "tests/kit/http_client.h"
#include "tests/kit/sample_view.h"
#include "tests/kit/waiting.h"

namespace rcached {
namespace {

using namespace std::chrono_literals;
using testing::ClientResponse;
using testing::eventually;
using testing::RawConnection;
using testing::sample_view;
using testing::send_raw;
using testing::SettableSource;

class HttpServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto started = server_.start();
    ASSERT_TRUE(started.has_value()) << started.error().message;
  }

  ClientResponse get(const std::string& path, const std::string& method = "GET") {
    return testing::get(port_, path, method);
  }

  explicit HttpServerTest(std::chrono::milliseconds request_timeout = 2 * testing::kHang)
      : request_timeout_(request_timeout) {}

  HttpOptions options() {
    HttpOptions options;
    options.listen = "127.0.0.1:" + std::to_string(port_);
    options.request_timeout = request_timeout_;
    options.log = [this](std::string_view line) {
      const std::lock_guard lock(log_mutex_);
      log_.append(line) += '\n';
    };
    return options;
  }

  std::vector<Route> routes() {
    std::vector<Route> routes = standard_routes(source_);
    routes.push_back({"/throws", "breaks",
                      [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("kaputt"); }});
    routes.push_back({"/big", "20 MB", [](const HttpRequest&) {
                        HttpResponse response;
                        response.shared_body = std::make_shared<const std::string>(20'000'000, 'x');
                        response.body = "end";
                        return response;
                      }});
    routes.push_back({"/items/{item}/name", "echo", [](const HttpRequest& request) {
                        HttpResponse response;
                        response.body = std::string(request.parameter) + " " + std::string(request.query) +
                                        " " + std::string(request.header("X-Thing"));
                        return response;
                      }});
    routes.push_back({"/stream", "", [this](const HttpRequest&) {
                        HttpResponse response;
                        response.content_type = "text/event-stream";
                        response.stream = [this](HttpStream& stream) { tick(stream); };
                        return response;
                      }});
    return routes;
  }

  // Runs until the client or the server ends it.
  void tick(HttpStream& stream) {
    ++streams_;
    while (stream.open() && stream.write("tick\n")) std::this_thread::sleep_for(10ms);
    EXPECT_FALSE(stream.open());
    EXPECT_FALSE(stream.write("more")) << "writes fail once the stream has ended";
    --streams_;
  }

  std::string log() {
    const std::lock_guard lock(log_mutex_);
    return log_;
  }

  // The fastest stop() of five, because the machine may be busy. `connect` opens clients and returns them.
  std::chrono::nanoseconds fastest_stop(const auto& connect) {
    std::chrono::nanoseconds fastest = testing::kHang;
    for (int i = 0; i < 5; ++i) {
      if (i > 0) {
        EXPECT_TRUE(server_.start().has_value());
      }
      const auto clients = connect();
      const auto begin = std::chrono::steady_clock::now();
      server_.stop();
      fastest = std::min<std::chrono::nanoseconds>(fastest, std::chrono::steady_clock::now() - begin);
    }
    return fastest;
  }

  const std::chrono::milliseconds request_timeout_;
  std::mutex log_mutex_;
  std::string log_;
  std::atomic<int> streams_ = 0;  // currently open
  std::uint16_t port_ = testing::free_port();
  std::shared_ptr<SettableSource> source_ = std::make_shared<SettableSource>(sample_view(kProfile61));
  HttpServer server_{options(), routes()};
};

TEST_F(HttpServerTest, ServesEveryEndpoint) {
  EXPECT_EQ(server_.url(), "http://127.0.0.1:" + std::to_string(port_) + "/");
  const ClientResponse metrics = get("/metrics");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_EQ(metrics.headers.at("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(metrics.headers.at("content-length"), std::to_string(metrics.body.size()));
  EXPECT_EQ(metrics.headers.at("connection"), "close");
  EXPECT_TRUE(metrics.body.starts_with("# HELP iova_kernel_info "));
  EXPECT_NE(metrics.body.find("\nprocess_open_fds "), std::string::npos);
  EXPECT_EQ(get("/metrics?collect=all").status, 200) << "query strings are ignored";

  EXPECT_EQ(get("/-/healthy").body, "rcached is healthy\n");
  EXPECT_EQ(get("/-/ready").status, 200);
  const ClientResponse landing = get("/");
  EXPECT_EQ(landing.status, 200);
  EXPECT_EQ(landing.headers.at("content-type"), "text/html; charset=utf-8");
  EXPECT_TRUE(landing.headers.at("content-security-policy").starts_with("default-src 'none'"));
  EXPECT_EQ(landing.headers.at("x-content-type-options"), "nosniff");
}

TEST_F(HttpServerTest, HeadHasTheHeadersAndNoBody) {
  const std::size_t length = get("/").body.size();
  const ClientResponse head = get("/", "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-length"), std::to_string(length));
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(get("/nothing", "HEAD").body, "");
}

TEST_F(HttpServerTest, OtherMethodsAreRejected) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"}) {
    const ClientResponse response = get("/metrics", method);
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(response.headers.at("allow"), "GET, HEAD") << method;
  }
  EXPECT_EQ(get("/nothing", "POST").status, 404);
  // a missing body does not delay the response
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(send_raw(port_, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n").status,
            405);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, testing::kHang);
}

TEST_F(HttpServerTest, UnknownPathsGetAHint) {
  for (const char* path : {"/nothing", "/metrics/", "/Metrics", "/-/", "/favicon.ico"}) {
    const ClientResponse response = get(path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_TRUE(std::regex_search(response.body, std::regex("\n  /metrics +metrics for Prometheus\n")))
        << path;
    EXPECT_EQ(response.body.find("\n  /stream "), std::string::npos) << "not listed without a summary";
  }
}

TEST_F(HttpServerTest, ARouteGetsItsParameterAndRepeatedHeaders) {
  EXPECT_EQ(send_raw(port_,
                     "GET /items/a%20b/name?q=1 HTTP/1.1\r\nHost: x\r\nx-thing: one\r\nOther: 0\r\n"
                     "X-THING: two\r\n\r\n")
                .body,
            "a%20b q=1 one, two");
  EXPECT_EQ(get("/items/7/name").body, "7  ");
  EXPECT_EQ(get("/items//name").status, 404);
}

TEST_F(HttpServerTest, AStreamRunsUntilItsClientDisconnects) {
  {
    RawConnection client(port_);
    client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string begin = client.read_until("tick\ntick\n");
    const ClientResponse response = testing::parse_response(begin);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.headers.at("content-type"), "text/event-stream");
    EXPECT_EQ(response.headers.at("cache-control"), "no-store");
    EXPECT_EQ(response.headers.at("x-accel-buffering"), "no");
    EXPECT_EQ(response.headers.at("connection"), "close");
    EXPECT_EQ(response.headers.count("content-length"), 0u);
    EXPECT_TRUE(response.body.starts_with("tick\ntick\n"));
    EXPECT_EQ(streams_, 1);
  }
  EXPECT_TRUE(eventually([&] { return streams_ == 0; }));
}

TEST_F(HttpServerTest, HeadOfAStreamEnds) {
  const ClientResponse head = get("/stream", "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("x-accel-buffering"), "no");
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(streams_, 0);
}

TEST_F(HttpServerTest, StreamsBeyondTheLimitAreRefusedAndRequestsStillServed) {
  std::vector<std::unique_ptr<RawConnection>> clients;
  for (unsigned i = 0; i < options().streams; ++i) {
    clients.push_back(std::make_unique<RawConnection>(port_));
    clients.back()->send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    clients.back()->read_until("tick\n");
  }
  const ClientResponse refused = get("/stream");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers.at("retry-after"), "5");
  EXPECT_EQ(refused.body, "All 4 streams are in use: close one, or raise http.streams.\n");
  EXPECT_EQ(get("/metrics").status, 200);
  clients.pop_back();
  EXPECT_TRUE(eventually([&] { return streams_ == 3; }));
  RawConnection next(port_);
  next.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(next.read_until("tick\n").find(" 200 OK"), std::string::npos);
}

TEST_F(HttpServerTest, StopEndsOpenStreams) {
  EXPECT_LT(fastest_stop([this] {
              auto client = std::make_unique<RawConnection>(port_);
              client->send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
              client->read_until("tick\n");
              return client;
            }),
            1s);
  EXPECT_EQ(streams_, 0);
}

TEST_F(HttpServerTest, NoPathReachesAFile) {
  for (const char* path : {"/../etc/passwd", "/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
                           "/etc/passwd", "/..%2f..%2fetc%2fpasswd", "/..\\..\\etc\\passwd", "//etc/passwd",
                           "/metrics/../../etc/passwd", "/.htpasswd", "/proc/self/environ", "/%00"}) {
    const ClientResponse response = get(path);
    EXPECT_TRUE(response.status == 404 || response.status == 400) << path << ": " << response.status;
    EXPECT_EQ(response.body.find("root:"), std::string::npos) << path;
  }
  EXPECT_EQ(get("/-/../metrics").status, 200) << "dots are resolved within the routes";
}

TEST_F(HttpServerTest, MalformedRequestsAreRejectedAndTheServerKeepsWorking) {
  for (const char* bytes : {"\r\n\r\n", "GET\r\n\r\n", "nonsense\r\n\r\n", "GET /metrics\r\n\r\n",
                            "GET /metrics HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
                            "GET metrics HTTP/1.1\r\n\r\n", "OPTIONS * HTTP/1.1\r\n\r\n"}) {
    const ClientResponse response = send_raw(port_, bytes);
    EXPECT_TRUE(response.status == 0 || response.status == 400 || response.status == 505)
        << bytes << ": " << response.status;
  }
  EXPECT_EQ(send_raw(port_, "nonsense\r\n\r\n").body, "Bad Request\n") << "the request is not echoed";
  // Too large: CivetWeb responds with 4xx and closes at once; the reset may overtake the response (then 0).
  for (const std::string& bytes : {"GET /" + std::string(100'000, 'a') + " HTTP/1.1\r\n\r\n",
                                   "GET /metrics HTTP/1.1\r\nX: " + std::string(100'000, 'a') + "\r\n\r\n"}) {
    const int status = send_raw(port_, bytes).status;
    EXPECT_TRUE(status == 0 || status / 100 == 4) << status;
  }
  EXPECT_EQ(get("/-/healthy").status, 200);
}

class HastyServerTest : public HttpServerTest {
 protected:
  HastyServerTest() : HttpServerTest(2s) {}
};

TEST_F(HastyServerTest, IdleClientsReleaseTheirThreadAfterTheTimeout) {
  std::vector<std::unique_ptr<RawConnection>> silent;
  for (int i = 0; i < 4; ++i) {
    silent.push_back(std::make_unique<RawConnection>(port_));
    silent.back()->send("GET /metr");
  }
  EXPECT_EQ(get("/-/healthy").status, 200);
}

TEST_F(HttpServerTest, ABrokenRouteAffectsOnlyItsRequest) {
  const ClientResponse response = get("/throws");
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body.find("kaputt"), std::string::npos) << "details are only logged";
  EXPECT_NE(log().find("/throws: kaputt"), std::string::npos);
  EXPECT_EQ(get("/-/healthy").status, 200);
}

TEST_F(HttpServerTest, LargeBodiesArriveComplete) {
  const ClientResponse response = get("/big");
  EXPECT_EQ(response.body.size(), 20'000'003u);
  EXPECT_TRUE(response.body.ends_with("xend"));
}

TEST_F(HttpServerTest, ConcurrentScrapesSeeConsistentViewsDuringUpdates) {
  std::atomic<bool> done = false;
  std::thread publisher([&] {
    View view = sample_view(kProfile61);
    while (!done) {
      ++view.status.events;
      source_->publish(view);
      std::this_thread::sleep_for(1ms);
    }
  });
  std::vector<std::thread> scrapers;
  scrapers.reserve(8);
  std::atomic<int> good = 0;
  for (int i = 0; i < 8; ++i) {
    scrapers.emplace_back([&] {
      for (int n = 0; n < 25; ++n) {
        const ClientResponse response = get(n % 5 == 0 ? "/" : "/metrics");
        const bool whole = response.status == 200 &&
                           response.body.size() == std::stoul(response.headers.at("content-length"));
        good += whole ? 1 : 0;
      }
    });
  }
  for (std::thread& scraper : scrapers) scraper.join();
  done = true;
  publisher.join();
  EXPECT_EQ(good, 200);
}

TEST_F(HttpServerTest, StopIsFastWithUnresponsiveClients) {
  EXPECT_LT(
      fastest_stop([this] {
        std::vector<std::unique_ptr<RawConnection>> clients;
        for (const char* request :
             {"", "GET /metrics HTTP/1.1\r\nHost:",
              "GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
              "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"}) {  // more than the socket buffers can hold; not read
          clients.push_back(std::make_unique<RawConnection>(port_));
          clients.back()->send(request);
        }
        std::this_thread::sleep_for(200ms);  // until the threads have accepted them all
        return clients;
      }),
      1s);
  EXPECT_EQ(server_.url(), "");
  EXPECT_FALSE(RawConnection(port_).connected());
  server_.stop();  // a second call has no effect
}

TEST_F(HttpServerTest, StopsEvenIfNoThreadCanBeCreated) {
  pthread_attr_t before, huge;
  ASSERT_EQ(::pthread_getattr_default_np(&before), 0);
  ASSERT_EQ(::pthread_getattr_default_np(&huge), 0);
  ASSERT_EQ(::pthread_attr_setstacksize(&huge, std::size_t{1} << 47), 0);  // larger than the address space
  RawConnection silent(port_);
  ASSERT_EQ(::pthread_setattr_default_np(&huge), 0);
  EXPECT_THROW(std::thread([] {}).join(), std::system_error);
  server_.stop();
  ASSERT_EQ(::pthread_setattr_default_np(&before), 0);
  ::pthread_attr_destroy(&huge);
  ::pthread_attr_destroy(&before);
  EXPECT_FALSE(RawConnection(port_).connected());
  ASSERT_TRUE(server_.start().has_value());
  EXPECT_EQ(get("/-/healthy").status, 200);
}

TEST_F(HttpServerTest, StartsAgainAfterAStop) {
  for (int i = 0; i < 3; ++i) {
    server_.stop();
    const auto started = server_.start();
    ASSERT_TRUE(started.has_value()) << started.error().message;
    EXPECT_EQ(get("/-/healthy").status, 200);
  }
}

TEST_F(HttpServerTest, APortInUseIsAnErrorWithAHint) {
  HttpServer second(options(), routes());
  const auto started = second.start();
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, ErrorCode::port_taken);
  EXPECT_EQ(started.error().message,
            "cannot listen on 127.0.0.1:" + std::to_string(port_) + ": Address already in use");
  EXPECT_NE(started.error().hint.find("another listen address"), std::string::npos);
  EXPECT_EQ(get("/-/healthy").status, 200) << "the first server is not affected";
  server_.stop();
  EXPECT_TRUE(second.start().has_value()) << "the port is free after the first server has stopped";
}

TEST(HttpServer, ListensOnAnInheritedSocket) {
  const std::string place = "127.0.0.1:" + std::to_string(testing::free_port());
  const auto address = ListenAddress::parse(place);
  auto bound = address->bind();
  ASSERT_TRUE(bound.has_value());
  const auto name = SocketName::of(bound->get());
  const int fd = bound->release();
  HttpServer server(HttpOptions{.listen = place, .bound_fd = fd}, {});
  EXPECT_FALSE(RawConnection(address->port()).connected());
  ASSERT_TRUE(server.start().has_value());
  EXPECT_EQ(SocketName::of(fd)->url(), name->url()) << "the same socket";
  EXPECT_EQ(server.url(), "http://" + place + "/");
  EXPECT_EQ(testing::get(address->port(), "/").status, 404);
  server.stop();
  EXPECT_FALSE(RawConnection(address->port()).connected());
  EXPECT_TRUE(server.start().has_value()) << "again, with its own socket";
}

TEST(HttpServer, AnInvalidAddressIsAnError) {
  HttpServer server(HttpOptions{.listen = "nowhere"}, {});
  const auto started = server.start();
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, ErrorCode::config);
}

TEST(HttpServer, CivetWebPrintsNothing) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  {
    const std::uint16_t port = testing::free_port();
    HttpServer server(HttpOptions{.listen = "127.0.0.1:" + std::to_string(port)}, {});  // no log
    ASSERT_TRUE(server.start().has_value());
    send_raw(port, "nonsense\r\n\r\n");
    send_raw(port, "GET / HTTP/1.1\r\n\r\n");
  }
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace rcached
