// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/web_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <functional>

#include "base/nearest.h"
#include "base/text.h"
#include "base/yaml.h"
#include "exporters/http/tls.h"

namespace rcached {
namespace {

using Done = Expected<void>;

// Stores a key's value in the configuration.
using Apply = std::function<Done(const YamlSettings& file, const YamlSetting& setting, WebConfig& config)>;

struct Key {
  YamlKey yaml;
  Apply apply = {};  // for supported keys
};

Key unsupported(std::string path, std::string hint) { return {{std::move(path), "", std::move(hint)}}; }

// A key whose value `accepts` checks and stores.
template <typename Accepts>
Key value(std::string path, std::string wanted, Accepts accepts) {
  Apply apply = [wanted, accepts](const YamlSettings& file, const YamlSetting& setting,
                                  WebConfig& config) -> Done {
    if (!accepts(setting.text, config)) return file.wrong_value(setting, fmt::format("write {}", wanted));
    return {};
  };
  return {{std::move(path), std::move(wanted), ""}, std::move(apply)};
}

// A key that accepts one of `choices`. `store` stores the meaning of the choice.
template <typename Value, typename Store>
Key choice(std::string path, std::vector<std::pair<std::string_view, Value>> choices, Store store) {
  std::vector<std::string_view> words;
  words.reserve(choices.size());
  for (const auto& entry : choices) words.push_back(entry.first);
  const std::string wanted = fmt::format("{}", fmt::join(words, " or "));
  Apply apply = [=](const YamlSettings& file, const YamlSetting& setting, WebConfig& config) -> Done {
    for (const auto& [word, meaning] : choices) {
      if (word != setting.text) continue;
      store(config, meaning);
      return {};
    }
    std::string hint = fmt::format("write {}", wanted);
    if (const auto near = nearest(setting.text, words)) hint += fmt::format("; did you mean '{}'?", *near);
    return file.wrong_value(setting, std::move(hint));
  };
  return {{std::move(path), wanted, ""}, std::move(apply)};
}

Key ignored_boolean(std::string path) {
  static constexpr std::array<std::string_view, 6> kWords = {"true", "false", "yes", "no", "on", "off"};
  return value(std::move(path), "true or false", [](const std::string& text, WebConfig&) {
    return std::find(kWords.begin(), kWords.end(), text) != kWords.end();
  });
}

WebConfig::Tls& tls_of(WebConfig& config) {
  if (!config.tls) config.tls = WebConfig::Tls();
  return *config.tls;
}

Key tls_file(std::string path, std::string WebConfig::Tls::*member) {
  return value(std::move(path), "the path of a file", [member](const std::string& text, WebConfig& config) {
    tls_of(config).*member = text;
    return !text.empty();
  });
}

// A header of every response; omitted if the value is empty.
Key header(std::string_view name, std::vector<std::string_view> allowed = {}) {
  std::string wanted = allowed.empty() ? "one line of text" : fmt::format("{}", fmt::join(allowed, " or "));
  return value(fmt::format("http_server_config.headers.{}", name), std::move(wanted),
               [name, allowed = std::move(allowed)](const std::string& text, WebConfig& config) {
                 if (text.empty()) return true;
                 const bool clean = std::all_of(text.begin(), text.end(),
                                                [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
                 if (!clean) return false;
                 if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), text) == allowed.end())
                   return false;
                 config.headers.emplace_back(name, text);
                 return true;
               });
}

Done add_user(const YamlSettings& file, const YamlSetting& setting, WebConfig& config) {
  const std::string& user = setting.name;
  if (user.empty() || user.find_first_of(std::string_view(":\0\r\n", 4)) != std::string::npos) {
    return fail(
        ErrorCode::config,
        fmt::format("'{}' is not a valid user name ({})", printable(user), file.place(setting.name_mark)),
        "remove colons and control characters");
  }
  // A hash is a secret: it is never part of a message.
  if (const std::string fault = bcrypt_fault(setting.text); !fault.empty()) {
    return fail(
        ErrorCode::config,
        fmt::format("the password of user '{}' {} ({})", printable(user), fault, file.place(setting.mark)),
        "create a hash with `htpasswd -nBC 10 \"\" | tr -d ':\\n'`");
  }
  config.users.push_back({user, setting.text});
  return {};
}

std::vector<Key> make_keys() {
  using Auth = WebConfig::ClientAuth;
  using Tls = WebConfig::Tls;
  const std::string in_proxy = "remove it; docs/tls.md shows a reverse proxy that supports it";
  const auto in_file = [](std::string_view key) {
    return fmt::format("write it to a file and set {}_file to its path", key);
  };
  return {
      tls_file("tls_server_config.cert_file", &Tls::cert_file),
      tls_file("tls_server_config.key_file", &Tls::key_file),
      choice<Auth>("tls_server_config.client_auth_type",
                   {{"NoClientCert", Auth::none},
                    {"VerifyClientCertIfGiven", Auth::if_given},
                    {"RequireAndVerifyClientCert", Auth::required}},
                   [](WebConfig& config, Auth auth) { tls_of(config).client_auth = auth; }),
      tls_file("tls_server_config.client_ca_file", &Tls::client_ca_file),
      choice<unsigned>("tls_server_config.min_version",
                       {{"TLS13", 3}, {"TLS12", 2}, {"TLS11", 1}, {"TLS10", 0}},
                       [](WebConfig& config, unsigned minor) { tls_of(config).min_minor = minor; }),
      choice<unsigned>("tls_server_config.max_version", {{"TLS13", 3}}, [](WebConfig&, unsigned) {}),
      ignored_boolean("tls_server_config.prefer_server_cipher_suites"),
      unsupported("tls_server_config.client_allowed_sans", in_proxy),
      unsupported("tls_server_config.cipher_suites", in_proxy),
      unsupported("tls_server_config.curve_preferences", in_proxy),
      unsupported("tls_server_config.cert", in_file("cert")),
      unsupported("tls_server_config.key", in_file("key")),
      unsupported("tls_server_config.client_ca", in_file("client_ca")),

      ignored_boolean("http_server_config.http2"),
      header("Content-Security-Policy"),
      header("X-Frame-Options", {"deny", "sameorigin"}),
      header("X-Content-Type-Options", {"nosniff"}),
      header("X-XSS-Protection"),
      header("Strict-Transport-Security"),

      {{"basic_auth_users.*", "a bcrypt hash", ""}, add_user},

      value("rate_limit.interval", "a time between two requests, e.g. 100ms or 1s; 0 means no limit",
            [](const std::string& text, WebConfig& config) {
              const auto interval = parse_go_duration(text);
              config.rate_limit.interval = interval.value_or(std::chrono::nanoseconds(0));
              return interval.has_value();
            }),
      value("rate_limit.burst", "a number of requests, 0 to 1000000",
            [](const std::string& text, WebConfig& config) {
              unsigned& burst = config.rate_limit.burst;
              const char* end = text.data() + text.size();
              const auto [last, error] = std::from_chars(text.data(), end, burst);
              return error == std::errc() && last == end && burst <= 1'000'000;
            }),
  };
}

const std::vector<Key>& keys() {
  static const std::vector<Key> made = make_keys();
  return made;
}

const YamlFormat& yaml_format() {
  static const YamlFormat format = [] {
    YamlFormat made{{}, "rate_limit: {interval: 100ms, burst: 20}"};
    for (const Key& key : keys()) made.keys.push_back(key.yaml);
    return made;
  }();
  return format;
}

// tls_server_config is present: rules over several of its keys.
Done check_tls_section(const YamlSettings& file, const YamlMark& mark, const WebConfig::Tls& tls) {
  const auto missing = [&](std::string_view key, std::string_view why) {
    return fail(ErrorCode::config,
                fmt::format("tls_server_config lacks '{}'{} ({})", key, why, file.place(mark)),
                fmt::format("add {}, or remove tls_server_config", key));
  };
  const bool verifies = tls.client_auth != WebConfig::ClientAuth::none;
  if (tls.cert_file.empty()) return missing("cert_file", "");
  if (tls.key_file.empty()) return missing("key_file", "");
  if (verifies && tls.client_ca_file.empty())
    return missing("client_ca_file", ", which client_auth_type requires");
  if (!verifies && !tls.client_ca_file.empty())
    return missing("client_auth_type", ", without which client_ca_file has no effect");
  return {};
}

Done check_rate_section(const YamlSettings& file, const YamlMark& mark, const WebConfig::RateLimit& rate) {
  if (rate.interval.count() == 0 || rate.burst > 0) return {};
  return fail(ErrorCode::config,
              fmt::format("rate_limit lacks 'burst': no request would be answered ({})", file.place(mark)),
              "add burst, at least 1");
}

}  // namespace

