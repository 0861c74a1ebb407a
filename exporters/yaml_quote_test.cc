// SPDX-License-Identifier: Apache-2.0
#include "exporters/yaml_quote.h"

#include <gtest/gtest.h>

namespace rcached {
namespace {

TEST(YamlQuote, FindsTheQuoteThatIsNotClosed) {
  EXPECT_TRUE(is_open_quote("a: \"b", 3));
  EXPECT_TRUE(is_open_quote("a: 'b\nc: d", 3));
  EXPECT_TRUE(is_open_quote(R"(a: "b\")", 3)) << "an escaped quote closes nothing";
  EXPECT_FALSE(is_open_quote("a: \"b\"", 3));
  EXPECT_FALSE(is_open_quote("a: 'b'", 3));
  EXPECT_FALSE(is_open_quote("a: b\"", 3)) << "no quote opens here";
  EXPECT_FALSE(is_open_quote("a: b", 30));
}

}  // namespace
}  // namespace rcached
