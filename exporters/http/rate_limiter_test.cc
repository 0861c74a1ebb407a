// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/rate_limiter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace rcached {
namespace {

using namespace std::chrono_literals;

class RateLimiterTest : public ::testing::Test {
 protected:
  // How many of `tries` at `at` are admitted.
  static int admitted(RateLimiter& limiter, std::chrono::nanoseconds at, int tries) {
    int count = 0;
    for (int i = 0; i < tries; ++i) count += limiter.refuse(kStart + at) ? 0 : 1;
    return count;
  }
  static constexpr RateLimiter::Clock::time_point kStart{1'000'000s};
};

TEST_F(RateLimiterTest, AdmitsTheBurstAndThenTheRate) {
  RateLimiter limiter(100ms, 5);
  EXPECT_EQ(admitted(limiter, 0ms, 10), 5);
  EXPECT_EQ(admitted(limiter, 99ms, 10), 0);
  EXPECT_EQ(admitted(limiter, 100ms, 10), 1);
  EXPECT_EQ(admitted(limiter, 350ms, 10), 2);
  EXPECT_EQ(admitted(limiter, 400ms, 10), 1) << "the half token was kept";
  EXPECT_EQ(admitted(limiter, 1h, 10), 5) << "a long pause fills the bucket, not more";
}

TEST_F(RateLimiterTest, ReturnsTheTimeToWait) {
  RateLimiter limiter(100ms, 1);
  EXPECT_FALSE(limiter.refuse(kStart));
  EXPECT_EQ(limiter.refuse(kStart + 30ms), 70ms);
  EXPECT_EQ(limiter.refuse(kStart + 30ms), 70ms) << "a refused request takes no token";
}

TEST_F(RateLimiterTest, AnIntervalOfZeroIsNoLimitAndABurstOfZeroIsOne) {
  RateLimiter none(0ns, 0);
  EXPECT_EQ(admitted(none, 0ms, 1000), 1000);
  RateLimiter one(1s, 0);
  EXPECT_EQ(admitted(one, 0ms, 10), 1);
}

TEST_F(RateLimiterTest, IsFullAtTheStartEvenRightAfterBoot) {
  RateLimiter limiter(1h, 3);
  int count = 0;
  for (int i = 0; i < 5; ++i) count += limiter.refuse(RateLimiter::Clock::time_point(1s)) ? 0 : 1;
  EXPECT_EQ(count, 3);
}

TEST_F(RateLimiterTest, ThreadsShareIt) {
  RateLimiter limiter(1h, 100);
  std::atomic<int> count = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) threads.emplace_back([&] { count += admitted(limiter, 0ms, 50); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, 100);
}

}  // namespace
}  // namespace rcached