Expected<WebConfig> parse_web_config(std::string_view text, const std::string& path) {
  RCACHED_TRY(const auto file, read_yaml_settings(text, path, yaml_format()));
  WebConfig config;
  for (const YamlSetting& setting : file.settings) {
    RCACHED_CHECK(keys()[setting.key].apply(file, setting, config));
  }
  if (const auto tls = file.sections.find("tls_server_config"); tls != file.sections.end()) {
    RCACHED_CHECK(check_tls_section(file, tls->second, tls_of(config)));
    const std::filesystem::path directory = std::filesystem::path(path).parent_path();
    for (std::string* name : {&config.tls->cert_file, &config.tls->key_file, &config.tls->client_ca_file}) {
      if (!name->empty()) *name = (directory / *name).string();
    }
  }
  if (const auto rate = file.sections.find("rate_limit"); rate != file.sections.end())
    RCACHED_CHECK(check_rate_section(file, rate->second, config.rate_limit));
  return config;
}

Expected<WebConfig> load_web_config(const std::string& path) {
  RCACHED_TRY(const auto text,
              read_yaml_file(path, "the web configuration", "create the file, or remove http.web_config"));
  RCACHED_TRY(auto config, parse_web_config(text, path));
  if (config.tls) RCACHED_CHECK(check_tls(*config.tls, path));
  return config;
}

