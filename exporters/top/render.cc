// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "exporters/top/domain_table.h"
#include "exporters/top/figures.h"
#include "exporters/top/sheets.h"

namespace rcached::top {
namespace {

constexpr Style kAlarm{.tone = Tone::bad, .bold = true, .reverse = true};
constexpr std::size_t kPlainNotes = 5, kPlainVerdicts = 12;

// The layout of the lines of a screen. Small screens omit the least important parts.
struct Frame {
  int head = 0;  // lines above the body
  int body = 0;
  int detail = 0;  // below it: the selected domain
  int foot = 0;
};

Frame frame(const Picture& picture, const UiState& state, int rows) {
  Frame out;
  out.head = rows >= 12 ? 3 : rows >= 6 ? 2 : rows >= 3 ? 1 : 0;
  if (!picture.problem.empty() && rows >= 2) ++out.head;
  out.foot = rows >= 5 || state.editing_filter ? 1 : 0;
  out.detail = state.view == ViewKind::domains && !state.help && rows >= 18 ? 3 : 0;
  out.body = std::max(0, rows - out.head - out.foot - out.detail);
  return out;
}

void title_line(Grid& grid, int row, const Picture& picture) {
  int x = grid.put(row, 0, "rcached", kTitle) + 1;
  if (picture.data == nullptr) {
    grid.put(row, x, picture.host, {.bold = true});
    return;
  }
  const Status& status = picture.data->status;
  x = grid.put(row, x, status.version) + 2;
  x = grid.put(row, x, picture.host, {.bold = true}) + 2;
  x = grid.put(row, x, "kernel " + status.kernel.release) + 2;
  x = grid.put(row, x, "source " + status.source) + 2;
  grid.put(row, x, "mode " + status.mode);
}

// "60 exact, 3 resynced, 1 lossy", each in its tone.
int confidence_sums(Grid& grid, int row, int x, const Domains& domains) {
  std::map<std::string, std::size_t> sums;
  for (const Domain& domain : domains.domains) ++sums[domain.confidence.state];
  x = grid.put(row, x,
               fmt::format("{} domain{}", domains.domains.size(), domains.domains.size() == 1 ? "" : "s"));
  const char* separator = ": ";
  for (const auto& [state, number] : sums) {
    x = grid.put(row, x, separator);
    x = grid.put(row, x, fmt::format("{} {}", number, state), confidence_style(state));
    separator = ", ";
  }
  return x;
}

// Null: not known.
Figure running_seconds(const Status& status) {
  if (!status.started || !status.time) return std::nullopt;
  const double seconds = *status.time - static_cast<double>(*status.started);
  return seconds > 0 ? Figure(seconds) : Figure();
}

void status_line(Grid& grid, int row, const Picture& picture) {
  if (picture.data == nullptr) return;
  const Status& status = picture.data->status;
  int x = 0;
  if (picture.events_per_second) {
    x = grid.put(row, x, fmt::format("events {}/s", rate(picture.events_per_second))) + 2;
  } else if (const Figure running = running_seconds(status)) {
    const double mean = static_cast<double>(status.events.applied) / *running;
    x = grid.put(row, x, fmt::format("events {}/s on average", rate(mean))) + 2;
  } else {
    x = grid.put(row, x, fmt::format("events {}", count(status.events.applied))) + 2;
  }
  x = grid.put(row, x, "lost " + count(status.events.lost),
               {.tone = status.events.lost > 0 ? Tone::bad : Tone::good}) +
      2;
  x = grid.put(row, x, "lag " + duration(status.events.lag_seconds)) + 2;
  x = confidence_sums(grid, row, x, picture.data->domains) + 2;
  if (!status.ready)
    grid.put(row, x, "not ready: " + status.not_ready_reason.value_or(""), {.tone = Tone::warning});
}

void tabs_line(Grid& grid, int row, const Picture& picture, const UiState& state) {
  int x = 0;
  for (std::size_t i = 0; i < kViews; ++i) {
    const auto view = static_cast<ViewKind>(i);
    const bool current = view == state.view && !state.help;
    x = grid.put(row, x, fmt::format(" {} {} ", i + 1, title(view)), {.bold = current, .reverse = current});
  }
  if (state.help) x = grid.put(row, x, " help ", {.bold = true, .reverse = true});
  ++x;
  if (state.paused)
    x = grid.put(row, x, " PAUSED ", {.tone = Tone::warning, .bold = true, .reverse = true}) + 1;
  if (!state.filter.empty() && picture.data != nullptr) {
    const auto& all = picture.data->domains.domains;
    const auto through = std::count_if(all.begin(), all.end(),
                                       [&](const Domain& domain) { return matches(domain, state.filter); });
    grid.put(row, x, fmt::format("filter {} ({} of {})", state.filter, through, all.size()),
             {.tone = Tone::warning});
  } else if (state.view == ViewKind::domains && !state.help) {
    grid.put(row, x,
             fmt::format("by {} {}", column(state.order.column).name, state.order.descending ? "▼" : "▲"),
             kFaint);
  }
}

void foot_line(Grid& grid, int row, const UiState& state) {
  if (state.editing_filter) {
    int x = grid.put(row, 0, "filter: ", kTitle);
    x = grid.put(row, x, state.filter);
    x = grid.put(row, x, " ", {.reverse = true});
    grid.put(row, x + 1, "Enter keeps it, Esc clears it", kFaint);
    return;
  }
  grid.put(row, 0,
           state.view == ViewKind::domains
               ? "q quit  ? help  1-5 views  Enter domain  / filter  r reverse  space pause"
               : "q quit  ? help  1-5 views  Esc back  Left Right other domain  space pause",
           kFaint);
}

// The selected domain: its identity, and its verdicts with their evidence.
void detail_lines(Grid& grid, int row, int lines, const Picture& picture, const UiState& state) {
  if (picture.data == nullptr || lines < 1) return;
  const std::string label = shown_domain(state, picture.data->domains);
  const auto& all = picture.data->domains.domains;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Domain& domain) { return domain.label == label; });
  if (found == all.end()) return;
  int x = grid.put(row, 0, found->label, {.bold = true}) + 2;
  x = grid.put(row, x, found->type) + 2;
  if (!found->devices.empty()) x = grid.put(row, x, joined(found->devices)) + 1;
  if (!found->drivers.empty()) x = grid.put(row, x, "(" + joined(found->drivers) + ")") + 1;
  grid.put(row, x + 1, found->confidence.text, confidence_style(found->confidence.state));
  for (const Verdict& verdict : found->verdicts) {
    if (!verdict.holds) continue;
    if (--lines < 1) return;
    x = grid.put(++row, 2, verdict.verdict + ":", {.tone = Tone::warning}) + 1;
    grid.put(row, x, verdict.evidence);
  }
}

