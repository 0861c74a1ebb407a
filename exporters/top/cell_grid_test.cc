// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/cell_grid.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "exporters/top/testing/sample_data.h"

namespace rcached::top {
namespace {

class CellGrid : public ::testing::Test {
 protected:
  void SetUp() override { testing::use_test_locale(); }
};

std::string drawn(std::string_view text, int width, Charset charset = Charset::utf8) {
  Grid grid(1, width, charset);
  grid.put(0, 0, text);
  return grid.line(0);
}

TEST_F(CellGrid, CutsWithAnEllipsisAtTheLimitAndAtTheEdge) {
  EXPECT_EQ(drawn("0000:00:03.0", 12), "0000:00:03.0");
  EXPECT_EQ(drawn("0000:00:03.0", 8), "0000:00…");
  EXPECT_EQ(drawn("0000:00:03.0", 8, Charset::ascii), "0000:00~");
  EXPECT_EQ(drawn("ab", 1), "…");
  Grid grid(1, 20, Charset::utf8);
  EXPECT_EQ(grid.put(0, 2, "abcdef", {}, 4), 6);
  EXPECT_EQ(grid.line(0), "  abc…");
}

TEST_F(CellGrid, AlignsFiguresToTheRight) {
  Grid grid(1, 10, Charset::ascii);
  EXPECT_EQ(grid.put_right(0, 1, 6, "42"), 7);
  EXPECT_EQ(grid.line(0), "     42");
  Grid narrow(1, 10, Charset::ascii);
  narrow.put_right(0, 1, 3, "12345");
  EXPECT_EQ(narrow.line(0), " 12~");
}

TEST_F(CellGrid, WideCharactersTakeTwoCells) {
  EXPECT_EQ(text_width("日本", Charset::utf8), 4);
  Grid grid(1, 6, Charset::utf8);
  EXPECT_EQ(grid.put(0, 0, "日本x"), 5);
  EXPECT_EQ(grid.at(0, 0).width, 2);
  EXPECT_EQ(grid.at(0, 1).width, 0);
  EXPECT_EQ(grid.line(0), "日本x");
  // A wide character of which only half would fit is omitted.
  EXPECT_EQ(drawn("日本語", 4), "日…");
  EXPECT_EQ(drawn("日本", 4, Charset::ascii), "??");
}

TEST_F(CellGrid, NoHalfOfAWideCharacterRemains) {
  Grid grid(1, 4, Charset::utf8);
  grid.put(0, 0, "日本");
  grid.put(0, 1, "x");
  EXPECT_EQ(grid.line(0), " x本");
  Grid other(1, 4, Charset::utf8);
  other.put(0, 0, "日本");
  other.put(0, 2, "y");
  EXPECT_EQ(other.line(0), "日y");
}

// Control characters, and characters that would change or hide adjacent ones.
TEST_F(CellGrid, HarmfulCharactersAreReplaced) {
  const std::string hostile =
      "a\x1b[2J\x07\r\n\tb\x7f\xc2\x9b"
      "31m\xff\xc3\xe2\x80\xae\xe2\x80\x8b\xef\xbb\xbf\xcc\x81\xf3\xa0\x80\x81z";
  for (const Charset charset : {Charset::utf8, Charset::ascii}) {
    Grid grid(1, 80, charset);
    grid.put(0, 0, hostile);
    for (int column = 0; column < grid.columns(); ++column) {
      const char32_t c = grid.at(0, column).glyph;
      EXPECT_TRUE((c >= 0x20 && c < 0x7f) || (charset == Charset::utf8 && c == 0xfffd))
          << std::hex << static_cast<unsigned>(c);
    }
    const std::string line = grid.line(0);
    EXPECT_EQ(line.front(), 'a');
    EXPECT_EQ(line.back(), 'z');
    EXPECT_NE(line.find("b"), std::string::npos);
  }
}

TEST_F(CellGrid, AsciiHasSubstitutesForDrawingCharacters) {
  EXPECT_EQ(drawn("█░▲▼…·▁", 10, Charset::ascii), "#.^v~._");
}

TEST_F(CellGrid, PositionsOutsideAreIgnored) {
  Grid grid(2, 3, Charset::utf8);
  for (const auto& [row, column] : {std::pair(-1, 0), {2, 0}, {0, -1}, {0, 3}, {99, 99}}) {
    EXPECT_EQ(grid.put(row, column, "x"), column);
  }
  EXPECT_EQ(grid.text(), "\n\n");
  EXPECT_EQ(Grid(-1, -5, Charset::utf8).text(), "");
  Grid empty(1, 0, Charset::utf8);
  empty.put(0, 0, "x");
  EXPECT_EQ(empty.text(), "\n");
}

TEST_F(CellGrid, CopiesRowsThatExistInBoth) {
  Grid from(3, 4, Charset::utf8);
  for (int i = 0; i < 3; ++i) from.put(i, 0, std::to_string(i));
  Grid to(2, 2, Charset::utf8);
  to.copy(1, from, 2, 5);
  EXPECT_EQ(to.text(), "\n2\n");
  EXPECT_EQ(to.add_row(), 2);
  to.copy(2, from, 1, 1);
  EXPECT_EQ(to.text(), "\n2\n1\n");
}

TEST_F(CellGrid, HighlightKeepsTones) {
  Grid grid(1, 4, Charset::utf8);
  grid.put(0, 0, "x", {.tone = Tone::bad});
  grid.highlight(0, {.reverse = true});
  EXPECT_EQ(grid.at(0, 0).style, (Style{.tone = Tone::bad, .reverse = true}));
  EXPECT_EQ(grid.at(0, 3).style, (Style{.reverse = true}));
}

}  // namespace
}  // namespace rcached::top
