// SPDX-License-Identifier: Apache-2.0
// BasicAuth: checks the credentials of requests (RFC 7617) against bcrypt hashes.
//
// - bcrypt is slow on purpose, so what was right once is remembered, as a keyed digest, for as long as this
//   object lives; a right password costs microseconds from then on.
// - An unknown user costs as much as a known one: a hash of the list, always the same one for a name, is
//   computed and the result thrown away. Comparisons take the same time whatever they find.
// - At most two checks run at once, on the caller's thread, and `waiting` requests wait for one; each client
//   address has at most one check of its own. What is over that is refused as busy, so somebody who guesses
//   passwords takes neither all threads nor the others' turn. Requests with the same credentials share one
//   check.
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

// A keyed digest of what was right once and must not be kept itself. It never leaves the process.
using Digest = std::array<std::uint8_t, 32>;

Digest hmac_sha256(std::string_view key, std::string_view data);

struct Credentials {
  std::string user;
  std::string password;
};

// Of the value of an Authorization header; nothing when it is not well-formed Basic.
std::optional<Credentials> parse_basic(std::string_view header);

// Thread-safe.
class BasicAuth {
 public:
  enum class Verdict : std::uint8_t { good, refused, busy };

  BasicAuth(std::vector<WebConfig::User> users, unsigned waiting);

  // `authorization` is the header's value, `client` the address it came from.
  Verdict check(std::string_view authorization, const std::string& client);

  // Ends all waiting, now and later; the requests are refused as busy.
  void stop();

  // Passwords that were computed since the start, for tests.
  std::size_t computed() const;

 private:
  struct Check {
    bool done = false;
    bool good = false;
  };

  bool compute(const Credentials& credentials) const;
  // By value: whoever computes takes the check out of checks_ while we wait.
  Verdict wait_for(std::shared_ptr<Check> check) REQUIRES(mutex_);
  void remember(const Digest& digest) REQUIRES(mutex_);

  const std::vector<WebConfig::User> users_;
  const unsigned waiting_limit_;
  const std::string key_;  // random, of this object
  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  std::set<Digest> good_ GUARDED_BY(mutex_);
  std::deque<Digest> good_by_age_ GUARDED_BY(mutex_);
  std::map<Digest, std::shared_ptr<Check>> checks_ GUARDED_BY(mutex_);  // under way
  std::set<std::string> clients_ GUARDED_BY(mutex_);                    // that have a check under way
  unsigned running_ GUARDED_BY(mutex_) = 0;
  unsigned waiting_ GUARDED_BY(mutex_) = 0;
  std::size_t computed_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace rcached
