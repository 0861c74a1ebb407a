// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/tls.h"

#include <civetweb.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

namespace rcached {
namespace {

#ifdef RCACHED_TLS
constexpr bool kBuiltWithTls = true;
#else
constexpr bool kBuiltWithTls = false;
#endif
constexpr std::string_view kProxy =
    "remove tls_server_config and put a reverse proxy in front: docs/tls.md has a tested configuration";

tl::unexpected<Error> tls_error(std::string message, std::string hint) {
  return tl::unexpected<Error>(Error{ErrorCode::config, std::move(message), std::move(hint)});
}

Expected<std::string> read_pem(const std::string& path, std::string_view wanted) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) {
    return tls_error(fmt::format("cannot read {}: {}", path, std::system_category().message(errno)),
                     "use the path of a PEM file that the user that runs rcached can read");
  }
  if (text.find(wanted) == std::string::npos) {
    return tls_error(fmt::format("{} contains no '{}'", path, wanted), "use a PEM file");
  }
  if (!text.ends_with('\n')) text += '\n';
  return text;
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
    return tls_error("cannot keep the TLS key in memory", "check the limits on memory and open files");
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

Expected<void> check_tls(const WebConfig::Tls& tls, const std::string& origin) {
  if (!kBuiltWithTls)
    return tls_error(fmt::format("tls_server_config: this rcached is built without TLS ({})", origin),
                     std::string(kProxy));
  if (mg_check_feature(MG_FEATURES_TLS) == 0)
    return tls_error(
        fmt::format("tls_server_config: the installed CivetWeb is built without TLS ({})", origin),
        std::string(kProxy));
  RCACHED_CHECK(civetweb_tls_settings(tls));
  return {};
}

}  // namespace rcached
