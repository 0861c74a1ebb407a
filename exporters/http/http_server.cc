// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/http_server.h"

#include <civetweb.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <exception>
#include <filesystem>
#include <iterator>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "exporters/http/listen_address.h"

namespace rcached {
namespace {

using namespace std::chrono_literals;

HttpResponse not_found(const std::vector<Route>& routes) {
  HttpResponse response;
  response.status = 404;
  response.body = "Nothing here. This server has:\n";
  for (const Route& route : routes) {
    fmt::format_to(std::back_inserter(response.body), "  {:<12} {}\n", route.path, route.summary);
  }
  return response;
}

HttpResponse method_not_allowed() {
  HttpResponse response;
  response.status = 405;
  response.headers = {{"Allow", "GET, HEAD"}};
  response.body = "Only GET and HEAD are answered here.\n";
  return response;
}

// For what CivetWeb refuses by itself: requests that are malformed, too large or too slow.
HttpResponse refused(const mg_connection* connection, int status) {
  HttpResponse response;
  response.status = status;
  response.body = fmt::format("{}\n", mg_get_response_code_text(connection, status));
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
  std::string head = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\nCache-Control: "
      "no-store\r\n"
      "X-Content-Type-Options: nosniff\r\n",
      response.status, mg_get_response_code_text(connection, response.status), response.content_type,
      shared.size() + response.body.size());
  for (const auto& [name, value] : response.headers) {
    fmt::format_to(std::back_inserter(head), "{}: {}\r\n", name, value);
  }
  head += "\r\n";
  if (send_all(connection, head) && with_body && send_all(connection, shared))
    send_all(connection, response.body);
}

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
    return start_civetweb();
  }

  void stop() {
    if (context_ == nullptr) return;
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
    const std::string threads = std::to_string(std::max(1u, options_.threads));
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
      send(connection, refused(connection, status), true);
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
  int answer(mg_connection* connection) const {
    mg_disable_connection_keep_alive(
        connection);  // else CivetWeb first waits for the rest of a request's body
    const mg_request_info& request = *mg_get_request_info(connection);
    const std::string_view method = request.request_method;
    HttpRequest mine;
    mine.method = method;
    mine.path = request.local_uri;
    if (request.query_string != nullptr) mine.query = request.query_string;
    mine.header = [connection](std::string_view name) {
      const char* value = mg_get_header(connection, std::string(name).c_str());
      return value == nullptr ? std::string_view() : std::string_view(value);
    };
    const HttpResponse response = respond(mine);
    send(connection, response, method != "HEAD");
    return response.status;
  }

  HttpResponse respond(const HttpRequest& request) const {
    const std::string_view method = request.method;
    const std::string_view path = request.path;
    const auto route = std::find_if(routes_.begin(), routes_.end(),
                                    [&](const Route& candidate) { return candidate.path == path; });
    if (route == routes_.end()) return not_found(routes_);
    if (method != "GET" && method != "HEAD") return method_not_allowed();
    std::string what = "unknown exception";
    try {
      return route->get(request);
    } catch (const std::exception& error) {
      what = error.what();
    } catch (...) {  // NOLINT(bugprone-empty-catch): `what` says so
    }
    if (options_.log) options_.log(fmt::format("{}: {}", route->path, what));
    HttpResponse response;
    response.status = 500;
    response.body = "rcached could not make this page; its log says why.\n";
    return response;
  }

  HttpOptions options_;
  std::vector<Route> routes_;
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
