// SPDX-License-Identifier: Apache-2.0
// Terminal capabilities, queried without initializing a screen, and terminal signals. In a separate file, because
// term.h defines macros with common names; our headers are included before it.
#include "exporters/top/screen.h"

#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include <curses.h>

#include <term.h>

namespace rcached::top {

bool terminal_can_draw() {
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) return false;
  int error = 0;
  if (setupterm(nullptr, STDOUT_FILENO, &error) != OK) return false;
  const char* move_cursor = tigetstr("cup");
  // tigetstr() returns (char*)-1 for "no such capability".
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

TerminalSignals::TerminalSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH}) sigaddset(&set, signal);
  fd_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
  pthread_sigmask(SIG_BLOCK, &set, &before_);
}

TerminalSignals::~TerminalSignals() {
  // Discard late signals, so that they do not end the process.
  while (take()) continue;
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  close(fd_);
}

std::optional<int> TerminalSignals::take() {
  signalfd_siginfo info{};
  if (read(fd_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace rcached::top
