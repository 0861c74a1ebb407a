// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/gzip.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/kit/gunzip.h"

namespace rcached {
namespace {

using testing::gunzip;

std::string repetitive(std::size_t lines) {
  std::string text;
  for (std::size_t i = 0; i < lines; ++i)
    text += "iova_tree_ranges{domain=\"" + std::to_string(i) + "\"} 1\n";
  return text;
}

TEST(Gzip, TheTwoPiecesAreOneMember) {
  const std::string large = repetitive(50'000);
  for (const int level : {1, 6, 9}) {
    for (const std::string& text : {std::string(), std::string("a"), large}) {
      for (const std::string& rest : {std::string(), std::string("# EOF\n"), large}) {
        std::string bytes;
        const GzipSum sum = gzip_begin(text, level, bytes);
        EXPECT_EQ(sum.length, text.size());
        const std::string whole = bytes + gzip_end(sum, rest, level);
        EXPECT_EQ(gunzip(whole), text + rest) << text.size() << " + " << rest.size();
        if (text == large) {
          EXPECT_LT(bytes.size(), text.size() / 4);
        }
      }
    }
  }
}

TEST(Gzip, OneBeginningCanHaveManyEnds) {
  std::string bytes;
  const GzipSum sum = gzip_begin("shared\n", 1, bytes);
  EXPECT_EQ(gunzip(bytes + gzip_end(sum, "one\n", 1)), "shared\none\n");
  EXPECT_EQ(gunzip(bytes + gzip_end(sum, "two\n", 1)), "shared\ntwo\n");
}

TEST(Gzip, TheBufferIsReused) {
  std::string bytes;
  gzip_begin(repetitive(100'000), 1, bytes);
  const char* const buffer = bytes.data();
  GzipSum sum = gzip_begin(repetitive(100), 1, bytes);
  EXPECT_EQ(bytes.data(), buffer);
  EXPECT_EQ(gunzip(bytes + gzip_end(sum, "", 1)), repetitive(100));
  sum = gzip_begin(repetitive(100'000), 1, bytes);
  EXPECT_EQ(bytes.data(), buffer);
  EXPECT_EQ(gunzip(bytes + gzip_end(sum, "x", 1)), repetitive(100'000) + "x");
}

TEST(Gzip, CorruptionIsDetected) {  // so the checks above can fail
  std::string whole;
  const GzipSum sum = gzip_begin("some text", 1, whole);
  whole += gzip_end(sum, " and more", 1);
  ASSERT_TRUE(gunzip(whole).has_value());
  EXPECT_EQ(gunzip(whole + "x"), std::nullopt);
  EXPECT_EQ(gunzip(std::string_view(whole).substr(0, whole.size() - 1)), std::nullopt);
  whole[whole.size() - 5] = static_cast<char>(whole[whole.size() - 5] ^ 1);
  EXPECT_EQ(gunzip(whole), std::nullopt) << "the checksum was changed";
}

}  // namespace
}  // namespace rcached
