// SPDX-License-Identifier: Apache-2.0
// What the terminal is, asked without taking it. In a file of its own, because term.h defines macros with
// everyday names; so our headers come before it.
#include "exporters/top/screen.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <cstdint>

#include <curses.h>

#include <term.h>

namespace rcached::top {

bool terminal_can_draw() {
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) return false;
  int error = 0;
  if (setupterm(nullptr, STDOUT_FILENO, &error) != OK) return false;
  const char* move_cursor = tigetstr("cup");
  // tigetstr() says "no such capability" with the address -1.
  const bool good = move_cursor != nullptr && reinterpret_cast<std::intptr_t>(move_cursor) != -1;
  del_curterm(cur_term);
  return good;
}

std::optional<Size> terminal_size() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    return std::nullopt;
  return Size{size.ws_row, size.ws_col};
}

}  // namespace rcached::top
