// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/basic_auth.h"

#include <crypt.h>
#include <fmt/format.h>
#include <nettle/hmac.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace rcached {
namespace {

const std::uint8_t* bytes(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

constexpr unsigned kRunningLimit = 2;
constexpr std::size_t kMaxRemembered = 256;
constexpr std::size_t kMaxHeader = 1024;

std::optional<std::string> decode_base64(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  std::string out;
  unsigned bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const auto value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<unsigned>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>(bits >> held & 0xff);
  }
  if ((bits & ((1u << held) - 1)) != 0) return std::nullopt;  // unused bits must be zero
  return out;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;  // lengths are not secret
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  }
  return difference == 0;
}

void wipe(std::string& secret) {
  ::explicit_bzero(secret.data(), secret.size());
  secret.clear();
}

std::string random_key() {
  std::string key(32, '\0');
  if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) {
    throw std::runtime_error("getrandom() failed");
  }
  return key;
}

}  // namespace

Digest hmac_sha256(std::string_view key, std::string_view data) {
  hmac_sha256_ctx context;
  hmac_sha256_set_key(&context, key.size(), bytes(key));
  hmac_sha256_update(&context, data.size(), bytes(data));
  Digest digest;
  hmac_sha256_digest(&context, digest.size(), digest.data());
  return digest;
}

std::optional<Credentials> parse_basic(std::string_view header) {
  constexpr std::string_view kScheme = "Basic ";
  if (header.size() > kMaxHeader || header.size() < kScheme.size() ||
      ::strncasecmp(header.data(), kScheme.data(), kScheme.size()) != 0) {
    return std::nullopt;
  }
  header.remove_prefix(kScheme.size());
  while (header.starts_with(' ')) header.remove_prefix(1);
  auto text = decode_base64(header);
  if (!text) return std::nullopt;
  std::optional<Credentials> credentials;
  const auto colon = text->find(':');
  // crypt() stops at a NUL: "right\0anything" must not be accepted as "right".
  if (colon != std::string::npos && text->find('\0') == std::string::npos) {
    credentials = Credentials{text->substr(0, colon), text->substr(colon + 1)};
  }
  wipe(*text);
  return credentials;
}

BasicAuth::BasicAuth(std::vector<WebConfig::User> users, unsigned waiting)
    : users_(std::move(users)), waiting_limit_(waiting), key_(random_key()) {}

BasicAuth::Verdict BasicAuth::check(std::string_view authorization, const std::string& client) {
  auto credentials = parse_basic(authorization);
  if (!credentials) return Verdict::refused;
  const Digest digest = hmac_sha256(
      key_, fmt::format("{}:{}:{}", credentials->user.size(), credentials->user, credentials->password));

  MutexLock lock(mutex_);
  if (good_.count(digest) != 0) return Verdict::good;
  if (const auto same = checks_.find(digest); same != checks_.end()) return wait_for(same->second);
  if (stopping_ || clients_.count(client) != 0) return Verdict::busy;
  if (running_ == kRunningLimit && waiting_ >= waiting_limit_) return Verdict::busy;

  const auto check = std::make_shared<Check>();
  checks_.emplace(digest, check);
  clients_.insert(client);
  ++waiting_;
  while (!stopping_ && running_ >= kRunningLimit) changed_.wait(mutex_);
  --waiting_;
  if (!stopping_) {
    ++running_;
    ++computed_;
    lock.unlock();
    const bool good = compute(*credentials);
    lock.lock();
    --running_;
    check->done = true;
    check->good = good;
    if (good) remember(digest);
  }
  wipe(credentials->password);
  clients_.erase(client);
  checks_.erase(digest);
  changed_.notify_all();
  if (!check->done) return Verdict::busy;
  return check->good ? Verdict::good : Verdict::refused;
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): the copy keeps it alive
BasicAuth::Verdict BasicAuth::wait_for(std::shared_ptr<Check> check) {
  if (waiting_ >= waiting_limit_) return Verdict::busy;
  ++waiting_;
  while (!stopping_ && !check->done) changed_.wait(mutex_);
  --waiting_;
  if (!check->done) return Verdict::busy;
  return check->good ? Verdict::good : Verdict::refused;
}

bool BasicAuth::compute(const Credentials& credentials) const {
  const auto known = std::find_if(users_.begin(), users_.end(),
                                  [&](const WebConfig::User& user) { return user.name == credentials.user; });
  const Digest choice = hmac_sha256(key_, credentials.user);
  const WebConfig::User& user = known != users_.end() ? *known : users_[choice[0] % users_.size()];
  const auto data = std::make_unique<crypt_data>();  // 32 KiB
  const char* hash = ::crypt_r(credentials.password.c_str(), user.hash.c_str(), data.get());
  const bool equal = hash != nullptr && equal_in_constant_time(hash, user.hash);
  ::explicit_bzero(data.get(), sizeof(crypt_data));
  return equal && known != users_.end();
}

void BasicAuth::remember(const Digest& digest) {
  // Only correct passwords are remembered, so the limit is reached only with different passwords that bcrypt
  // treats as equal.
  if (good_by_age_.size() == kMaxRemembered) {
    good_.erase(good_by_age_.front());
    good_by_age_.pop_front();
  }
  if (good_.insert(digest).second) good_by_age_.push_back(digest);
}

void BasicAuth::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

std::size_t BasicAuth::computed() const {
  const MutexLock lock(mutex_);
  return computed_;
}

}  // namespace rcached