std::string bcrypt_fault(std::string_view hash) {
  constexpr std::string_view kAlphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const bool shaped = hash.size() == 60 && hash.starts_with("$2") &&
                      std::string_view("aby").find(hash[2]) != std::string_view::npos && hash[3] == '$' &&
                      hash[6] == '$' && hash.find_first_not_of(kAlphabet, 7) == std::string_view::npos;
  unsigned cost = 0;
  if (shaped) {
    const auto [end, error] = std::from_chars(hash.data() + 4, hash.data() + 6, cost);
    if (error != std::errc() || end != hash.data() + 6) cost = 0;
  }
  if (cost == 0) return "is not a bcrypt hash";
  if (cost < 4) return "is a bcrypt hash with a cost below 4";
  if (cost > 16) return "is a bcrypt hash with a cost above 16, which takes seconds to check";
  return {};
}

std::optional<std::chrono::nanoseconds> parse_go_duration(std::string_view text) {
  if (text == "0") return std::chrono::nanoseconds(0);
  static constexpr std::array<std::pair<std::string_view, double>, 7> kUnits = {
      {{"ns", 1}, {"us", 1e3}, {"\u00b5s", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};
  double total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    double number = 0;
    const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const auto [end, error] = std::from_chars(text.data(), text.data() + digits, number);
    if (error != std::errc() || end != text.data() + digits) return std::nullopt;
    text.remove_prefix(digits);
    const std::size_t letters = std::min(text.find_first_of("0123456789."), text.size());
    const auto unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const auto& candidate) {
      return candidate.first == text.substr(0, letters);
    });
    if (unit == kUnits.end()) return std::nullopt;
    total += number * unit->second;
    text.remove_prefix(letters);
  }
  if (!(total <= 86'400e9)) return std::nullopt;  // more than a day between two requests is not a rate limit
  return std::chrono::nanoseconds(static_cast<std::int64_t>(total));
}

}  // namespace rcached
