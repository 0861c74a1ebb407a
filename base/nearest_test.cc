// SPDX-License-Identifier: Apache-2.0
#include "base/nearest.h"

#include <gtest/gtest.h>

#include <string>

namespace rcached {
namespace {

TEST(Nearest, CountsEdits) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("listen", "listen"), 0u);
  EXPECT_EQ(edit_distance("lisen", "listen"), 1u);
  EXPECT_EQ(edit_distance("listenn", "listen"), 1u);
  EXPECT_EQ(edit_distance("lusten", "listen"), 1u);
  EXPECT_EQ(edit_distance("lsiten", "listen"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Nearest, SuggestsOnlyCloseCandidates) {
  EXPECT_EQ(nearest("lisen", {"threads", "listen"}), "listen");
  EXPECT_EQ(nearest("x", {"y"}), "y");
  EXPECT_EQ(nearest("tls", {"threads", "listen"}), std::nullopt);
  EXPECT_EQ(nearest("abc", {}), std::nullopt);
  EXPECT_EQ(nearest("bounded-12", {"bounded-128", "bounded-127"}), "bounded-128");
  EXPECT_EQ(nearest(std::string(100'000, 'a'), {"listen"}), std::nullopt);
}

}  // namespace
}  // namespace rcached
