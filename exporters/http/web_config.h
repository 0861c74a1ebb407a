// SPDX-License-Identifier: Apache-2.0
// WebConfig: the web configuration file that all Prometheus exporters share (exporter-toolkit): TLS, headers,
// users with bcrypt hashes, a rate limit. config/web.yaml is an example.
//
// Like rcached.yaml, a file with anything unknown is rejected (base/yaml.h). Keys of the format
// that rcached does not support are rejected too: ignoring one of them would make the server less secure than
// its operator believes. Only http2 and prefer_server_cipher_suites are accepted without effect.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace rcached {

struct WebConfig {
  enum class ClientAuth : std::uint8_t { none, if_given, required };
  struct Tls {
    std::string cert_file;  // relative paths are resolved against the directory of the web configuration
    std::string key_file;
    std::string client_ca_file;  // empty: none
    ClientAuth client_auth = ClientAuth::none;
    unsigned min_minor = 2;  // TLS 1.x
    friend bool operator==(const Tls&, const Tls&) = default;
  };
  struct RateLimit {
    std::chrono::nanoseconds interval{0};  // between two requests; 0: no limit
    unsigned burst = 0;
    friend bool operator==(const RateLimit&, const RateLimit&) = default;
  };
  struct User {
    std::string name;
    std::string hash;  // bcrypt
    friend bool operator==(const User&, const User&) = default;
  };

  std::optional<Tls> tls;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<User> users;
  RateLimit rate_limit;

  friend bool operator==(const WebConfig&, const WebConfig&) = default;
};

// `path` names the text in messages; relative paths are resolved against its directory. Errors: config. Pure.
Expected<WebConfig> parse_web_config(std::string_view text, const std::string& path);

// Errors: config (missing, not a readable regular file, over 1 MiB, and all of parse_web_config).
Expected<WebConfig> load_web_config(const std::string& path);

// What is wrong with a bcrypt hash; empty if it is valid and can be checked in reasonable time.
std::string bcrypt_fault(std::string_view hash);

// A duration as Go writes it: "1s", "250ms", "1m30s", "0".
std::optional<std::chrono::nanoseconds> parse_go_duration(std::string_view text);

}  // namespace rcached
