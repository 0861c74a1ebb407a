// SPDX-License-Identifier: Apache-2.0
#include "base/yaml_text.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

namespace rcached {
namespace {

TEST(YamlText, FindsTheQuoteThatIsNotClosed) {
  EXPECT_TRUE(is_open_quote("a: \"b", 3));
  EXPECT_TRUE(is_open_quote("a: 'b\nc: d", 3));
  EXPECT_TRUE(is_open_quote(R"(a: "b\")", 3)) << "an escaped quote closes nothing";
  EXPECT_TRUE(is_open_quote("a: 'b''", 3)) << "two single quotes are one in the text";
  EXPECT_FALSE(is_open_quote("a: 'b'''", 3));
  EXPECT_FALSE(is_open_quote("a: \"b\"", 3));
  EXPECT_FALSE(is_open_quote("a: 'b'", 3));
  EXPECT_FALSE(is_open_quote("a: b\"", 3)) << "no quote opens here";
  EXPECT_FALSE(is_open_quote("a: b", 30));
}

TEST(YamlText, GivesTheOneDocument) {
  EXPECT_EQ((*load_yaml("a: 1\n", "f"))["a"].as<int>(), 1);
  EXPECT_TRUE(load_yaml("", "f")->IsNull());
  EXPECT_TRUE(load_yaml("# a comment\n", "f")->IsNull());
}

TEST(YamlText, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(load_yaml("a: 1\n---\nb: 2\n", "f").error().message,
            "the file holds more than one YAML document (f:2:1)");
  EXPECT_EQ(load_yaml(std::string_view("a\nb\0", 4), "f").error().message, "the file holds a NUL byte (f:2)");
  EXPECT_EQ(load_yaml("a: b: c\n", "f").error().message, "malformed YAML: illegal map value (f:1:5)");
  const auto comma = load_yaml("a: 1\n, b\n", "f");  // LoadAll() would never come back
  ASSERT_FALSE(comma.has_value());
  EXPECT_NE(comma.error().message.find("(f:"), std::string::npos) << comma.error().message;
}

}  // namespace
}  // namespace rcached
