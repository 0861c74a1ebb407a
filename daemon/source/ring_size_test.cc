// SPDX-License-Identifier: Apache-2.0
#include "daemon/source/ring_size.h"

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

}  // namespace
}  // namespace rcached
