// SPDX-License-Identifier: Apache-2.0
// The bodies of the views: each draws all its lines, as many as it takes; render.cc shows the part of them
// that fits. Pure but for the time zone.
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
  int selected = -1;  // line that must be in sight
};

Sheet domains_sheet(const TopData& data, const UiState& state, int columns, Charset charset);
// Of the domain `label`; says so when data.detail is not of it.
Sheet domain_sheet(const TopData& data, const std::string& label, int columns, Charset charset);
Sheet cpus_sheet(const TopData& data, const std::string& label, bool swap_form, int columns, Charset charset);
Sheet notes_sheet(const TopData& data, const std::string& filter, int columns, Charset charset);
Sheet daemon_sheet(const TopData& data, int columns, Charset charset);
Sheet help_sheet(int columns, Charset charset);

// "17:04:05", with the date before it when it is of another day than `today` (both Unix seconds).
std::string clock_text(double time, const Figure& today);

// Adds `text` in as many lines as it takes, broken at spaces, each from `indent` on.
void add_wrapped(Grid& grid, int row, int indent, const std::string& text, Style style = {});

// A bar of `width` cells, as much of it filled as `ratio` says.
std::string bar(double ratio, int width);

// The points as a line of `width` characters of eight heights between the least and the largest of them;
// blank where nothing is known.
std::string sparkline(const std::vector<Figure>& points, int width);

}  // namespace rcached::top
