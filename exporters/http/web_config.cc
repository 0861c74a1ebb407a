// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/web_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <functional>
#include <map>

#include "base/nearest.h"
#include "base/text.h"
#include "base/yaml_text.h"

namespace rcached {
namespace {

using Done = Expected<void>;

tl::unexpected<Error> fail(std::string message, std::string hint) {
  return tl::unexpected<Error>(Error{ErrorCode::config, std::move(message), std::move(hint)});
}

struct Key {
  std::string_view name;
  std::function<Done(const YAML::Node& name, const YAML::Node& value)> read;
};

constexpr std::string_view kDocs = "docs/tls.md shows a reverse proxy that can";

// Walks one document and fills `config_`. The first error ends the walk.
class Reader {
 public:
  Reader(std::string_view text, const std::string& path)
      : text_(text), path_(path), directory_(std::filesystem::path(path).parent_path()) {}

  Expected<WebConfig> read(const YAML::Node& document) {
    const std::vector<Key> keys = {{"tls_server_config", section([this](auto& v) { return read_tls(v); })},
                                   {"http_server_config", section([this](auto& v) { return read_http(v); })},
                                   {"basic_auth_users", section([this](auto& v) { return read_users(v); })},
                                   {"rate_limit", section([this](auto& v) { return read_rate(v); })}};
    if (!document.IsMap()) {
      return fail(fmt::format("the file is not a list of keys and values ({})", place(document.Mark())),
                  fmt::format("write keys such as basic_auth_users; known: {}", names(keys)));
    }
    RCACHED_CHECK(read_keys(document, "", keys));
    return config_;
  }

 private:
  using ReadSection = std::function<Done(const YAML::Node&)>;
  using ReadText = std::function<Done(const YAML::Node&, const std::string&)>;

  std::string place(const YAML::Mark& mark) const {
    if (mark.is_null()) return path_;
    return fmt::format("{}:{}:{}", path_, mark.line + 1, mark.column + 1);
  }

  static std::vector<std::string_view> name_list(const std::vector<Key>& keys) {
    std::vector<std::string_view> all(keys.size());
    std::transform(keys.begin(), keys.end(), all.begin(), [](const Key& key) { return key.name; });
    return all;
  }

  static std::string names(const std::vector<Key>& keys) {
    return fmt::format("{}", fmt::join(name_list(keys), ", "));
  }

  // Calls `entry` for every key of a map; a key must be a plain word and stand once.
  Done for_each(const YAML::Node& map, std::string_view where,
                const std::function<Done(const YAML::Node&, const YAML::Node&)>& entry) const {
    std::map<std::string, YAML::Mark> seen;
    for (const auto& pair : map) {
      if (!pair.first.IsScalar()) {
        return fail(fmt::format("a key is not a plain word ({})", place(pair.first.Mark())),
                    "write 'key: value'");
      }
      const auto [first, is_new] = seen.emplace(pair.first.Scalar(), pair.first.Mark());
      if (!is_new) {
        return fail(
            fmt::format("key '{}{}' is given twice ({}, first in line {})", where,
                        printable(pair.first.Scalar()), place(pair.first.Mark()), first->second.line + 1),
            "remove one of them");
      }
      if (auto done = entry(pair.first, pair.second); !done) return done;
    }
    return {};
  }

  // `where`: "" or "section." for messages.
  Done read_keys(const YAML::Node& map, std::string_view where, const std::vector<Key>& keys) const {
    return for_each(map, where, [&](const YAML::Node& name, const YAML::Node& value) -> Done {
      for (const Key& key : keys) {
        if (key.name == name.Scalar()) return key.read(name, value);
      }
      const auto near = nearest(name.Scalar(), name_list(keys));
      return fail(fmt::format("unknown key '{}{}' ({})", where, printable(name.Scalar()), place(name.Mark())),
                  near ? fmt::format("did you mean '{}{}'?", where, *near)
                       : fmt::format("known here: {}", names(keys)));
    });
  }

  std::function<Done(const YAML::Node&, const YAML::Node&)> section(ReadSection read) const {
    return [this, read = std::move(read)](const YAML::Node& name, const YAML::Node& value) -> Done {
      if (value.IsNull()) return {};  // all its keys are commented out
      if (!value.IsMap()) {
        return fail(fmt::format("'{}' is a section, not a value ({})", name.Scalar(), place(value.Mark())),
                    "write its keys indented below it");
      }
      return read(value);
    };
  }

