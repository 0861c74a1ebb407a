// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/body_pool.h"

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace rcached {
namespace {

std::shared_ptr<const std::string> make(BodyPool& pool, const std::string& text) {
  return pool.make([&](std::string& out) { out = text; });
}

const std::string kLarge(100'000, 'x');

TEST(BodyPool, TheNextBodyHasTheMemoryOfTheOneThatIsDone) {
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

TEST(BodyPool, SpareBuffersGoWhenNobodyNeedsThem) {
  BodyPool pool;
  {
    std::vector<std::shared_ptr<const std::string>> bodies;
    for (int i = 0; i < 4; ++i) bodies.push_back(make(pool, kLarge));
  }
  EXPECT_EQ(pool.idle(), 4u);
  for (int i = 0; i < 3 * 64; ++i) make(pool, kLarge);
  EXPECT_EQ(pool.buffers(), 1u);
  // Where two are needed in turn, two stay.
  auto shown = make(pool, kLarge);
  for (int i = 0; i < 200; ++i) {
    auto next = make(pool, kLarge);
    shown = std::move(next);
  }
  EXPECT_EQ(pool.buffers(), 2u);
}

TEST(BodyPool, ABufferThatHasBecomeFarTooLargeGoes) {
  BodyPool pool;
  make(pool, kLarge);
  pool.make([](std::string& out) { out.resize(10); });
  std::size_t capacity = 0;
  pool.make([&](std::string& out) { capacity = out.capacity(); });
  EXPECT_LT(capacity, 1000u);
}

TEST(BodyPool, AFailureLosesNoBuffer) {
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

}  // namespace
}  // namespace rcached
