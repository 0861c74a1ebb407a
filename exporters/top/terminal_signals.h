// SPDX-License-Identifier: Apache-2.0
// TerminalSignals: what a terminal and its user tell a program by signals, as something to wait for: SIGINT,
// SIGTERM, SIGHUP, SIGQUIT, SIGTSTP (Ctrl-Z) and SIGWINCH (another size). No handler ever runs, so the
// terminal can be put right before the process ends or stops.
//
// Construct it before any other thread starts: the signals are blocked in the calling thread and threads
// inherit the mask. One at a time in a process.
#pragma once

#include <csignal>
#include <optional>

namespace rcached::top {

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

}  // namespace rcached::top