  std::function<Done(const YAML::Node&, const YAML::Node&)> text(ReadText read) const {
    return [this, read = std::move(read)](const YAML::Node& name, const YAML::Node& value) -> Done {
      const std::string key = printable(name.Scalar());
      if (value.IsNull()) {
        return fail(fmt::format("'{}' has no value ({})", key, place(name.Mark())),
                    "give it one, or remove the line");
      }
      if (!value.IsScalar()) {
        return fail(fmt::format("'{}' is given {} instead of one value ({})", key,
                                value.IsMap() ? "a section" : "a list", place(value.Mark())),
                    "write one value");
      }
      if (is_open_quote(text_, static_cast<std::size_t>(value.Mark().pos))) {
        return fail(fmt::format("a quote is not closed ({})", place(value.Mark())), "close it");
      }
      return read(value, value.Scalar());
    };
  }

  std::function<Done(const YAML::Node&, const YAML::Node&)> boolean() const {
    return text([this](const YAML::Node& value, const std::string& word) -> Done {
      static constexpr std::array<std::string_view, 6> kWords = {"true", "false", "yes", "no", "on", "off"};
      if (std::find(kWords.begin(), kWords.end(), word) != kWords.end()) return {};
      return wrong(value, "true or false");
    });
  }

  std::function<Done(const YAML::Node&, const YAML::Node&)> unsupported(std::string hint) const {
    return [this, hint = std::move(hint)](const YAML::Node& name, const YAML::Node&) {
      return fail(fmt::format("'{}' cannot be honoured by rcached ({})", name.Scalar(), place(name.Mark())),
                  hint);
    };
  }

  tl::unexpected<Error> wrong(const YAML::Node& value, std::string_view wanted) const {
    return fail(fmt::format("wrong value '{}' ({})", printable(value.Scalar()), place(value.Mark())),
                fmt::format("write {}", wanted));
  }

  // One of `choices`, by name.
  template <typename T>
  std::function<Done(const YAML::Node&, const YAML::Node&)> choice(
      T& target, std::vector<std::pair<std::string_view, T>> choices) const {
    return text([this, &target, choices = std::move(choices)](const YAML::Node& value,
                                                              const std::string& word) -> Done {
      std::vector<std::string_view> words;
      for (const auto& [name, meaning] : choices) {
        words.push_back(name);
        if (name != word) continue;
        target = meaning;
        return {};
      }
      std::string hint = fmt::format("{}", fmt::join(words, " or "));
      if (const auto near = nearest(word, words)) hint += fmt::format("; did you mean '{}'?", *near);
      return wrong(value, hint);
    });
  }

  std::function<Done(const YAML::Node&, const YAML::Node&)> file(std::string& target) const {
    return text([this, &target](const YAML::Node& value, const std::string& name) -> Done {
      if (name.empty()) return wrong(value, "the path of a file");
      target = (directory_ / name).string();
      return {};
    });
  }

  Done read_tls(const YAML::Node& map) {
    WebConfig::Tls tls;
    const auto inline_text = [this](std::string_view key) {
      return unsupported(fmt::format("write it to a file and name that in {}_file", key));
    };
    unsigned max_minor = 3;
    const std::vector<std::pair<std::string_view, unsigned>> versions = {
        {"TLS13", 3}, {"TLS12", 2}, {"TLS11", 1}, {"TLS10", 0}};
    using Auth = WebConfig::ClientAuth;
    const std::string proxy = fmt::format("remove it; {}", kDocs);
    Done done = read_keys(map, "tls_server_config.",
                          {{"cert_file", file(tls.cert_file)},
                           {"key_file", file(tls.key_file)},
                           {"client_auth_type",
                            choice<Auth>(tls.client_auth, {{"NoClientCert", Auth::none},
                                                           {"VerifyClientCertIfGiven", Auth::if_given},
                                                           {"RequireAndVerifyClientCert", Auth::required}})},
                           {"client_ca_file", file(tls.client_ca_file)},
                           {"min_version", choice<unsigned>(tls.min_minor, versions)},
                           {"max_version", choice<unsigned>(max_minor, {{"TLS13", 3}})},
                           {"prefer_server_cipher_suites", boolean()},
                           {"client_allowed_sans", unsupported(proxy)},
                           {"cipher_suites", unsupported(proxy)},
                           {"curve_preferences", unsupported(proxy)},
                           {"cert", inline_text("cert")},
                           {"key", inline_text("key")},
                           {"client_ca", inline_text("client_ca")}});
    if (!done) return done;
    const auto missing = [&](std::string_view key, std::string_view why) {
      return fail(fmt::format("tls_server_config lacks '{}'{} ({})", key, why, place(map.Mark())),
                  fmt::format("add {}, or remove tls_server_config", key));
    };
    if (tls.cert_file.empty()) return missing("cert_file", "");
    if (tls.key_file.empty()) return missing("key_file", "");
    if (tls.client_auth != Auth::none && tls.client_ca_file.empty()) {
      return missing("client_ca_file", ", which client_auth_type needs");
    }
    if (tls.client_auth == Auth::none && !tls.client_ca_file.empty()) {
      return missing("client_auth_type", ", without which client_ca_file has no effect");
    }
    config_.tls = tls;
    return {};
  }

