// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/http_server.h"

#include <civetweb.h>
#include <fmt/format.h>
#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstring>
#include <deque>
#include <exception>
#include <filesystem>
#include <iterator>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "exporters/http/answer.h"
#include "exporters/http/listen_address.h"
#include "exporters/http/route_table.h"

namespace rcached {
namespace {

using namespace std::chrono_literals;

HttpResponse not_found(const RouteTable& routes) {
  HttpResponse response;
  response.status = 404;
  response.body = "Nothing here. This server has:\n" + routes.listing();
  return response;
}

HttpResponse method_not_allowed() {
  HttpResponse response = plain_answer(405, "Only GET and HEAD are answered here.");
  response.headers = {{"Allow", "GET, HEAD"}};
  return response;
}

// CivetWeb takes lengths as size_t but reports what it sent as int.
bool send_all(mg_connection* connection, std::string_view data) {
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  while (!data.empty()) {
    const std::size_t length = std::min(data.size(), kPiece);
    if (mg_write(connection, data.data(), length) != static_cast<int>(length)) return false;
    data.remove_prefix(length);
  }
  return true;
}

void send(mg_connection* connection, const HttpResponse& response, bool with_body) {
  const std::string_view shared =
      response.shared_body ? std::string_view(*response.shared_body) : std::string_view();
  if (send_all(connection, render_head(response, {})) && with_body && send_all(connection, shared))
    send_all(connection, response.body);
}

// The headers of one request by name; several of one name become one.
class Headers {
 public:
  explicit Headers(const mg_request_info& request) : request_(request) {}

  std::string_view get(std::string_view name) {
    std::string_view first;
    std::string* joined = nullptr;
    for (int i = 0; i < request_.num_headers; ++i) {
      const mg_header& header = request_.http_headers[i];
      if (std::strlen(header.name) != name.size() ||
          ::strncasecmp(header.name, name.data(), name.size()) != 0)
        continue;
      if (first.data() == nullptr) {
        first = header.value;
        continue;
      }
      if (joined == nullptr) joined = &joined_.emplace_back(first);
      joined->append(", ").append(header.value);
    }
    return joined == nullptr ? first : std::string_view(*joined);
  }

 private:
  const mg_request_info& request_;
  std::deque<std::string> joined_;  // what get() has returned stays where it is
};

class Stream final : public HttpStream {
 public:
  Stream(mg_connection* connection, const std::atomic<bool>& stopping)
      : connection_(connection), stopping_(stopping) {}

  bool write(std::string_view bytes) override {
    if (open() && !send_all(connection_, bytes)) gone_ = true;
    return open();
  }
  bool open() const override { return !gone_ && !stopping_; }

