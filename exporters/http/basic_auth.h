// SPDX-License-Identifier: Apache-2.0
// BasicAuth: checks the credentials of requests (RFC 7617) against bcrypt hashes.
//
// - bcrypt is slow by design, so correct credentials are remembered, as a keyed digest, for the lifetime of
//   this object; checking them again takes microseconds.
// - An unknown user costs as much as a known one: a hash of the list, always the same one for a name, is
//   computed and the result discarded. Comparisons take constant time.
// - At most two checks run at once, on the caller's thread, and at most `waiting` requests wait for one; each
//   client address has at most one check. Requests over these limits are refused as busy, so a client that
//   guesses passwords can neither occupy all threads nor block other clients. Requests with the same
//   credentials share one check.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "exporters/http/web_config.h"

namespace rcached {

// A keyed digest of correct credentials, which are not stored themselves. It never leaves the process.
using Digest = std::array<std::uint8_t, 32>;

Digest hmac_sha256(std::string_view key, std::string_view data);

struct Credentials {
  std::string user;
  std::string password;
};

// Parses the value of an Authorization header; nullopt if it is not well-formed Basic.
std::optional<Credentials> parse_basic(std::string_view header);

// Thread-safe.
class BasicAuth {
 public:
  enum class Verdict : std::uint8_t { good, refused, busy };

  BasicAuth(std::vector<WebConfig::User> users, unsigned waiting);

  // `authorization` is the header's value, `client` the client's address.
  Verdict check(std::string_view authorization, const std::string& client);

  // Ends all current and later waits; the requests are refused as busy.
  void stop();

  // Number of password hashes computed since the start, for tests.
  std::size_t computed() const;

 private:
  struct Check {
    bool done = false;
    bool good = false;
  };

  bool compute(const Credentials& credentials) const;
  // By value: the computing thread removes the check from checks_ while this one waits.
  Verdict wait_for(std::shared_ptr<Check> check) REQUIRES(mutex_);
  void remember(const Digest& digest) REQUIRES(mutex_);

  const std::vector<WebConfig::User> users_;
  const unsigned waiting_limit_;
  const std::string key_;  // random, per object
  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  std::set<Digest> good_ GUARDED_BY(mutex_);
  std::deque<Digest> good_by_age_ GUARDED_BY(mutex_);
  std::map<Digest, std::shared_ptr<Check>> checks_ GUARDED_BY(mutex_);  // in progress
  std::set<std::string> clients_ GUARDED_BY(mutex_);                    // that have a check in progress
  unsigned running_ GUARDED_BY(mutex_) = 0;
  unsigned waiting_ GUARDED_BY(mutex_) = 0;
  std::size_t computed_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace rcached
