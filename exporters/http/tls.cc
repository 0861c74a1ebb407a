// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/tls.h"

#include <civetweb.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

#include "exporters/http/civetweb_server.h"
#include "exporters/http/socket_table.h"

namespace rcached {
namespace {

constexpr int kProbeMilliseconds = 10'000;
constexpr std::string_view kProxy =
    "remove tls_server_config and put a reverse proxy in front: docs/tls.md has a tested configuration";

tl::unexpected<Error> fail(std::string message, std::string hint) {
  return tl::unexpected<Error>(Error{ErrorCode::config, std::move(message), std::move(hint)});
}

Expected<std::string> read_pem(const std::string& path, std::string_view wanted) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) {
    return fail(fmt::format("cannot read {}: {}", path, std::system_category().message(errno)),
                "give the path of a PEM file that the user who runs rcached can read");
  }
  if (text.find(wanted) == std::string::npos) {
    return fail(fmt::format("{} holds no '{}'", path, wanted), "give a PEM file");
  }
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

// In the child: 'L' it listens, 'H' the handshake is done, 'A' an answer has come. Then it ends by _exit.
[[noreturn]] void serve_once(const CivetWebOptions& options, int listener, std::uint16_t port, int report) {
  // A crash is an answer; it needs no core file and no words.
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE}) ::signal(signal, SIG_DFL);
  std::string last_words;
  mg_callbacks callbacks{};
  callbacks.log_message = [](const mg_connection* connection, const char* message) {
    static_cast<std::string*>(CivetWebServer::owner(connection))->assign(message);
    return 1;
  };
  callbacks.begin_request = [](mg_connection* connection) {
    constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    mg_write(connection, kAnswer.data(), kAnswer.size());
    return 200;
  };
  const auto say = [report](std::string_view text) {
    if (::write(report, text.data(), text.size()) < 0) ::_exit(1);
  };
  auto server = CivetWebServer::start(options, {listener}, callbacks, &last_words);
  if (!server) {
    say(last_words);
    ::_exit(1);
  }
  say("L");
  mg_client_options client{};
  client.host = "127.0.0.1";
  client.port = port;
  std::array<char, 256> error{};
  mg_connection* connection = mg_connect_client_secure(&client, error.data(), error.size());
  if (connection == nullptr) {
    say(std::string_view(error.data(), ::strnlen(error.data(), error.size())));
    ::_exit(1);
  }
  say("H");
  mg_printf(connection, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  if (mg_get_response(connection, error.data(), error.size(), 5'000) >= 0) say("A");
  ::_exit(0);
}

// What the child has said, and how it ended (as of waitpid).
std::pair<std::string, int> listen_to(pid_t child, int report) {
  std::string said;
  std::array<char, 512> buffer{};
  pollfd poll{report, POLLIN, 0};
  while (::poll(&poll, 1, kProbeMilliseconds) > 0) {
    const ssize_t n = ::read(report, buffer.data(), buffer.size());
    if (n <= 0) break;
    said.append(buffer.data(), static_cast<std::size_t>(n));
  }
  ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return {said, status};
}

}  // namespace

Expected<TlsSettings> civetweb_tls_settings(const WebConfig::Tls& tls) {
  RCACHED_TRY(const auto key, read_pem(tls.key_file, "PRIVATE KEY-----"));
  RCACHED_TRY(const auto certificate, read_pem(tls.cert_file, "-----BEGIN CERTIFICATE-----"));
  const std::string pem = key + certificate;
  TlsSettings settings;
  settings.pem = UniqueFd(::memfd_create("rcached-tls", MFD_CLOEXEC));
  if (!settings.pem.valid() ||
      ::write(settings.pem.get(), pem.data(), pem.size()) != static_cast<ssize_t>(pem.size())) {
    return fail("cannot keep the TLS key in memory", "check the limits of memory and open files");
  }
  settings.options = {{"ssl_certificate", fmt::format("/proc/self/fd/{}", settings.pem.get())},
                      {"ssl_protocol_version", std::to_string(tls.min_minor + 2)},
                      {"ssl_verify_peer", "no"}};
  if (tls.client_auth != WebConfig::ClientAuth::none) {
    RCACHED_CHECK(read_pem(tls.client_ca_file, "-----BEGIN CERTIFICATE-----"));
    const bool required = tls.client_auth == WebConfig::ClientAuth::required;
    settings.options.back().second = required ? "yes" : "optional";
    settings.options.emplace_back("ssl_ca_file", tls.client_ca_file);
  }
  return settings;
}

Expected<void> probe_tls(const WebConfig::Tls& tls, const std::string& origin) {
  WebConfig::Tls for_any_client = tls;  // the probe has no client certificate
  if (tls.client_auth == WebConfig::ClientAuth::required) {
    for_any_client.client_auth = WebConfig::ClientAuth::if_given;
  }
  RCACHED_TRY(const auto settings, civetweb_tls_settings(for_any_client));
  if (mg_check_feature(MG_FEATURES_TLS) == 0) {
    return fail(fmt::format("tls_server_config: the installed CivetWeb is built without TLS ({})", origin),
                std::string(kProxy));
  }
  std::array<int, 2> pipe{};
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in loopback{};
  loopback.sin_family = AF_INET;
  loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&loopback), sizeof loopback) != 0 ||
      ::listen(listener.get(), 1) != 0 || ::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return fail(fmt::format("cannot try TLS: {}", std::system_category().message(errno)),
                "check the limits of open files");
  }
  const UniqueFd report(pipe[0]);
  UniqueFd child_end(pipe[1]);
  CivetWebOptions options;
  options.workers = 1;
  options.tls = true;
  options.further = settings.options;
  const std::uint16_t port = SocketName::of(listener.get())->port();
  const pid_t child = ::fork();
  if (child == 0) serve_once(options, listener.get(), port, child_end.get());
  if (child < 0) {
    return fail(fmt::format("cannot try TLS: {}", std::system_category().message(errno)),
                "check the limit of processes");
  }
  child_end.reset();
  const auto [said, status] = listen_to(child, report.get());
  if (said == "LHA") return {};
  if (!said.starts_with('L')) {
    return fail(
        fmt::format("tls_server_config: CivetWeb cannot set up TLS with {} and {}: {} ({})", tls.cert_file,
                    tls.key_file, said.empty() ? "no reason given" : said, origin),
        fmt::format("check that the key belongs to the certificate and that OpenSSL is installed; or {}",
                    kProxy));
  }
  const std::string how = WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL
                              ? fmt::format("crashes in a TLS handshake ({})", ::strsignal(WTERMSIG(status)))
                              : fmt::format("fails in a TLS handshake ({})", said.substr(1));
  return fail(fmt::format("tls_server_config: the installed CivetWeb {} {} ({})", mg_version(), how, origin),
              std::string(kProxy));
}

Expected<bool> probe_tls_of(const std::string& web_config) {
  RCACHED_TRY(const auto config, load_web_config(web_config));
  if (!config.tls) return false;
  RCACHED_CHECK(probe_tls(*config.tls, web_config));
  return true;
}

}  // namespace rcached
