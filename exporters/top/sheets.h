// SPDX-License-Identifier: Apache-2.0
// The bodies of the views: each draws all its lines; render.cc shows the part that fits. Pure, except for the
// time zone.
#pragma once

#include "exporters/top/cell_grid.h"
#include "exporters/top/model.h"
#include "exporters/top/ui_state.h"

namespace rcached::top {

inline constexpr Style kTitle{.tone = Tone::title, .bold = true};
inline constexpr Style kFaint{.tone = Tone::faint};

struct Sheet {
  Grid grid;
  int head = 0;       // lines at the top that do not scroll
  int selected = -1;  // line that must be visible
};

Sheet domains_sheet(const TopData& data, const UiState& state, int columns, Charset charset);
// For the domain `label`; shows a message if data.detail is of another domain.
Sheet domain_sheet(const TopData& data, const std::string& label, int columns, Charset charset);
Sheet cpus_sheet(const TopData& data, const std::string& label, bool swap_form, int columns, Charset charset);
Sheet notes_sheet(const TopData& data, const std::string& filter, int columns, Charset charset);
Sheet daemon_sheet(const TopData& data, int columns, Charset charset);
Sheet help_sheet(int columns, Charset charset);

// "17:04:05", preceded by the date unless it is the day of `today` (both Unix seconds).
std::string clock_text(double time, const Figure& today);

// Adds `text` wrapped at spaces, each line starting at `indent`.
void add_wrapped(Grid& grid, int row, int indent, const std::string& text, Style style = {});

// A bar of `width` cells, filled in proportion to `ratio`.
std::string bar(double ratio, int width);

// The points as a line of at most `width` characters of eight heights from the smallest to the largest; blank
// for unknown points.
std::string sparkline(const std::vector<Figure>& points, int width);

}  // namespace rcached::top
