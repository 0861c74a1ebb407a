// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/civetweb_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "exporters/http/socket_table.h"

namespace rcached {
namespace {

using namespace std::chrono_literals;

// Replaces CivetWeb's listening socket on this loopback port by `ours`.
bool replace_listener(std::uint16_t port, int ours) {
  const int theirs = find_listener(port);
  return theirs >= 0 && ::dup3(ours, theirs, O_CLOEXEC) >= 0;
}

}  // namespace

Expected<std::unique_ptr<CivetWebServer>> CivetWebServer::start(const CivetWebOptions& options,
                                                                const std::vector<int>& listeners,
                                                                const mg_callbacks& callbacks, void* owner) {
  // No URL decoding: no route needs it, and "%00" would truncate a path. TCP_NODELAY: otherwise the end of
  // every piece of a large body waits for an acknowledgement. Keep-alive: see http_server.h.
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
  settings.insert(settings.end(), options.extra.begin(), options.extra.end());
  std::string ports;
  for (std::size_t i = 0; i < listeners.size(); ++i) ports += options.tls ? "127.0.0.1:0s," : "127.0.0.1:0,";
  ports += "127.0.0.1:0";  // for the event
  settings.emplace_back("listening_ports", ports);
  std::vector<const char*> configuration;
  for (const auto& [name, value] : settings) {
    configuration.push_back(name.c_str());
    configuration.push_back(value.c_str());
  }
  configuration.push_back(nullptr);

  const auto failed = [](std::string_view why) {
    return tl::unexpected(Error{ErrorCode::internal, fmt::format("the HTTP server could not start: {}", why),
                                "check the limits on memory, threads and open files"});
  };
  std::unique_ptr<CivetWebServer> server(new CivetWebServer(owner, listeners, options.end_connections));
  if (!server->wake_.valid()) return failed(std::system_category().message(errno));
  mg_callbacks all = callbacks;
  all.init_context =
      [](const mg_context* context) {  // before the first thread: none waits on the old sockets
        auto& self = *static_cast<CivetWebServer*>(mg_get_user_data(context));
        self.replaced_ = self.replace_listeners(context);
      };
  std::array<char, 256> text{};
  mg_init_data init{&all, server.get(), configuration.data()};
  mg_error_data error{};  // by name: CivetWeb 1.16 has additional members before these
  error.text = text.data();
  error.text_buffer_size = text.size();
  server->context_ = mg_start2(&init, &error);
  if (server->context_ == nullptr) return failed(text[0] == '\0' ? "no reason given" : text.data());
  if (!server->replaced_) return failed("its sockets cannot be replaced");
  return server;
}

CivetWebServer::CivetWebServer(void* owner, std::vector<int> listeners, std::function<void()> end_connections)
    : owner_(owner),
      listeners_(std::move(listeners)),
      end_connections_(std::move(end_connections)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void* CivetWebServer::owner(const mg_connection* connection) {
  return static_cast<CivetWebServer*>(mg_get_user_data(mg_get_context(connection)))->owner_;
}

bool CivetWebServer::replace_listeners(const mg_context* context) const {
  std::vector<mg_server_port> ports(listeners_.size() + 1);
  const int count = mg_get_server_ports(context, static_cast<int>(ports.size()), ports.data());
  if (count != static_cast<int>(ports.size())) return false;
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    if (!replace_listener(static_cast<std::uint16_t>(ports[i].port), listeners_[i])) return false;
  }
  return replace_listener(static_cast<std::uint16_t>(ports.back().port), wake_.get());
}

CivetWebServer::~CivetWebServer() {
  if (context_ == nullptr) return;
  std::atomic<bool> stopped = false;
  std::thread stopper;
  try {
    stopper = std::thread([&] {
      mg_stop(context_);
      stopped = true;
    });
  } catch (const std::system_error&) {  // no more threads available: stop on this one, which takes longer
  }
  // The event wakes the accepting thread. Ending the connections wakes the others, which would otherwise notice
  // up to two seconds later.
  ::eventfd_write(wake_.get(), 1);
  if (!stopper.joinable()) {
    if (end_connections_) end_connections_();
    mg_stop(context_);
    return;
  }
  while (!stopped) {
    if (end_connections_) end_connections_();
    std::this_thread::sleep_for(5ms);
  }
  stopper.join();
}

std::string_view RequestHeaders::get(std::string_view name) {
  std::string_view first;
  std::string* joined = nullptr;
  for (int i = 0; i < request_.num_headers; ++i) {
    const mg_header& header = request_.http_headers[i];
    if (header.name == nullptr || header.value == nullptr || std::strlen(header.name) != name.size() ||
        ::strncasecmp(header.name, name.data(), name.size()) != 0) {
      continue;
    }
    if (first.data() == nullptr) {
      first = header.value;
      continue;
    }
    if (joined == nullptr) joined = &joined_.emplace_back(first);
    joined->append(", ").append(header.value);
  }
  return joined == nullptr ? first : std::string_view(*joined);
}

}  // namespace rcached
