// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/http_server.h"

#include <civetweb.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <optional>
#include <utility>

#include "base/unique_fd.h"
#include "exporters/http/answer.h"
#include "exporters/http/basic_auth.h"
#include "exporters/http/civetweb_server.h"
#include "exporters/http/connection_guard.h"
#include "exporters/http/listen_address.h"
#include "exporters/http/rate_limiter.h"
#include "exporters/http/route_table.h"
#include "exporters/http/socket_activation.h"
#include "exporters/http/socket_table.h"
#include "exporters/http/tls.h"
#include "exporters/http/web_config_file.h"

namespace rcached {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kQueue = 128;  // connections that wait for a thread; more wait in the kernel

HttpResponse not_found(const RouteTable& routes) {
  HttpResponse response;
  response.status = 404;
  response.body = "Not found. Available paths:\n" + routes.listing();
  return response;
}

HttpResponse method_not_allowed() {
  HttpResponse response = plain_answer(405, "Only GET and HEAD are supported.");
  response.headers = {{"Allow", "GET, HEAD"}};
  return response;
}

HttpResponse unauthorized() {
  HttpResponse response = plain_answer(401, "A user name and a password are required.");
  response.headers = {{"WWW-Authenticate", "Basic realm=\"rcached\", charset=\"UTF-8\""}};
  return response;
}

// Scrapes must not slow down the observed workload.
void lower_priority() {
  constexpr int kStep = 10;
  const auto thread = static_cast<id_t>(::gettid());
  ::setpriority(PRIO_PROCESS, thread, std::min(19, ::getpriority(PRIO_PROCESS, thread) + kStep));
}

// Lets the kernel hold back connections until data arrives, so silent clients mostly occupy no thread.
void defer_silent_connections(int fd, std::chrono::milliseconds limit) {
  const int seconds =
      static_cast<int>(std::max(1s, std::chrono::duration_cast<std::chrono::seconds>(limit)).count());
  ::setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(HttpOptions options, std::vector<Route> routes)
      : options_(std::move(options)), routes_(std::move(routes)), listener_(options_.bound_fd) {
    if (!options_.metrics) return;
    for (const Route& route : routes_.routes()) options_.metrics->add_handler(route.path);
  }

  Expected<void> start() {
    if (civetweb_) return {};
    if (auto done = open_web_config(); !done) return done;
    if (auto done = open_sockets(); !done) return done;
    stopping_ = false;
    if (options_.rate > 0) limiter_.emplace(std::chrono::nanoseconds(1s) / options_.rate, options_.rate);
    if (auto done = start_civetweb(); !done) {
      close_all();
      return done;
    }
    return {};
  }

  void stop() {
    if (!civetweb_) return;
    stopping_ = true;
    if (const auto settings = web_settings(); settings && settings->auth) settings->auth->stop();
    close_all();
  }

  std::string url() const {
    if (!civetweb_) return "";
    std::string url = names_.front().url();
    if (tls_) url.insert(4, "s");
    return url;
  }

  bool exposed() const {
    return civetweb_ &&
           std::any_of(names_.begin(), names_.end(), [](const SocketName& name) { return !name.loopback(); });
  }

  bool authenticates() const {
    const auto settings = civetweb_ ? web_settings() : nullptr;
    return (settings && settings->auth) || (tls_ && tls_->client_auth == WebConfig::ClientAuth::required);
  }

 private:
  void close_all() {
    civetweb_.reset();
    if (guard_) guard_->close_remaining();
    guard_.reset();
    listener_.reset();
    names_.clear();
    web_config_.reset();
    limiter_.reset();
    tls_.reset();
  }

  Expected<void> open_web_config() {
    if (options_.web_config.empty()) return {};
    const unsigned waiting = std::max(1u, options_.threads / 2);
    RCACHED_TRY(auto file, WebConfigFile::open(options_.web_config, waiting, options_.log, options_.metrics));
    web_config_ = file;
    tls_ = web_config_->settings()->config.tls;
    return {};
  }

  Expected<void> open_sockets() {
    names_.clear();
    for (const int fd : options_.inherited_fds) {
      RCACHED_TRY(auto name, adopt_socket(fd));
      names_.push_back(name);
    }
    if (!names_.empty()) return {};
    RCACHED_TRY(const auto address, ListenAddress::parse(options_.listen));
    RCACHED_TRY(auto bound, listener_.valid() ? std::move(listener_) : address.bind());
    if (auto done = address.listen(bound); !done) return done;
    defer_silent_connections(bound.get(), options_.request_timeout);
    listener_ = std::move(bound);
    names_.push_back(*SocketName::of(listener_.get()));
    return {};
  }

  Expected<void> start_civetweb() {
    GuardOptions limits;
    limits.workers = std::max(1u, options_.threads) + options_.streams;
    limits.head_limit = options_.request_timeout;
    limits.answer_limit = options_.request_timeout;
    limits.head_bytes = tls_ ? 1 : options_.request_bytes;
    guard_.emplace(
        limits, [names = names_] { return accepted_sockets(names); },
        [this](Dropped why) {
          refused(why == Dropped::slow_request ? Refusal::timeout : Refusal::slow_reader);
        });

    CivetWebOptions civetweb;
    civetweb.workers = limits.workers;
    civetweb.queue = kQueue;
    civetweb.request_timeout = options_.request_timeout + 1s;  // the guard's limit applies first
    civetweb.request_bytes = options_.request_bytes;
    civetweb.end_connections = [this] { guard_->end_all(); };
    std::optional<TlsSettings> tls_settings;
    if (tls_) {
      RCACHED_TRY(auto made, civetweb_tls_settings(*tls_));
      tls_settings = std::move(made);
      civetweb.tls = true;
      civetweb.extra = tls_settings->options;
    }
    const std::vector<int> own = {listener_.get()};
    auto server =
        CivetWebServer::start(civetweb, listener_.valid() ? own : options_.inherited_fds, callbacks(), this);
    if (!server) return tl::unexpected(server.error());
    civetweb_ = std::move(*server);
    return {};
  }

  static mg_callbacks callbacks() {
    mg_callbacks callbacks{};
    callbacks.init_thread = [](const mg_context*, int type) -> void* {
      ::pthread_setname_np(::pthread_self(), type == 1 ? "http-worker" : "http-accept");
      lower_priority();
      return nullptr;
    };
    callbacks.init_connection = [](const mg_connection* connection, void** data) {
      *data = self(connection).guard_->opened();
      return 0;
    };
    callbacks.begin_request = [](mg_connection* connection) { return self(connection).answer(connection); };
    callbacks.http_error = [](mg_connection* connection, int status, const char* message) {
      self(connection).answer_error(connection, status, message);
      return 0;  // done; CivetWeb's own page would use gmtime(), which races
    };
    // CivetWeb calls these two in pairs.
    callbacks.connection_close = [](const mg_connection* connection) NO_THREAD_SAFETY_ANALYSIS {
      self(connection).guard_->closing(guarded(connection));
    };
    callbacks.connection_closed = [](const mg_connection* connection) NO_THREAD_SAFETY_ANALYSIS {
      self(connection).guard_->closed();  // releases the lock that closing() has taken
    };
    callbacks.log_message = [](const mg_connection* connection, const char* message) {
      self(connection).log(message);
      return 1;  // CivetWeb writes nothing itself
    };
    return callbacks;
  }

  static Impl& self(const mg_connection* connection) {
    return *static_cast<Impl*>(CivetWebServer::owner(connection));
  }

  static ConnectionGuard::Connection* guarded(const mg_connection* connection) {
    return static_cast<ConnectionGuard::Connection*>(mg_get_user_connection_data(connection));
  }

  // False: the guard has ended the connection.
  bool arrived(const mg_connection* connection) {
    const mg_request_info* request = mg_get_request_info(connection);
    if (request == nullptr) return true;
    return guard_->arrived(guarded(connection), request->remote_addr,
                           static_cast<std::uint16_t>(request->remote_port));
  }

  std::shared_ptr<const WebSettings> web_settings() const {
    return web_config_ ? web_config_->settings() : nullptr;
  }

  // Requests that CivetWeb itself rejects: malformed, too large, or incomplete when the guard ended them.
  void answer_error(mg_connection* connection, int status, std::string_view message) {
    auto* const connection_guarded = guarded(connection);
    if (connection_guarded == nullptr) return;
    if (arrived(connection)) {
      refused(Refusal::malformed);
    } else {
      status = 408;
    }
    std::string text(reason_phrase(status));
    if (status == 400 && message == "Malformed message") {
      text +=
          fmt::format(": incomplete, or larger than {} bytes (http.request_size)", options_.request_bytes);
    }
    const auto settings = web_settings();
    Reply(connection, *guard_, connection_guarded)
        .send(plain_answer(status, std::move(text)), settings ? settings->config.headers : HeaderList(),
              true);
    answered("none", status);
  }

  // Handles every request before CivetWeb would search for a file. Returns the status: the request is done.
  int answer(mg_connection* connection) {
    const auto begin = std::chrono::steady_clock::now();
    // otherwise CivetWeb first waits for the rest of the request's body
    mg_disable_connection_keep_alive(connection);
    arrived(connection);
    const mg_request_info& info = *mg_get_request_info(connection);
    RequestHeaders headers(info);
    HttpRequest request;
    request.method = info.request_method;
    request.path = info.local_uri;
    if (info.query_string != nullptr) request.query = info.query_string;
    request.header = [&headers](std::string_view name) { return headers.get(name); };

    const auto settings = web_settings();
    const auto [route, parameter] = routes_.find(request.path);
    const std::string handler = route == nullptr ? "none" : route->path;
    request.parameter = parameter;
    const bool with_body = request.method != "HEAD";
    HttpResponse response;
    if (auto refusal = check(request, settings.get(), info.remote_addr)) {
      response = std::move(*refusal);
    } else {
      response = respond(request, route);
    }
    Reply reply(connection, *guard_, guarded(connection));
    const HeaderList extra = settings ? settings->config.headers : HeaderList();
    if (response.stream && with_body && admit_stream(response)) {
      answered(handler, response.status);
      guarded_call(handler, [&] { reply.stream(response, extra, stopping_); });
      stream_ended();
      return response.status;
    }
    reply.send(response, extra, with_body);
    answered(handler, response.status);
    if (options_.metrics) options_.metrics->took(handler, std::chrono::steady_clock::now() - begin);
    return response.status;
  }

  // The response if the request is refused, otherwise nullopt.
  std::optional<HttpResponse> check(const HttpRequest& request, const WebSettings* settings,
                                    const char* client) {
    if (request.path != "/-/healthy" && request.path != "/-/ready") {
      const auto now = RateLimiter::Clock::now();
      auto wait = limiter_ ? limiter_->refuse(now) : std::nullopt;
      std::string_view key = "http.rate";
      if (!wait && settings != nullptr && settings->limiter) {
        wait = settings->limiter->refuse(now);
        key = "rate_limit of the web configuration";
      }
      if (wait) {
        refused(Refusal::rate);
        return plain_answer(429, fmt::format("Too many requests (limit: {}).", key),
                            std::chrono::ceil<std::chrono::milliseconds>(*wait));
      }
    }
    if (settings == nullptr || !settings->auth) return std::nullopt;
    switch (settings->auth->check(request.header("Authorization"), client)) {
      case BasicAuth::Verdict::good:
        return std::nullopt;
      case BasicAuth::Verdict::busy:
        refused(Refusal::auth_busy);
        return plain_answer(429, "Too many password checks are in progress.", 1s);
      case BasicAuth::Verdict::refused:
        break;
    }
    refused(Refusal::auth);
    return unauthorized();
  }

  HttpResponse respond(const HttpRequest& request, const Route* route) const {
    if (route == nullptr) return not_found(routes_);
    if (request.method != "GET" && request.method != "HEAD") return method_not_allowed();
    HttpResponse response;
    if (!guarded_call(route->path, [&] { response = route->get(request); })) {
      response = plain_answer(500, "rcached could not generate this page; see its log.");
    }
    return response;
  }

  // False: all streams are in use, and `response` reports it.
  bool admit_stream(HttpResponse& response) {
    if (open_streams_.fetch_add(1) < options_.streams) {
      if (options_.metrics) options_.metrics->stream_opened();
      return true;
    }
    --open_streams_;
    refused(Refusal::streams);
    response = plain_answer(
        503, fmt::format("All {} streams are in use: close one, or raise http.streams.", options_.streams),
        5s);
    return false;
  }

  void stream_ended() {
    --open_streams_;
    if (options_.metrics) options_.metrics->stream_closed();
  }

  // An exception in a route fails only its request. False: it has thrown; the exception is logged.
  template <typename Call>
  bool guarded_call(std::string_view handler, const Call& call) const {
    std::string what = "unknown exception";
    try {
      call();
      return true;
    } catch (const std::exception& error) {
      what = error.what();
    } catch (...) {  // NOLINT(bugprone-empty-catch): `what` is set
    }
    log(fmt::format("{}: {}", handler, what));
    return false;
  }

  void log(std::string_view line) const {
    if (options_.log) options_.log(line);
  }
  void refused(Refusal why) const {
    if (options_.metrics) options_.metrics->refused(why);
  }
  void answered(const std::string& handler, int status) const {
    if (options_.metrics) options_.metrics->answered(handler, status);
  }

  const HttpOptions options_;
  const RouteTable routes_;
  std::atomic<bool> stopping_ = false;
  std::atomic<unsigned> open_streams_ = 0;
  // Set from start() to stop(), in the order of opening.
  std::shared_ptr<WebConfigFile> web_config_;
  std::optional<WebConfig::Tls> tls_;
  UniqueFd listener_;  // own socket; none if sockets are inherited. Before the first start(): bound_fd
  std::vector<SocketName> names_;
  std::optional<RateLimiter> limiter_;
  std::optional<ConnectionGuard> guard_;
  std::unique_ptr<CivetWebServer> civetweb_;
};

HttpServer::HttpServer(HttpOptions options, std::vector<Route> routes)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(routes))) {}

HttpServer::~HttpServer() { stop(); }

Expected<void> HttpServer::start() { return impl_->start(); }

void HttpServer::stop() { impl_->stop(); }

std::string HttpServer::url() const { return impl_->url(); }

bool HttpServer::exposed() const { return impl_->exposed(); }

bool HttpServer::authenticates() const { return impl_->authenticates(); }

}  // namespace rcached
