// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/terminal_signals.h"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace rcached::top {

TerminalSignals::TerminalSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH}) sigaddset(&set, signal);
  fd_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
  pthread_sigmask(SIG_BLOCK, &set, &before_);
}

TerminalSignals::~TerminalSignals() {
  // One that came too late is not to end the process after all.
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
