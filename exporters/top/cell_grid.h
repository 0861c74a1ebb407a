// SPDX-License-Identifier: Apache-2.0
// Grid: a screen of character cells in memory. Everything that `rcached top` shows is drawn here first, and only
// grids are written to the terminal: whatever the input, the output has no control characters, no characters
// that move the cursor or change the writing direction, and no invalid UTF-8.
//
// Character widths are those of the C library (wcwidth): with Charset::utf8 the process's LC_CTYPE must be a
// UTF-8 locale. Not thread-safe; no I/O.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace rcached::top {

enum class Charset : std::uint8_t { utf8, ascii };

// The meaning of a cell; the screen maps it to a colour if it has colours.
enum class Tone : std::uint8_t { normal, faint, title, good, warning, bad, heat };

struct Style {
  Tone tone = Tone::normal;
  std::uint8_t heat = 0;  // with Tone::heat: 0 (cold) to 9
  bool bold = false;
  bool reverse = false;

  friend bool operator==(const Style&, const Style&) = default;
};

struct Cell {
  char32_t glyph = U' ';
  std::uint8_t width = 1;  // 2: also occupies the next cell, whose width is 0
  Style style;

  friend bool operator==(const Cell&, const Cell&) = default;
};

class Grid {
 public:
  static constexpr int kNoLimit = std::numeric_limits<int>::max();

  // Sizes below 0 are 0.
  Grid(int rows, int columns, Charset charset);

  int rows() const { return rows_; }
  int columns() const { return columns_; }
  Charset charset() const { return charset_; }
  const Cell& at(int row, int column) const { return cells_[index(row, column)]; }

  // Draws from (row, column) to the right, over at most `limit` cells and never beyond the edge; text that does
  // not fit ends in an ellipsis. Returns the column after it. Positions outside the grid are ignored.
  int put(int row, int column, std::string_view text, Style style = {}, int limit = kNoLimit);
  // The same, right-aligned in the field of `width` cells that begins at `column`.
  int put_right(int row, int column, int width, std::string_view text, Style style = {});

  // Appends a row and returns its number.
  int add_row();

  // Adds bold and reverse of `style` to all cells of a row; keeps their tones.
  void highlight(int row, Style style);

  // Copies rows [from, from + count) of `other` to `row`, clipped to both grids.
  void copy(int row, const Grid& other, int from, int count);

  // One row without trailing blanks, as UTF-8 (or ASCII).
  std::string line(int row) const;
  // All rows, each with a newline.
  std::string text() const;

 private:
  std::size_t index(int row, int column) const {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns_) +
           static_cast<std::size_t>(column);
  }

  int rows_;
  int columns_;
  Charset charset_;
  std::vector<Cell> cells_;
};

// The number of cells that `text` occupies in a Grid.
int text_width(std::string_view text, Charset charset);

}  // namespace rcached::top
