// SPDX-License-Identifier: Apache-2.0
// Screen: the terminal, through ncurses. It shows grids and gives keys; what is on it and what a key does is
// decided elsewhere. From construction to destruction the terminal is ours; after it, it is as it was.
//
// One at a time in a process, for one thread. Block SIGTSTP and SIGWINCH (TerminalSignals): ncurses's own
// handlers would run at any moment.
#pragma once

#include <memory>
#include <optional>

#include "exporters/top/cell_grid.h"
#include "exporters/top/render.h"
#include "exporters/top/ui_state.h"

namespace rcached::top {

// Whether stdin and stdout are a terminal on which the cursor can be moved (TERM=dumb cannot).
bool terminal_can_draw();

// The terminal's or the device's size; nullopt when stdout is not a terminal.
std::optional<Size> terminal_size();

class Screen {
 public:
  // Null when the terminal refuses.
  static std::unique_ptr<Screen> open(bool colours);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // Only what has changed is written.
  void draw(const Grid& grid);
  Size size() const;
  // The terminal has another size (SIGWINCH).
  void resized();
  // The next draw() writes everything.
  void redraw();
  // The next key, nullopt when there is none now.
  std::optional<Key> key();
  // Gives the terminal back, stops the process as Ctrl-Z would, and takes it again when the process goes on.
  void suspend();

 private:
  explicit Screen(bool colours);
  unsigned long attributes(const Style& style) const;

  bool colours_ = false;
  bool many_colours_ = false;
  void* screen_ = nullptr;  // ncurses's SCREEN
  friend struct std::default_delete<Screen>;
};

}  // namespace rcached::top
