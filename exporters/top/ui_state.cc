// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/ui_state.h"

#include <algorithm>

namespace rcached::top {
namespace {

constexpr std::size_t kMaxFilter = 64;

void append(std::string& text, char32_t c) {
  if (c < 0x20 || c == 0x7f || text.size() >= kMaxFilter) return;
  if (c < 0x80) {
    text += static_cast<char>(c);
    return;
  }
  const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  constexpr std::array<unsigned, 4> kLead = {0, 0xc0, 0xe0, 0xf0};
  text += static_cast<char>(kLead[static_cast<std::size_t>(more)] | (c >> (6 * more)));
  for (int i = more - 1; i >= 0; --i) text += static_cast<char>(0x80u | ((c >> (6 * i)) & 0x3fu));
}

void drop_last(std::string& text) {
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0u) == 0x80u) text.pop_back();
  if (!text.empty()) text.pop_back();
}

void edit_filter(UiState& state, Key key) {
  switch (key.special) {
    case Special::enter:
      state.editing_filter = false;
      return;
    case Special::escape:
      state.editing_filter = false;
      state.filter.clear();
      return;
    case Special::backspace:
      drop_last(state.filter);
      return;
    case Special::none:
      append(state.filter, key.character);
      return;
    default:
      return;
  }
}

int& scroll_of(UiState& state) {
  return state.help ? state.help_scroll : state.scroll[static_cast<std::size_t>(state.view)];
}

// Moves the selection in the table and scrolls elsewhere. The renderer limits scrolling to the number of lines.
void move(UiState& state, int by, const Domains& domains) {
  if (state.help || state.view != ViewKind::domains) {
    int& scroll = scroll_of(state);
    scroll = std::max(0, by > 0 && scroll > 1'000'000 - by ? 1'000'000 : scroll + by);
    return;
  }
  const auto rows = arrange(domains.domains, state.order, state.filter);
  if (rows.empty()) return;
  const std::string current = shown_domain(state, domains);
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const Domain* row) { return row->label == current; });
  const auto at = static_cast<long>(found - rows.begin()) + by;
  state.selected =
      rows[static_cast<std::size_t>(std::clamp(at, 0L, static_cast<long>(rows.size()) - 1))]->label;
}

void sort_by(UiState& state, ColumnId id) {
  if (state.order.column == id) {
    state.order.descending = !state.order.descending;
  } else {
    state.order = first_order(id);
  }
}

void next_column(UiState& state, int by) {
  const auto all = static_cast<int>(columns().size());
  const int at = (static_cast<int>(state.order.column) + by + all) % all;
  state.order = first_order(static_cast<ColumnId>(at));
}

void show(UiState& state, ViewKind view, const Domains& domains) {
  // The selected domain stays in view even when the order of the table changes.
  if (state.view == ViewKind::domains) state.selected = shown_domain(state, domains);
  state.view = view;
  state.help = false;
}

// Steps through the domains without returning to the table.
void next_domain(UiState& state, int by, const Domains& domains) {
  const auto rows = arrange(domains.domains, state.order, state.filter);
  if (rows.empty()) return;
  const std::string current = shown_domain(state, domains);
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const Domain* row) { return row->label == current; });
  const auto all = static_cast<long>(rows.size());
  const long at = found == rows.end() ? 0 : (static_cast<long>(found - rows.begin()) + by + all) % all;
  state.selected = rows[static_cast<std::size_t>(at)]->label;
}

void sideways(UiState& state, int by, const Domains& domains) {
  if (state.view == ViewKind::domains) return next_column(state, by);
  if (state.view == ViewKind::domain || state.view == ViewKind::cpus) next_domain(state, by, domains);
}

void go_back(UiState& state) {
  if (state.help) {
    state.help = false;
  } else if (state.view != ViewKind::domains) {
    state.view = ViewKind::domains;
  } else {
    state.filter.clear();
  }
}

void handle_special(UiState& state, Special special, const Domains& domains, int page) {
  const int whole_page = std::max(page - 1, 1);
  const auto view = static_cast<int>(state.view);
  switch (special) {
    case Special::enter:
      if (state.view == ViewKind::domains && !state.help) show(state, ViewKind::domain, domains);
      return;
    case Special::escape:
    case Special::backspace:
      return go_back(state);
    case Special::tab:
      return show(state, static_cast<ViewKind>((view + 1) % static_cast<int>(kViews)), domains);
    case Special::back_tab:
      return show(state,
                  static_cast<ViewKind>((view + static_cast<int>(kViews) - 1) % static_cast<int>(kViews)),
                  domains);
    case Special::up:
      return move(state, -1, domains);
    case Special::down:
      return move(state, 1, domains);
    case Special::page_up:
      return move(state, -whole_page, domains);
    case Special::page_down:
      return move(state, whole_page, domains);
    case Special::home:
      return move(state, -1'000'000, domains);
    case Special::end:
      return move(state, 1'000'000, domains);
    case Special::left:
      return sideways(state, -1, domains);
    case Special::right:
      return sideways(state, 1, domains);
    case Special::refresh:
      state.refresh = true;
      return;
    case Special::help:
      state.help = !state.help;
      return;
    case Special::none:
      return;
  }
}

void handle_character(UiState& state, char32_t c, const Domains& domains) {
  if (c >= '1' && c < '1' + kViews) return show(state, static_cast<ViewKind>(c - '1'), domains);
  switch (c) {
    case 'q':
      state.quit = true;
      return;
    case '?':
    case 'h':
      state.help = !state.help;
      return;
    case ' ':
      state.paused = !state.paused;
      return;
    case 'r':
      state.order.descending = !state.order.descending;
      return;
    case 'u':
      state.refresh = true;
      return;
    case '/':
      state.help = false;
      state.editing_filter = true;
      return;
    case 'n':
      state.numbers = !state.numbers;
      return;
    case 'j':
      return move(state, 1, domains);
    case 'k':
      return move(state, -1, domains);
    case 'L' - '@':  // Ctrl-L
      state.redraw = true;
      return;
    default:
      break;
  }
  if (const auto id = column_by_key(c); id && state.view == ViewKind::domains && !state.help)
    sort_by(state, *id);
}

}  // namespace

std::string_view title(ViewKind view) {
  switch (view) {
    case ViewKind::domains:
      return "domains";
    case ViewKind::domain:
      return "domain";
    case ViewKind::cpus:
      return "CPUs";
    case ViewKind::notes:
      return "notes";
    case ViewKind::daemon:
      break;
  }
  return "daemon";
}

void handle_key(UiState& state, Key key, const Domains& domains, int page) {
  if (state.editing_filter) {
    edit_filter(state, key);
  } else if (key.special != Special::none) {
    handle_special(state, key.special, domains, page);
  } else {
    handle_character(state, key.character, domains);
  }
}

std::string shown_domain(const UiState& state, const Domains& domains) {
  const bool there = std::any_of(domains.domains.begin(), domains.domains.end(),
                                 [&](const Domain& domain) { return domain.label == state.selected; });
  // In the table, what is filtered out cannot be selected.
  const auto rows = arrange(domains.domains, state.order, state.filter);
  const bool in_table =
      std::any_of(rows.begin(), rows.end(), [&](const Domain* row) { return row->label == state.selected; });
  if (state.view == ViewKind::domains ? in_table : there) return state.selected;
  // A domain that no longer exists stays selected: its view reports that.
  if (state.view != ViewKind::domains && !state.selected.empty()) return state.selected;
  return rows.empty() ? std::string() : rows.front()->label;
}

}  // namespace rcached::top
