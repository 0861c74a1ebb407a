// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/civetweb_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "exporters/http/socket_table.h"

namespace rcached {
namespace {

using namespace std::chrono_literals;

// Puts `ours` where CivetWeb has the socket that listens at this port of loopback.
bool replace_listener(std::uint16_t port, int ours) {
  const int theirs = find_listener(port);
  if (theirs < 0) return false;
  const UniqueFd old(::fcntl(theirs, F_DUPFD_CLOEXEC, 0));
  if (!old.valid() || ::dup3(ours, theirs, O_CLOEXEC) < 0) return false;
  // CivetWeb may wait at the old one already: this ends the wait, and the next is at ours.
  ::shutdown(old.get(), SHUT_RDWR);
  return true;
}

}  // namespace

tl::expected<std::unique_ptr<CivetWebServer>, HttpError> CivetWebServer::start(
    const CivetWebOptions& options, const std::vector<int>& listeners, const mg_callbacks& callbacks,
    void* user_data) {
  // No URL decoding: no route needs it, and "%00" would cut a path short. No delay: else the end of every
  // piece of a large body waits for an acknowledgement. Keep-alive: see http_server.h.
  std::vector<std::pair<std::string, std::string>> settings = {
      {"num_threads", std::to_string(options.workers)},
      {"connection_queue", std::to_string(options.queue)},
      {"request_timeout_ms", std::to_string(options.request_timeout.count())},
      {"max_request_size", std::to_string(options.request_bytes)},
      {"enable_keep_alive", "no"},
      {"enable_directory_listing", "no"},
      {"enable_auth_domain_check", "no"},
      {"decode_url", "no"},
      {"tcp_nodelay", "1"}};
  settings.insert(settings.end(), options.further.begin(), options.further.end());
  std::string ports = "127.0.0.1:0";
  for (std::size_t i = 0; i < listeners.size(); ++i) ports += options.tls ? ",127.0.0.1:0s" : ",127.0.0.1:0";
  settings.emplace_back("listening_ports", ports);
  std::vector<const char*> configuration;
  for (const auto& [name, value] : settings) {
    configuration.push_back(name.c_str());
    configuration.push_back(value.c_str());
  }
  configuration.push_back(nullptr);

  std::unique_ptr<CivetWebServer> server(new CivetWebServer);
  server->end_connections_ = options.end_connections;
  server->wake_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  std::array<char, 256> text{};
  unsigned code = 0;
  mg_init_data init{&callbacks, user_data, configuration.data()};
  mg_error_data error{&code, text.data(), text.size()};
  if (server->wake_.valid()) server->context_ = mg_start2(&init, &error);
  const auto failed = [](std::string_view why) {
    return tl::unexpected(HttpError{HttpError::Kind::internal,
                                    fmt::format("the HTTP server could not start: {}", why),
                                    "check the limits of memory, threads and open files"});
  };
  if (server->context_ == nullptr) return failed(text[0] == '\0' ? "no reason given" : text.data());
  if (!server->replace_listeners(listeners)) return failed("its sockets cannot be replaced");
  return server;
}

bool CivetWebServer::replace_listeners(const std::vector<int>& listeners) {
  std::vector<mg_server_port> ports(listeners.size() + 1);
  const int count = mg_get_server_ports(context_, static_cast<int>(ports.size()), ports.data());
  if (count != static_cast<int>(ports.size())) return false;
  // The one for the event last: as long as it is a socket, it is not found by accident under another's port.
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    if (!replace_listener(static_cast<std::uint16_t>(ports[i + 1].port), listeners[i])) return false;
  }
  return replace_listener(static_cast<std::uint16_t>(ports[0].port), wake_.get());
}

CivetWebServer::~CivetWebServer() {
  if (context_ != nullptr) stop();
}

void CivetWebServer::stop() {
  std::atomic<bool> stopped = false;
  std::thread stopper([&] {
    mg_stop(context_);
    stopped = true;
  });
  // The event wakes the thread that accepts; the ends of their connections wake the others, which else notice
  // up to two seconds late.
  ::eventfd_write(wake_.get(), 1);
  while (!stopped) {
    if (end_connections_) end_connections_();
    std::this_thread::sleep_for(5ms);
  }
  stopper.join();
}

}  // namespace rcached
