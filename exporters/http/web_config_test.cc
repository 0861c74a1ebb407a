// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/web_config.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/kit/paths.h"

namespace rcached {
namespace {

using namespace std::chrono_literals;

constexpr const char* kHash = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG";

WebConfig parse(const std::string& text) {
  const auto config = parse_web_config(text, "/etc/web.yaml");
  EXPECT_TRUE(config.has_value()) << text << "\n" << config.error().message;
  return config.value_or(WebConfig{});
}

// "message|hint"
std::string fault(const std::string& text) {
  const auto config = parse_web_config(text, "web.yaml");
  EXPECT_FALSE(config.has_value()) << text;
  if (config) return "";
  EXPECT_EQ(config.error().code, ErrorCode::config);
  return config.error().message + "|" + config.error().hint;
}

TEST(WebConfig, AnEmptyFileSetsNothing) {
  for (const char* text : {"", "# nothing\n", "---\n", "basic_auth_users:\n", "tls_server_config:\n"}) {
    EXPECT_EQ(parse(text), WebConfig{}) << text;
  }
}

TEST(WebConfig, ReadsTheWholeFormat) {
  const WebConfig config = parse(std::string(R"(
tls_server_config:
  cert_file: server.crt
  key_file: /etc/ssl/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  min_version: TLS13
  max_version: TLS13
  prefer_server_cipher_suites: true
http_server_config:
  http2: false
  headers:
    Content-Security-Policy: "default-src 'self'"
    X-Frame-Options: deny
    X-Content-Type-Options: nosniff
    X-XSS-Protection: ""
    Strict-Transport-Security: max-age=31536000
basic_auth_users:
  alice: )") + kHash + R"(
  "bob the builder": ')" + kHash +
                                 R"('
rate_limit:
  interval: 100ms
  burst: 20
)");
  ASSERT_TRUE(config.tls);
  EXPECT_EQ(config.tls->cert_file, "/etc/server.crt") << "relative to the file's directory";
  EXPECT_EQ(config.tls->key_file, "/etc/ssl/server.key");
  EXPECT_EQ(config.tls->client_ca_file, "/etc/ca.crt");
  EXPECT_EQ(config.tls->client_auth, WebConfig::ClientAuth::required);
  EXPECT_EQ(config.tls->min_minor, 3u);
  const std::vector<std::pair<std::string, std::string>> headers = {
      {"Content-Security-Policy", "default-src 'self'"},
      {"X-Frame-Options", "deny"},
      {"X-Content-Type-Options", "nosniff"},
      {"Strict-Transport-Security", "max-age=31536000"}};
  EXPECT_EQ(config.headers, headers) << "empty headers are omitted";
  EXPECT_EQ(config.users, (std::vector<WebConfig::User>{{"alice", kHash}, {"bob the builder", kHash}}));
  EXPECT_EQ(config.rate_limit, (WebConfig::RateLimit{100ms, 20}));
}

TEST(WebConfig, TheExampleIsValid) {
  const auto read = [](const std::string& path) {
    std::ifstream file(path);
    return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  };
  const std::string text = read(RCACHED_SOURCE_DIR "/config/web.yaml");
  EXPECT_FALSE(text.empty());
  parse(text);
  // and with every key that is commented out
  std::string all;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    if (line.starts_with("#|")) line = line.substr(2);
    all += line + "\n";
    at = end + 1;
  }
  const WebConfig config = parse(all);
  EXPECT_TRUE(config.tls);
  EXPECT_FALSE(config.users.empty());
  EXPECT_FALSE(config.headers.empty());
  EXPECT_GT(config.rate_limit.burst, 0u);
}

TEST(WebConfig, RejectsUnknownKeysWithPositionAndHint) {
  EXPECT_EQ(fault("basic_auth_user:\n  a: b\n"),
            "unknown key 'basic_auth_user' (web.yaml:1:1)|did you mean 'basic_auth_users'?");
  EXPECT_EQ(
      fault("tls_server_config:\n  cert_fil: a\n"),
      "unknown key 'tls_server_config.cert_fil' (web.yaml:2:3)|did you mean 'tls_server_config.cert_file'?");
  EXPECT_EQ(fault("rate_limit:\n  frequency: 1\n"),
            "unknown key 'rate_limit.frequency' (web.yaml:2:3)|known in 'rate_limit': interval, burst");
  EXPECT_EQ(fault("http_server_config:\n  headers:\n    Server: x\n"),
            "unknown key 'http_server_config.headers.Server' (web.yaml:3:5)|known in "
            "'http_server_config.headers': Content-Security-Policy, "
            "X-Frame-Options, X-Content-Type-Options, X-XSS-Protection, Strict-Transport-Security");
}

TEST(WebConfig, RejectsUnsupportedKeys) {
  for (const char* key : {"client_allowed_sans: [a]", "cipher_suites: [a]", "curve_preferences: [a]"}) {
    const std::string what = fault("tls_server_config:\n  " + std::string(key) + "\n");
    EXPECT_NE(what.find("is not supported by rcached (web.yaml:2:3)"), std::string::npos) << what;
    EXPECT_NE(what.find("docs/tls.md"), std::string::npos) << what;
  }
  EXPECT_EQ(fault("tls_server_config:\n  cert: |\n    PEM\n"),
            "'tls_server_config.cert' is not supported by rcached (web.yaml:2:3)|write it to a file and set "
            "cert_file to its path");
  EXPECT_NE(fault("tls_server_config:\n  client_auth_type: RequireAnyClientCert\n").find("wrong value"),
            std::string::npos)
      << "CivetWeb cannot accept an unverified certificate";
}

TEST(WebConfig, RejectsIncompleteTls) {
  EXPECT_NE(fault("tls_server_config:\n  cert_file: a\n").find("lacks 'key_file'"), std::string::npos);
  EXPECT_NE(fault("tls_server_config:\n  key_file: a\n").find("lacks 'cert_file'"), std::string::npos);
  EXPECT_NE(fault("tls_server_config: {}\n").find("lacks 'cert_file'"), std::string::npos);
  const std::string pair = "tls_server_config:\n  cert_file: a\n  key_file: b\n";
  EXPECT_NE(fault(pair + "  client_ca_file: c\n").find("lacks 'client_auth_type'"), std::string::npos);
  EXPECT_NE(fault(pair + "  client_auth_type: RequireAndVerifyClientCert\n").find("lacks 'client_ca_file'"),
            std::string::npos);
  EXPECT_EQ(fault(pair + "  min_version: TLS1.2\n"),
            "wrong value 'TLS1.2' for 'tls_server_config.min_version' (web.yaml:4:16)|write TLS13 or TLS12 "
            "or TLS11 or TLS10; did you mean 'TLS12'?");
}

TEST(WebConfig, RejectsInvalidUsersWithoutShowingAHash) {
  const auto user = [](const std::string& hash) {
    return fault("basic_auth_users:\n  alice: " + hash + "\n");
  };
  const std::string plain = user("secret");
  EXPECT_EQ(
      plain,
      "the password of user 'alice' is not a bcrypt hash (web.yaml:2:10)|create a hash with `htpasswd -nBC "
      "10 \"\" | tr -d ':\\n'`");
  EXPECT_NE(user("$2y$99$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG").find("above 16"),
            std::string::npos);
  EXPECT_EQ(user("$6$" + std::string(57, 'a')).find("aaaa"), std::string::npos);
  EXPECT_NE(user("").find("has no value"), std::string::npos);
  EXPECT_NE(fault(std::string("basic_auth_users:\n  \"a:b\": ") + kHash + "\n").find("not a valid user name"),
            std::string::npos);
  EXPECT_NE(
      fault(std::string("basic_auth_users:\n  a: ") + kHash + "\n  a: " + kHash + "\n").find("given twice"),
      std::string::npos);
  EXPECT_EQ(
      fault("basic_auth_users:\n  a.b: ''\n"),
      "the password of user 'a.b' is not a bcrypt hash (web.yaml:2:8)|create a hash with `htpasswd -nBC 10 "
      "\"\" | tr -d ':\\n'`");
}

TEST(WebConfig, RejectsAdvancedYaml) {
  const std::string hash = std::string(kHash) + "\n";
  EXPECT_NE(fault("basic_auth_users:\n  a: &h " + hash + "  b: *h\n").find("anchors are not allowed"),
            std::string::npos);
  EXPECT_NE(fault("rate_limit: {burst: !!int 1}\n").find("is not allowed in a configuration"),
            std::string::npos);
  EXPECT_NE(fault("tls_server_config:\n  cert_file: \xff\n").find("not UTF-8 (web.yaml:2)"),
            std::string::npos);
  EXPECT_NE(fault("rate_limit.burst: 1\n").find("write 'burst' indented below 'rate_limit'"),
            std::string::npos);
}

TEST(WebConfig, RejectsWrongValuesAndStructure) {
  EXPECT_NE(fault("http_server_config:\n  headers:\n    X-Frame-Options: maybe\n").find("deny or sameorigin"),
            std::string::npos);
  EXPECT_NE(
      fault("http_server_config:\n  headers:\n    X-XSS-Protection: \"a\\r\\nb: c\"\n").find("one line"),
      std::string::npos);
  EXPECT_NE(fault("http_server_config:\n  http2: maybe\n").find("true or false"), std::string::npos);
  EXPECT_NE(fault("rate_limit:\n  interval: 1\n").find("100ms"), std::string::npos)
      << "a number needs a unit";
  EXPECT_NE(fault("rate_limit:\n  interval: 1s\n").find("lacks 'burst'"), std::string::npos);
  EXPECT_NE(fault("rate_limit:\n  burst: -1\n").find("a number of requests"), std::string::npos);
  EXPECT_NE(fault("rate_limit: 5\n").find("is a section"), std::string::npos);
  EXPECT_NE(fault("tls_server_config:\n  cert_file: [a]\n").find("a list instead of one value"),
            std::string::npos);
  EXPECT_NE(fault("- a\n").find("not a map of keys"), std::string::npos);
  EXPECT_NE(fault("a: b\n---\nc: d\n").find("more than one"), std::string::npos);
  EXPECT_NE(fault("? [a]\n: b\n").find("not a plain word"), std::string::npos);
  EXPECT_NE(fault("rate_limit: {\n").find("malformed YAML"), std::string::npos);
  EXPECT_NE(fault(std::string("a\0b", 3)).find("NUL"), std::string::npos);
  EXPECT_NE(fault("tls_server_config:\n  cert_file: \"a\nrate_limit:\n").find("quote is not closed"),
            std::string::npos);
}

TEST(WebConfig, ReadsGoDurations) {
  EXPECT_EQ(parse_go_duration("0"), 0ns);
  EXPECT_EQ(parse_go_duration("1s"), 1s);
  EXPECT_EQ(parse_go_duration("1.5s"), 1500ms);
  EXPECT_EQ(parse_go_duration("1m30s"), 90s);
  EXPECT_EQ(parse_go_duration("250us"), 250us);
  EXPECT_EQ(parse_go_duration("10ns"), 10ns);
  for (const char* text : {"", "1", "s", "1x", "-1s", "1s ", "1h1", "1..5s", "9999999999h", "1 s"}) {
    EXPECT_EQ(parse_go_duration(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace rcached