 private:
  mg_connection* connection_;
  const std::atomic<bool>& stopping_;
  bool gone_ = false;
};

// CivetWeb's threads notice a stop only when their socket wakes them, up to 2 s late. It does not tell its
// sockets, so they are found by the address they are bound to and shut down: the listening one and all
// accepted.
void wake_sockets(const ListenAddress& address) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    sockaddr_in local{};
    socklen_t length = sizeof local;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &length) == 0 && address.owns(local)) {
      ::shutdown(fd, SHUT_RDWR);
    }
  }
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(HttpOptions options, std::vector<Route> routes)
      : options_(std::move(options)), routes_(std::move(routes)) {}

  tl::expected<void, HttpError> start() {
    if (context_ != nullptr) return {};
    auto address = ListenAddress::parse(options_.listen);
    if (!address) return tl::unexpected(address.error());
    if (auto probed = address->probe(); !probed) return probed;
    address_ = *address;
    stopping_ = false;
    return start_civetweb();
  }

  void stop() {
    if (context_ == nullptr) return;
    stopping_ = true;
    std::atomic<bool> stopped = false;
    std::thread stopper([&] {
      mg_stop(context_);
      stopped = true;
    });
    while (!stopped) {
      wake_sockets(*address_);
      std::this_thread::sleep_for(5ms);
    }
    stopper.join();
    context_ = nullptr;
  }

  std::string url() const { return context_ == nullptr ? "" : "http://" + address_->numeric() + "/"; }

 private:
  tl::expected<void, HttpError> start_civetweb() {
    const std::string listen = address_->numeric();
    const std::string threads = std::to_string(std::max(1u, options_.threads) + options_.streams);
    const std::string timeout = std::to_string(options_.request_timeout.count());
    // No URL decoding: no route needs it, and "%00" would cut a path short. No delay: else the end of every
    // piece of a large body waits for an acknowledgement. Keep-alive: see http_server.h.
    // clang-format off
    const std::array<const char*, 15> configuration = {
        "listening_ports", listen.c_str(),
        "num_threads", threads.c_str(),
        "request_timeout_ms", timeout.c_str(),
        "enable_keep_alive", "no",
        "enable_directory_listing", "no",
        "decode_url", "no",
        "tcp_nodelay", "1",
        nullptr};
    // clang-format on
    mg_callbacks callbacks{};
    callbacks.begin_request = [](mg_connection* connection) { return self(connection).answer(connection); };
    callbacks.http_error = [](mg_connection* connection, int status, const char*) {
      send(connection, plain_answer(status, std::string(reason_phrase(status))), true);
      return 0;  // done; CivetWeb's own page would use gmtime(), which races
    };
    callbacks.log_message = [](const mg_connection* connection, const char* message) {
      const Impl& impl = self(connection);
      if (impl.options_.log) impl.options_.log(message);
      return 1;  // CivetWeb writes nothing itself
    };

    std::array<char, 256> text{};
    unsigned code = 0;
    mg_init_data init{&callbacks, this, const_cast<const char**>(configuration.data())};
    mg_error_data error{&code, text.data(), text.size()};
    context_ = mg_start2(&init, &error);
    if (context_ != nullptr) return {};
    return tl::unexpected(HttpError{HttpError::Kind::internal,
                                    fmt::format("the HTTP server could not start on {}: {}", listen,
                                                text[0] == '\0' ? "no reason given" : text.data()),
                                    "check the limits of memory and threads, or set another listen address"});
  }

  static Impl& self(const mg_connection* connection) {
    return *static_cast<Impl*>(mg_get_user_data(mg_get_context(connection)));
  }

  // Sees every request before CivetWeb would look for a file. Returns the status: the request is done with.
  int answer(mg_connection* connection) {
    mg_disable_connection_keep_alive(
        connection);  // else CivetWeb first waits for the rest of a request's body
    const mg_request_info& request = *mg_get_request_info(connection);
    Headers headers(request);
    HttpRequest mine;
    mine.method = request.request_method;
    mine.path = request.local_uri;
    if (request.query_string != nullptr) mine.query = request.query_string;
    mine.header = [&headers](std::string_view name) { return headers.get(name); };
    const bool with_body = mine.method != "HEAD";
    const HttpResponse response = respond(mine);
    if (response.stream && with_body) return serve_stream(connection, response);
    send(connection, response, with_body);
    return response.status;
  }

  int serve_stream(mg_connection* connection, const HttpResponse& response) {
    if (open_streams_.fetch_add(1) >= options_.streams) {
      --open_streams_;
      const HttpResponse refused = plain_answer(
          503, fmt::format("All {} streams are in use: close one, or raise http.streams.", options_.streams),
          5s);
      send(connection, refused, true);
      return refused.status;
    }
    if (send_all(connection, render_head(response, {}))) {
      Stream stream(connection, stopping_);
      guarded("stream", [&] { response.stream(stream); });
    }
    --open_streams_;
    return response.status;
  }

  HttpResponse respond(HttpRequest& request) const {
    const auto [route, parameter] = routes_.find(request.path);
    if (route == nullptr) return not_found(routes_);
    if (request.method != "GET" && request.method != "HEAD") return method_not_allowed();
    request.parameter = parameter;
    HttpResponse response;
    if (!guarded(route->path, [&, get = &route->get] { response = (*get)(request); })) {
      response = plain_answer(500, "rcached could not make this page; its log says why.");
    }
    return response;
  }

  // What a route throws costs its request, not the server. False: it has thrown, and the log says what.
  template <typename Call>
  bool guarded(std::string_view who, const Call& call) const {
    std::string what = "unknown exception";
    try {
      call();
      return true;
    } catch (const std::exception& error) {
      what = error.what();
    } catch (...) {  // NOLINT(bugprone-empty-catch): `what` says so
    }
    if (options_.log) options_.log(fmt::format("{}: {}", who, what));
    return false;
  }

  HttpOptions options_;
  RouteTable routes_;
  std::atomic<bool> stopping_ = false;
  std::atomic<unsigned> open_streams_ = 0;
  std::optional<ListenAddress> address_;  // set once start() has parsed it
  mg_context* context_ = nullptr;
};

HttpServer::HttpServer(HttpOptions options, std::vector<Route> routes)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(routes))) {}

HttpServer::~HttpServer() { stop(); }

tl::expected<void, HttpError> HttpServer::start() { return impl_->start(); }

void HttpServer::stop() { impl_->stop(); }

std::string HttpServer::url() const { return impl_->url(); }

}  // namespace rcached
