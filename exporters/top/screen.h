// SPDX-License-Identifier: Apache-2.0
// Screen: the terminal, through ncurses. It shows grids and gives keys; what is on it and what a key does is
// decided elsewhere. The terminal is taken at construction and restored at destruction.
//
// One at a time in a process, for one thread. Block SIGTSTP and SIGWINCH (TerminalSignals): ncurses's own
// handlers would run at any moment.
#pragma once

#include <csignal>
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

// TerminalSignals: the signals of a terminal as something to wait for: SIGINT, SIGTERM, SIGHUP, SIGQUIT,
// SIGTSTP (Ctrl-Z) and SIGWINCH (another size). No handler ever runs, so the terminal can be restored before
// the process ends or stops.
//
// Construct it before any other thread starts: the signals are blocked in the calling thread and threads
// inherit the mask. One at a time in a process.
class TerminalSignals {
 public:
  TerminalSignals();   // throws std::system_error
  ~TerminalSignals();  // as it was before
  TerminalSignals(const TerminalSignals&) = delete;
  TerminalSignals& operator=(const TerminalSignals&) = delete;

  // Readable while a signal waits.
  int fd() const { return fd_; }
  // The next one, or nullopt at once.
  std::optional<int> take();

  // True for those that ask the process to end.
  static bool ends(int signal) {
    return signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT;
  }

 private:
  int fd_ = -1;
  sigset_t before_{};
};

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
