// SPDX-License-Identifier: Apache-2.0
// Drawing functions shared by several sheets.
#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

#include "exporters/top/sheets.h"

namespace rcached::top {
namespace {

constexpr std::array<const char*, 8> kHeights = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

// The mean of the known points in [from, to).
Figure mean(const std::vector<Figure>& points, std::size_t from, std::size_t to) {
  double sum = 0;
  int known = 0;
  for (std::size_t i = from; i < to; ++i) {
    if (!points[i]) continue;
    sum += *points[i];
    ++known;
  }
  return known == 0 ? Figure() : Figure(sum / known);
}

bool local_time(double time, std::tm& out) {
  constexpr double kMaxTime = 1e12;  // beyond it the year would not fit
  if (!std::isfinite(time) || std::abs(time) > kMaxTime) return false;
  const auto seconds = static_cast<std::time_t>(std::floor(time));
  return localtime_r(&seconds, &out) != nullptr;
}

}  // namespace

std::string clock_text(double time, const Figure& today) {
  std::tm local{}, now{};
  if (!local_time(time, local)) return "-";
  const bool same_day =
      today && local_time(*today, now) && now.tm_year == local.tm_year && now.tm_yday == local.tm_yday;
  std::array<char, 40> text{};
  const std::size_t length =
      std::strftime(text.data(), text.size(), same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &local);
  return {text.data(), length};
}

void add_wrapped(Grid& grid, int row, int indent, const std::string& text, Style style) {
  const int room = std::max(grid.columns() - indent, 10);
  std::string line;
  const auto flush = [&] {
    grid.put(row, indent, line, style);
    line.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    std::string longer = line;
    if (!line.empty()) longer += ' ';
    longer += word;
    if (!line.empty() && text_width(longer, grid.charset()) > room) {
      flush();
      row = grid.add_row();
      line = word;
    } else {
      line = longer;
    }
    at = end + 1;
  }
  flush();
}

std::string bar(double ratio, int width) {
  const double full = std::isfinite(ratio) ? std::clamp(ratio, 0.0, 1.0) * width : 0;
  // A nonzero ratio is never drawn as empty, and a ratio below 1 never as full.
  int filled = static_cast<int>(std::lround(full));
  if (full > 0) filled = std::max(filled, 1);
  if (ratio < 1) filled = std::min(filled, std::max(width - 1, 0));
  std::string out;
  for (int i = 0; i < width; ++i) out += i < filled ? "█" : "░";
  return out;
}

std::string sparkline(const std::vector<Figure>& points, int width) {
  const std::size_t cells =
      std::min<std::size_t>(points.size(), static_cast<std::size_t>(std::max(width, 0)));
  std::vector<Figure> means;
  for (std::size_t i = 0; i < cells; ++i)
    means.push_back(mean(points, i * points.size() / cells, (i + 1) * points.size() / cells));
  double low = 0, high = 0;
  bool any = false;
  for (const Figure& value : means) {
    if (!value) continue;
    low = any ? std::min(low, *value) : *value;
    high = any ? std::max(high, *value) : *value;
    any = true;
  }
  std::string out;
  for (const Figure& value : means) {
    const double share = value && high > low ? (*value - low) / (high - low) : 0;
    out += value ? kHeights[static_cast<std::size_t>(std::lround(share * 7))] : " ";
  }
  return out;
}

}  // namespace rcached::top