  Done read_http(const YAML::Node& map) {
    return read_keys(
        map, "http_server_config.",
        {{"http2", boolean()}, {"headers", section([this](auto& v) { return read_headers(v); })}});
  }

  Done read_headers(const YAML::Node& map) {
    const auto header = [this](std::string name, std::vector<std::string_view> allowed) {
      return Key{
          "", text([this, name = std::move(name), allowed = std::move(allowed)](
                       const YAML::Node& node, const std::string& value) -> Done {
            if (value.empty()) return {};  // unset
            if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
              return wrong(node, fmt::format("{}", fmt::join(allowed, " or ")));
            }
            const bool clean = std::all_of(value.begin(), value.end(),
                                           [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
            if (!clean) return wrong(node, "one line of text");
            config_.headers.emplace_back(name, value);
            return {};
          })};
    };
    static constexpr std::array<std::string_view, 5> kNames = {"Content-Security-Policy", "X-Frame-Options",
                                                               "X-Content-Type-Options", "X-XSS-Protection",
                                                               "Strict-Transport-Security"};
    std::vector<Key> keys;
    for (const std::string_view name : kNames) {
      std::vector<std::string_view> allowed;
      if (name == "X-Frame-Options") allowed = {"deny", "sameorigin"};
      if (name == "X-Content-Type-Options") allowed = {"nosniff"};
      keys.push_back(header(std::string(name), std::move(allowed)));
      keys.back().name = name;
    }
    return read_keys(map, "http_server_config.headers.", keys);
  }

  Done read_users(const YAML::Node& map) {
    return for_each(
        map, "basic_auth_users.", [this](const YAML::Node& name, const YAML::Node& value) -> Done {
          const std::string& user = name.Scalar();
          if (user.empty() || user.find_first_of(std::string_view(":\0\r\n", 4)) != std::string::npos) {
            return fail(
                fmt::format("'{}' cannot be the name of a user ({})", printable(user), place(name.Mark())),
                "leave out colons and control characters");
          }
          return text([this, &user](const YAML::Node& node, const std::string& hash) -> Done {
            // A hash is a secret: never part of a message.
            if (const std::string fault = bcrypt_fault(hash); !fault.empty()) {
              return fail(fmt::format("the password of user '{}' {} ({})", printable(user), fault,
                                      place(node.Mark())),
                          "make a hash with `htpasswd -nBC 10 \"\" | tr -d ':\\n'`");
            }
            config_.users.push_back({user, hash});
            return {};
          })(name, value);
        });
  }

  Done read_rate(const YAML::Node& map) {
    auto& rate = config_.rate_limit;
    Done done = read_keys(
        map, "rate_limit.",
        {{"interval", text([this, &rate](const YAML::Node& node, const std::string& value) -> Done {
            const auto interval = parse_go_duration(value);
            if (!interval) return wrong(node, "a time between two requests, e.g. 100ms or 1s; 0 is no limit");
            rate.interval = *interval;
            return {};
          })},
         {"burst", text([this, &rate](const YAML::Node& node, const std::string& value) -> Done {
            const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), rate.burst);
            if (error != std::errc() || end != value.data() + value.size() || rate.burst > 1'000'000) {
              return wrong(node, "a number of requests, 0 to 1000000");
            }
            return {};
          })}});
    if (!done) return done;
    if (rate.interval.count() > 0 && rate.burst == 0) {
      return fail(
          fmt::format("rate_limit lacks 'burst': no request would be answered ({})", place(map.Mark())),
          "add burst, at least 1");
    }
    return {};
  }

  const std::string_view text_;
  const std::string& path_;
  const std::filesystem::path directory_;
  WebConfig config_;
};

}  // namespace

Expected<WebConfig> parse_web_config(std::string_view text, const std::string& path) {
  const auto document = load_yaml(text, path);
  if (!document) return tl::unexpected(document.error());
  if (document->IsNull()) return WebConfig{};
  try {
    return Reader(text, path).read(*document);
  } catch (const YAML::Exception& error) {
    return tl::unexpected(yaml_error(error, path));
  }
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
  if (cost == 0) return "is no bcrypt hash";
  if (cost < 4) return "is a bcrypt hash of a cost below 4";
  if (cost > 16) return "is a bcrypt hash of a cost above 16, which takes seconds to check";
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
  if (!(total <= 86'400e9)) return std::nullopt;  // a day between two requests is no rate
  return std::chrono::nanoseconds(static_cast<std::int64_t>(total));
}

}  // namespace rcached
