// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/cell_grid.h"

#include <algorithm>
#include <array>
#include <cwchar>
#include <utility>

#include "base/text.h"

namespace rcached::top {
namespace {

constexpr char32_t kReplacement = 0xfffd;
constexpr char32_t kEllipsis = 0x2026;

// The characters that the screens are drawn with, and their ASCII substitutes.
constexpr std::array<std::pair<char32_t, char>, 20> kSubstitutes = {
    {{0x2026, '~'}, {0x25b2, '^'}, {0x25bc, 'v'}, {0x2588, '#'}, {0x2591, '.'}, {0x2581, '_'}, {0x2582, '.'},
     {0x2583, ','}, {0x2584, '-'}, {0x2585, '='}, {0x2586, '+'}, {0x2587, '*'}, {0x2500, '-'}, {0x2502, '|'},
     {0x25b6, '>'}, {0x2190, '<'}, {0x2192, '>'}, {0x2191, '^'}, {0x2193, 'v'}, {0x00b7, '.'}}};

// Control characters, and format characters that are invisible or affect adjacent ones.
bool is_harmful(char32_t c) {
  constexpr std::array<std::pair<char32_t, char32_t>, 9> kRanges = {{{0x00, 0x1f},
                                                                     {0x7f, 0x9f},
                                                                     {0xad, 0xad},
                                                                     {0x200b, 0x200f},
                                                                     {0x2028, 0x202e},
                                                                     {0x2060, 0x206f},
                                                                     {0xfeff, 0xfeff},
                                                                     {0xfff9, 0xfffb},
                                                                     {0xe0000, 0xe0fff}}};
  return std::any_of(kRanges.begin(), kRanges.end(),
                     [c](const auto& range) { return c >= range.first && c <= range.second; });
}

struct Glyph {
  char32_t code;
  std::uint8_t width;
};

Glyph displayable(char32_t c, Charset charset) {
  if (charset == Charset::ascii) {
    if (c >= 0x20 && c < 0x7f) return {c, 1};
    const auto* found = std::find_if(kSubstitutes.begin(), kSubstitutes.end(),
                                     [c](const auto& substitute) { return substitute.first == c; });
    return {found == kSubstitutes.end() ? U'?' : static_cast<char32_t>(found->second), 1};
  }
  if (is_harmful(c)) return {kReplacement, 1};
  if (c < 0x7f) return {c, 1};
  const int width = wcwidth(static_cast<wchar_t>(c));
  if (width != 1 && width != 2) return {kReplacement, 1};
  return {c, static_cast<std::uint8_t>(width)};
}

// `text` must be valid UTF-8.
std::vector<Glyph> glyphs(std::string_view text, Charset charset) {
  std::vector<Glyph> out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    char32_t code = length == 1 ? lead : lead & (0xffu >> (length + 1));
    for (std::size_t k = 1; k < length; ++k)
      code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3fu);
    out.push_back(displayable(code, charset));
    i += length;
  }
  return out;
}

int width_of(const std::vector<Glyph>& glyphs) {
  int width = 0;
  for (const Glyph& glyph : glyphs) width += glyph.width;
  return width;
}

void append_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
    return;
  }
  const int length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  constexpr std::array<unsigned, 5> kLead = {0, 0, 0xc0, 0xe0, 0xf0};
  out += static_cast<char>(kLead[static_cast<std::size_t>(length)] | (c >> (6 * (length - 1))));
  for (int shift = 6 * (length - 2); shift >= 0; shift -= 6)
    out += static_cast<char>(0x80u | ((c >> shift) & 0x3fu));
}

}  // namespace

Grid::Grid(int rows, int columns, Charset charset)
    : rows_(std::max(rows, 0)),
      columns_(std::max(columns, 0)),
      charset_(charset),
      cells_(static_cast<std::size_t>(rows_) * static_cast<std::size_t>(columns_)) {}

int Grid::put(int row, int column, std::string_view text, Style style, int limit) {
  if (row < 0 || row >= rows_ || column < 0 || column >= columns_ || limit <= 0) return column;
  const auto drawn = glyphs(valid_utf8(text), charset_);
  const int room = std::min(limit, columns_ - column);
  const bool cut = width_of(drawn) > room;
  const int end = column + (cut ? room - 1 : room);
  const auto set = [&](Glyph glyph) {
    // If one half of a wide character is overwritten, the other half is blanked.
    if (at(row, column).width == 0 && column > 0) cells_[index(row, column - 1)] = {U' ', 1, style};
    const int after = column + glyph.width;
    if (after < columns_ && at(row, after).width == 0) cells_[index(row, after)] = {U' ', 1, style};
    cells_[index(row, column)] = {glyph.code, glyph.width, style};
    if (glyph.width == 2) cells_[index(row, column + 1)] = {U' ', 0, style};
    column = after;
  };
  for (const Glyph& glyph : drawn) {
    if (column + glyph.width > end) break;
    set(glyph);
  }
  if (cut) set(displayable(kEllipsis, charset_));
  return column;
}

int Grid::put_right(int row, int column, int width, std::string_view text, Style style) {
  const int taken = std::min(text_width(text, charset_), width);
  put(row, column + width - taken, text, style, taken);
  return column + width;
}

int Grid::add_row() {
  cells_.resize(cells_.size() + static_cast<std::size_t>(columns_));
  return rows_++;
}

void Grid::highlight(int row, Style style) {
  if (row < 0 || row >= rows_) return;
  for (int column = 0; column < columns_; ++column) {
    Style& own = cells_[index(row, column)].style;
    own.bold = own.bold || style.bold;
    own.reverse = own.reverse || style.reverse;
  }
}

void Grid::copy(int row, const Grid& other, int from, int count) {
  const int width = std::min(columns_, other.columns_);
  for (int i = 0; i < count; ++i) {
    if (row + i < 0 || row + i >= rows_ || from + i < 0 || from + i >= other.rows_) continue;
    for (int column = 0; column < width; ++column)
      cells_[index(row + i, column)] = other.at(from + i, column);
  }
}

std::string Grid::line(int row) const {
  std::string out;
  for (int column = 0; column < columns_; ++column) {
    if (at(row, column).width > 0) append_utf8(out, at(row, column).glyph);
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

std::string Grid::text() const {
  std::string out;
  for (int row = 0; row < rows_; ++row) out += line(row) + "\n";
  return out;
}

int text_width(std::string_view text, Charset charset) { return width_of(glyphs(valid_utf8(text), charset)); }

}  // namespace rcached::top
