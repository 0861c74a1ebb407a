// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/bodies.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "tests/kit/gunzip.h"

namespace rcached {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

std::shared_ptr<const std::string> make(BodyPool& pool, const std::string& text) {
  return pool.make([&](std::string& out) { out = text; });
}

const std::string kLarge(100'000, 'x');

TEST(BodyPool, TheNextBodyReusesTheMemory) {
  BodyPool pool;
  auto body = make(pool, kLarge);
  const char* const buffer = body->data();
  for (int i = 0; i < 5; ++i) {
    body.reset();
    body = make(pool, kLarge);
    EXPECT_EQ(body->data(), buffer);
    EXPECT_EQ(pool.buffers(), 1u);
  }
}

TEST(BodyPool, ABodyInUseIsNotTouched) {
  BodyPool pool;
  auto first = make(pool, "first");
  const auto sent = first;
  first.reset();
  EXPECT_EQ(pool.idle(), 0u);
  const auto second = make(pool, "second");
  EXPECT_EQ(*sent, "first");
  EXPECT_EQ(pool.buffers(), 2u);
}

TEST(BodyPool, SpareBuffersAreFreed) {
  BodyPool pool;
  {
    std::vector<std::shared_ptr<const std::string>> bodies;
    for (int i = 0; i < 4; ++i) bodies.push_back(make(pool, kLarge));
  }
  EXPECT_EQ(pool.idle(), 4u);
  for (int i = 0; i < 3 * 64; ++i) make(pool, kLarge);
  EXPECT_EQ(pool.buffers(), 1u);
  // Two are kept if two are needed alternately.
  auto shown = make(pool, kLarge);
  for (int i = 0; i < 200; ++i) {
    auto next = make(pool, kLarge);
    shown = std::move(next);
  }
  EXPECT_EQ(pool.buffers(), 2u);
}

TEST(BodyPool, AnOversizedBufferIsFreed) {
  BodyPool pool;
  make(pool, kLarge);
  pool.make([](std::string& out) { out.resize(10); });
  std::size_t capacity = 0;
  pool.make([&](std::string& out) { capacity = out.capacity(); });
  EXPECT_LT(capacity, 1000u);
}

TEST(BodyPool, AFailureLeaksNoBuffer) {
  BodyPool pool;
  EXPECT_THROW(pool.make([](std::string&) { throw std::runtime_error("no"); }), std::runtime_error);
  EXPECT_EQ(pool.buffers(), 1u);
  EXPECT_EQ(pool.idle(), 1u);
}

TEST(BodyPool, BodiesMayOutliveThePool) {
  auto pool = std::make_optional<BodyPool>();
  const auto body = make(*pool, kLarge);
  pool.reset();
  EXPECT_EQ(*body, kLarge);
}

std::string unpacked(const PackedBody& body) {
  return testing::gunzip(*body.bytes + gzip_end(body.sum, "", kGzipLevel)).value_or("damaged");
}

// Provides the bodies to pack; can block and fail.
class Source {
 public:
  RenderedBody render() {
    std::unique_lock lock(mutex_);
    auto facts = std::make_shared<BodyFacts>();
    facts->number = number_;
    facts->time = time_;
    ++calls_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !held_; });
    if (failing_) throw std::runtime_error("no memory");
    return {facts, std::make_shared<const std::string>("body " + std::to_string(facts->number))};
  }

  void show(std::uint64_t number, Clock::time_point time = Clock::now()) {
    const std::lock_guard lock(mutex_);
    number_ = number;
    time_ = time;
  }
  void fail(bool failing) {
    const std::lock_guard lock(mutex_);
    failing_ = failing;
  }
  void hold(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }
  void wait_for_call(int n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return calls_ >= n; });
  }
  int calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t number_ = 1;
  Clock::time_point time_ = Clock::now();
  bool held_ = false;
  bool failing_ = false;
  int calls_ = 0;
};

class BodyPackerTest : public ::testing::Test {
 protected:
  Source source_;
  std::atomic<int> packed_ = 0;
  BodyPacker packer_{[this] { return source_.render(); }, [this](double) { ++packed_; }};
};

TEST_F(BodyPackerTest, ABodyIsPackedOnceForAll) {
  EXPECT_EQ(source_.calls(), 0) << "nothing is packed before the first request";
  const PackedBody first = packer_.get(1);
  EXPECT_EQ(unpacked(first), "body 1");
  std::vector<std::thread> others;
  for (int i = 0; i < 8; ++i) {
    others.emplace_back([&] { EXPECT_EQ(packer_.get(1).bytes, first.bytes); });
  }
  for (std::thread& other : others) other.join();
  EXPECT_EQ(packed_, 1);
}

TEST_F(BodyPackerTest, WhileTheNextIsBeingPackedTheLastOneIsReturned) {
  const PackedBody first = packer_.get(1);
  source_.hold(true);
  source_.show(2);
  EXPECT_EQ(packer_.get(2).bytes, first.bytes) << "immediately, although the packer is blocked";
  source_.wait_for_call(2);
  EXPECT_EQ(packer_.get(2).bytes, first.bytes);
  source_.hold(false);
  while (packer_.get(2).facts->number != 2) std::this_thread::yield();
  EXPECT_EQ(unpacked(packer_.get(2)), "body 2");
  EXPECT_EQ(packed_, 2);
}

TEST_F(BodyPackerTest, AnOldBodyIsNotReturned) {
  source_.show(1, Clock::now() - BodyPacker::kMaxLag);
  packer_.get(1);
  source_.hold(true);
  source_.show(2);
  auto late = std::async(std::launch::async, [&] { return packer_.get(2); });
  source_.wait_for_call(2);
  EXPECT_EQ(late.wait_for(20ms), std::future_status::timeout) << "it waits for the new one";
  source_.hold(false);
  EXPECT_EQ(unpacked(late.get()), "body 2");
}

TEST_F(BodyPackerTest, ARequestForANewerBodyThanTheOneBeingPackedGetsIt) {
  source_.hold(true);
  auto first = std::async(std::launch::async, [&] { return packer_.get(1); });
  source_.wait_for_call(1);
  source_.show(2);
  auto second = std::async(std::launch::async, [&] { return packer_.get(2); });
  EXPECT_EQ(second.wait_for(20ms), std::future_status::timeout);
  source_.hold(false);
  EXPECT_GE(first.get().facts->number, 1u);
  EXPECT_EQ(unpacked(second.get()), "body 2");
}

TEST_F(BodyPackerTest, AFailureIsThrownToWaitingCallersAndIsRecoverable) {
  source_.fail(true);
  for (int i = 0; i < 3; ++i) EXPECT_THROW(packer_.get(1), std::runtime_error);
  EXPECT_LE(source_.calls(), 4) << "no retries without a waiting caller";
  source_.fail(false);
  EXPECT_EQ(unpacked(packer_.get(1)), "body 1");
  // With an earlier body available, callers do not see the failure.
  source_.fail(true);
  EXPECT_EQ(packer_.get(2).facts->number, 1u);
}

TEST_F(BodyPackerTest, ItCanBeDestroyedWhileABodyIsRequested) {
  packer_.get(1);
  packer_.get(2);  // returns the last one; the packer is working on the next, or about to
}

}  // namespace
}  // namespace rcached