Sheet body_sheet(const TopData& data, const UiState& state, int width, Charset charset) {
  if (state.help) return help_sheet(width, charset);
  const std::string label = shown_domain(state, data.domains);
  switch (state.view) {
    case ViewKind::domains:
      return domains_sheet(data, state, width, charset);
    case ViewKind::domain:
      return domain_sheet(data, label, width, charset);
    case ViewKind::cpus:
      return cpus_sheet(data, label, state.numbers, width, charset);
    case ViewKind::notes:
      return notes_sheet(data, state.filter, width, charset);
    case ViewKind::daemon:
      break;
  }
  return daemon_sheet(data, width, charset);
}

// Draws the visible part of the sheet: its head, then the lines from `scroll` on, which is clamped. Arrows in the
// last column show that there are more lines.
void show_sheet(Grid& grid, int row, int lines, Sheet& sheet, int& scroll) {
  const int head = std::min(sheet.head, std::max(0, lines - 1));
  const int room = lines - head;
  const int rows = sheet.grid.rows() - sheet.head;
  if (sheet.selected >= 0) {
    sheet.grid.highlight(sheet.selected, {.reverse = true});
    const int selected = sheet.selected - sheet.head;
    scroll = std::clamp(scroll, selected - room + 1, selected);
  }
  scroll = std::clamp(scroll, 0, std::max(0, rows - room));
  grid.copy(row, sheet.grid, 0, head);
  grid.copy(row + head, sheet.grid, sheet.head + scroll, std::min(room, rows - scroll));
  if (room < 1) return;
  if (scroll > 0) grid.put(row + head, grid.columns() - 1, "▲", kTitle);
  if (scroll + room < rows) grid.put(row + lines - 1, grid.columns() - 1, "▼", kTitle);
}

