// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/rate_limiter.h"

#include <algorithm>

namespace rcached {

RateLimiter::RateLimiter(std::chrono::nanoseconds interval, unsigned burst)
    : interval_(interval), depth_(interval * std::max(1u, burst)) {}

std::optional<std::chrono::nanoseconds> RateLimiter::refuse(Clock::time_point now) {
  if (interval_.count() <= 0) return std::nullopt;
  const MutexLock lock(mutex_);
  empty_at_ = std::max(empty_at_, now - depth_);
  const auto next = empty_at_ + interval_;
  if (next > now) return next - now;
  empty_at_ = next;
  return std::nullopt;
}

}  // namespace rcached
