// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <gtest/gtest.h>

namespace rcached {
namespace {

TEST(Text, ValidUtf8IsKept) {
  const std::string text = "nvme \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \x7f";
  EXPECT_EQ(valid_utf8(text), text);
  EXPECT_EQ(valid_utf8(""), "");
}

TEST(Text, EveryInvalidByteIsReplaced) {
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(valid_utf8("a\xff"
                       "b"),
            "a" + bad + "b");
  EXPECT_EQ(valid_utf8("\x80"), bad);                      // a continuation alone
  EXPECT_EQ(valid_utf8("\xc3"), bad);                      // cut short
  EXPECT_EQ(valid_utf8("\xc0\xaf"), bad + bad);            // overlong '/'
  EXPECT_EQ(valid_utf8("\xe0\x80\xaf"), bad + bad + bad);  // overlong in three bytes
  EXPECT_EQ(valid_utf8("\xed\xa0\x80"), bad + bad + bad);  // a surrogate
  EXPECT_EQ(valid_utf8("\xf4\x90\x80\x80").size(), 12u);   // above U+10FFFF
  EXPECT_EQ(valid_utf8("\xe2\x82"
                       "A"),
            bad + bad + "A");  // truncated by ASCII, which is kept
}

TEST(Text, HtmlIsEscaped) {
  EXPECT_EQ(html_escape("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
  EXPECT_EQ(html_escape("\xff"), "\xef\xbf\xbd");
}

}  // namespace
}  // namespace rcached
