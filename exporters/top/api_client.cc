// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/api_client.h"

#include <fmt/format.h>
#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <utility>

#include "base/error.h"

namespace rcached::top {
namespace {

using Clock = std::chrono::steady_clock;

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

bool is_host(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  });
}

Error unreachable(const std::string& where, const std::string& why) {
  return {
      ErrorCode::unreachable, fmt::format("no rcached responds at {}: {}", where, why),
      "start it ('systemctl start rcached' or 'rcached run'), set its address with --url, or run without a "
      "daemon with --source"};
}

}  // namespace

tl::expected<ApiUrl, std::string> parse_url(std::string_view text) {
  const auto wrong = [](const char* why) { return tl::unexpected(std::string(why)); };
  std::string_view scheme = "http";
  if (const std::size_t end = text.find("://"); end != std::string_view::npos) {
    scheme = text.substr(0, end);
    text.remove_prefix(end + 3);
  }
  if (scheme != "http" && scheme != "https") return wrong("the scheme is neither http nor https");
  const std::string_view authority = text.substr(0, text.find_first_of("/?#"));
  std::string_view path = text.substr(authority.size());
  if (authority.find('@') != std::string_view::npos)
    return wrong(
        "it contains a user name or a password: use --user, and set the password in RCACHED_PASSWORD");
  if (path.find_first_of("?#") != std::string_view::npos) return wrong("it has a query or a fragment");
  if (std::any_of(path.begin(), path.end(), [](char c) { return c <= ' ' || c >= 0x7f; }))
    return wrong("its path contains invalid characters");
  const std::size_t colon = authority.rfind(':');
  const std::string_view host = authority.substr(0, colon);
  if (!is_host(host)) return wrong("the host is neither a name nor an IPv4 address");
  if (colon != std::string_view::npos && !is_port(authority.substr(colon + 1)))
    return wrong("the port is not a number from 1 to 65535");
  while (path.ends_with('/')) path.remove_suffix(1);
  return ApiUrl{fmt::format("{}://{}", scheme, authority), std::string(authority), std::string(path)};
}

struct ApiClient::Connection {
  explicit Connection(const std::string& origin) : client(origin) {}
  httplib::Client client;
  std::atomic<bool> cancelled{false};
};

ApiClient::ApiClient(ApiUrl url, ApiClientOptions options)
    : url_(std::move(url)),
      options_(std::move(options)),
      connection_(std::make_unique<Connection>(url_.origin)) {
  httplib::Client& client = connection_->client;
  client.set_keep_alive(true);
  client.set_follow_location(false);  // never send the password to another server
  client.set_decompress(false);
  client.set_url_encode(false);  // paths are already encoded
  client.set_tcp_nodelay(true);
  client.set_connection_timeout(options_.connect_limit);
  client.set_read_timeout(options_.answer_limit);
  client.set_write_timeout(options_.connect_limit);
  httplib::Headers headers = {
      {"Accept", "application/json"}, {"Accept-Encoding", "identity"}, {"User-Agent", "rcached-top"}};
  if (!options_.user.empty())
    headers.insert(httplib::make_basic_authentication_header(options_.user, options_.password));
  client.set_default_headers(std::move(headers));
}

ApiClient::~ApiClient() = default;

void ApiClient::cancel() {
  connection_->cancelled = true;
  connection_->client.stop();
}

Fetched ApiClient::get(const std::string& path) {
  const std::string where = url_.origin + url_.prefix;
  const auto end = Clock::now() + options_.answer_limit;
  const char* given_up = nullptr;
  std::string body;
  const auto take = [&](const char* data, std::size_t size) {
    if (body.size() + size > options_.max_response_bytes) {
      given_up = "the response is too large";
    } else if (Clock::now() > end) {
      given_up = "the response takes too long";
    } else if (connection_->cancelled) {
      given_up = "the program is shutting down";
    } else {
      body.append(data, size);
    }
    return given_up == nullptr;
  };
  const httplib::Result result = connection_->client.Get(url_.prefix + path, take);
  if (result) {
    if (given_up != nullptr) return tl::unexpected(Error{ErrorCode::bad_answer, where + ": " + given_up, {}});
    return judge_answer(result->status, std::move(body), where);
  }
  switch (result.error()) {
    case httplib::Error::Connection:
      return tl::unexpected(unreachable(where, "cannot connect"));
    case httplib::Error::ConnectionTimeout:
      return tl::unexpected(unreachable(where, "the connection timed out"));
    case httplib::Error::SSLConnection:
    case httplib::Error::SSLLoadingCerts:
      return tl::unexpected(Error{ErrorCode::unreachable, where + ": the TLS handshake failed",
                                  "check that this address supports TLS, or use http://"});
    case httplib::Error::SSLServerVerification:
      return tl::unexpected(
          Error{ErrorCode::unreachable, where + ": its certificate is not trusted",
                "add its issuer to the trusted certificates (SSL_CERT_FILE can name a file)"});
    default:
      return tl::unexpected(
          Error{ErrorCode::bad_answer,
                fmt::format("{}: {}", where,
                            given_up != nullptr ? given_up : "the response is truncated, or is not HTTP"),
                "check that the address belongs to an rcached, and check its log"});
  }
}

}  // namespace rcached::top
