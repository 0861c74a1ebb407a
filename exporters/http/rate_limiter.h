// SPDX-License-Identifier: Apache-2.0
// RateLimiter: a token bucket shared by all clients. Full at the start; a request takes one token.
#pragma once

#include <chrono>
#include <optional>

#include "base/mutex.h"

namespace rcached {

// Thread-safe.
class RateLimiter {
 public:
  using Clock = std::chrono::steady_clock;

  // One token is added every `interval` (zero: no limit), up to `burst` tokens (at least one).
  RateLimiter(std::chrono::nanoseconds interval, unsigned burst);

  // nullopt if the request is admitted, otherwise the time until the next token.
  std::optional<std::chrono::nanoseconds> refuse(Clock::time_point now);

 private:
  const std::chrono::nanoseconds interval_;
  const std::chrono::nanoseconds depth_;  // burst tokens, as time
  Mutex mutex_;
  // The bucket as time: it contains (now - empty_at_) / interval_ tokens.
  Clock::time_point empty_at_ GUARDED_BY(mutex_) = Clock::time_point::min();
};

}  // namespace rcached