void add_verdicts(Grid& grid, const std::vector<const Domain*>& domains) {
  std::size_t found = 0;
  for (const Domain* domain : domains) {
    for (const Verdict& verdict : domain->verdicts) {
      if (!verdict.holds || verdict.verdict == "healthy") continue;
      if (found++ == 0) grid.add_row();
      if (found > kPlainVerdicts) continue;
      add_wrapped(grid, grid.add_row(), 0,
                  fmt::format("{} {}: {}", domain->label, verdict.verdict, verdict.evidence));
    }
  }
  if (found > kPlainVerdicts)
    grid.put(
        grid.add_row(), 0,
        fmt::format("... and {} more; --domain LABEL shows those of one domain", found - kPlainVerdicts));
}

}  // namespace

int body_lines(const Picture& picture, const UiState& state, Size size) {
  return frame(picture, state, size.rows).body;
}

Grid render_screen(const Picture& picture, UiState& state, Size size, Charset charset) {
  Grid grid(size.rows, size.columns, charset);
  const Frame lines = frame(picture, state, size.rows);
  int row = 0;
  int head = lines.head - (picture.problem.empty() || size.rows < 2 ? 0 : 1);
  if (head-- > 0) title_line(grid, row++, picture);
  if (head-- > 0) status_line(grid, row++, picture);
  if (row < lines.head && !picture.problem.empty()) grid.put(row++, 0, picture.problem, kAlarm);
  if (head-- > 0) tabs_line(grid, row++, picture, state);

  if (picture.data != nullptr || state.help) {
    Sheet sheet = state.help ? help_sheet(size.columns, charset)
                             : body_sheet(*picture.data, state, size.columns, charset);
    int& scroll = state.help ? state.help_scroll : state.scroll[static_cast<std::size_t>(state.view)];
    show_sheet(grid, row, lines.body, sheet, scroll);
  } else {
    grid.put(row, 0, "Waiting for the first data ...", kFaint);
  }
  detail_lines(grid, row + lines.body, lines.detail, picture, state);
  if (lines.foot > 0) foot_line(grid, size.rows - 1, state);
  return grid;
}

Grid render_plain(const Picture& picture, const UiState& state, int width, Charset charset) {
  Grid grid(0, width, charset);
  title_line(grid, grid.add_row(), picture);
  if (!picture.problem.empty()) add_wrapped(grid, grid.add_row(), 0, picture.problem);
  if (picture.data == nullptr) return grid;
  status_line(grid, grid.add_row(), picture);
  grid.add_row();
  const Sheet sheet = body_sheet(*picture.data, state, width, charset);
  for (int i = 0; i < sheet.grid.rows(); ++i) grid.copy(grid.add_row(), sheet.grid, i, 1);
  if (state.view != ViewKind::domains) return grid;
  add_verdicts(grid, arrange(picture.data->domains.domains, state.order, state.filter));
  const std::vector<Note>& notes = picture.data->notes.notes;
  if (notes.empty()) return grid;
  grid.add_row();
  TopData latest;
  latest.status.time = picture.data->status.time;
  latest.notes.notes.assign(notes.begin(),
                            notes.begin() + static_cast<long>(std::min(notes.size(), kPlainNotes)));
  const Sheet noted = notes_sheet(latest, "", width, charset);
  for (int i = 0; i < noted.grid.rows(); ++i) grid.copy(grid.add_row(), noted.grid, i, 1);
  return grid;
}

}  // namespace rcached::top
