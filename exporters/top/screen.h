// SPDX-License-Identifier: Apache-2.0
// Screen: the terminal, through ncurses. It only draws grids and reads keys. The terminal is set up at
// construction and restored at destruction.
//
// One at a time per process, single-threaded. Block SIGTSTP and SIGWINCH (TerminalSignals): otherwise ncurses's
// own handlers would run at any time.
#pragma once

#include <csignal>
#include <memory>
#include <optional>

#include "exporters/top/cell_grid.h"
#include "exporters/top/render.h"
#include "exporters/top/ui_state.h"

namespace rcached::top {

// True if stdin and stdout are a terminal with a movable cursor (not TERM=dumb).
bool terminal_can_draw();

// The size of the terminal; nullopt if stdout is not a terminal.
std::optional<Size> terminal_size();

// TerminalSignals: the signals of a terminal through a signalfd: SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP
// (Ctrl-Z) and SIGWINCH (resize). No handler runs, so the terminal can be restored before the process ends or
// stops.
//
// Construct it before any other thread starts: the signals are blocked in the calling thread and threads
// inherit the mask. One at a time per process.
class TerminalSignals {
 public:
  TerminalSignals();   // throws std::system_error
  ~TerminalSignals();  // restores the mask
  TerminalSignals(const TerminalSignals&) = delete;
  TerminalSignals& operator=(const TerminalSignals&) = delete;

  // Readable while a signal is pending.
  int fd() const { return fd_; }
  // The next signal, or nullopt; does not block.
  std::optional<int> take();

  // True for signals that request termination.
  static bool ends(int signal) {
    return signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT;
  }

 private:
  int fd_ = -1;
  sigset_t before_{};
};

class Screen {
 public:
  // Null if the terminal cannot be initialized.
  static std::unique_ptr<Screen> open(bool colours);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // Writes only the changes.
  void draw(const Grid& grid);
  Size size() const;
  // Call after the terminal was resized (SIGWINCH).
  void resized();
  // The next draw() writes everything.
  void redraw();
  // The next key, or nullopt; does not block.
  std::optional<Key> key();
  // Restores the terminal, stops the process as Ctrl-Z would, and sets it up again when the process continues.
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
