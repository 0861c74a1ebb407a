// SPDX-License-Identifier: Apache-2.0
#include "daemon/source/ring.h"

#include <gtest/gtest.h>

namespace rcached {

namespace {

TEST(RingSize, FollowsTheNumberOfCpus) {
  EXPECT_EQ(automatic_ring_bytes(1), 4u << 20);
  EXPECT_EQ(automatic_ring_bytes(64), 4u << 20);
  EXPECT_EQ(automatic_ring_bytes(65), 2u << 20);
  EXPECT_EQ(automatic_ring_bytes(128), 2u << 20);
  EXPECT_EQ(automatic_ring_bytes(384), 512u << 10);
  EXPECT_EQ(automatic_ring_bytes(1024), 256u << 10);
  EXPECT_EQ(automatic_ring_bytes(8192), 256u << 10);
}

constexpr std::uint64_t kSecond = 1'000'000'000;

TEST(DrainWatermark, IsTheStartOfThePreviousDrain) {
  DrainWatermark watermark;
  watermark.drained(100, true);
  EXPECT_EQ(watermark.until_ns(), 0u);
  watermark.drained(200, true);
  EXPECT_EQ(watermark.until_ns(), 100u);
  watermark.drained(300, true);
  EXPECT_EQ(watermark.until_ns(), 200u);
}

TEST(DrainWatermark, WaitsForACpuThatHasNotSubmitted) {
  DrainWatermark watermark;
  watermark.drained(100, true);
  watermark.drained(200, true);
  watermark.drained(300, false);  // a record reserved before 300 is missing: its time may be 150
  EXPECT_EQ(watermark.until_ns(), 100u);
  watermark.drained(400, false);
  EXPECT_EQ(watermark.until_ns(), 100u);
  watermark.drained(500, true);  // all records from before 500 are read
  EXPECT_EQ(watermark.until_ns(), 400u);
}

TEST(DrainWatermark, WaitsForAtMostASecond) {
  DrainWatermark watermark;
  watermark.drained(kSecond, true);
  watermark.drained(kSecond + 10, true);
  watermark.drained(2 * kSecond - 10, false);
  EXPECT_EQ(watermark.until_ns(), kSecond);
  EXPECT_FALSE(watermark.gave_up());
  watermark.drained(2 * kSecond + 10, false);
  EXPECT_EQ(watermark.until_ns(), 2 * kSecond - 10);
  EXPECT_TRUE(watermark.gave_up());
  watermark.drained(2 * kSecond + 20, true);
  EXPECT_FALSE(watermark.gave_up());
}

}  // namespace

}  // namespace rcached
