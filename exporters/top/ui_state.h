// SPDX-License-Identifier: Apache-2.0
// The state of the user interface of `rcached top`, and the effect of keys on it. Pure: the keys come from a
// terminal or from a test.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "exporters/top/domain_table.h"
#include "exporters/top/model.h"

namespace rcached::top {

enum class ViewKind : std::uint8_t { domains, domain, cpus, notes, daemon };
inline constexpr std::size_t kViews = 5;
std::string_view title(ViewKind view);

struct UiState {
  ViewKind view = ViewKind::domains;
  bool help = false;  // in front of the view
  SortOrder order;
  std::string filter;
  bool editing_filter = false;
  bool paused = false;
  std::string selected;              // label of the domain in the views domain and cpus. Empty: the first one
  std::array<int, kViews> scroll{};  // first line shown, by view
  int help_scroll = 0;
  bool numbers = false;  // swaps map and table of numbers in the view cpus

  // Requests to the owner of the screen, which clears them.
  bool refresh = false;
  bool redraw = false;
  bool quit = false;
};

enum class Special : std::uint8_t {
  none,
  enter,
  escape,
  backspace,
  tab,
  back_tab,
  up,
  down,
  left,
  right,
  page_up,
  page_down,
  home,
  end,
  refresh,
  help,
};

struct Key {
  char32_t character = 0;  // if special is none
  Special special = Special::none;
};

// `page` is the number of lines that the view's body has.
void handle_key(UiState& state, Key key, const Domains& domains, int page);

// The label of the domain shown in the views of one domain: the selected one, else the first in the table; empty
// if there is none.
std::string shown_domain(const UiState& state, const Domains& domains);

}  // namespace rcached::top
