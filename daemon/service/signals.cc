// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/signals.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <system_error>

#include "base/unique_fd.h"

namespace rcached {
namespace {

sigset_t waited_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  return set;
}

void exit_now(int signal) { _exit(128 + signal); }

void exit_late(int /*signal*/) {
  constexpr char kMessage[] = "<3>rcached: the shutdown took too long; exiting\n";
  pollfd ready{STDERR_FILENO, POLLOUT, 0};  // a stopped terminal may be the cause
  if (poll(&ready, 1, 0) > 0) {
    [[maybe_unused]] const ssize_t ignored = write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  }
  _exit(1);
}

bool has_controlling_terminal() {
  return UniqueFd(open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC)).valid();
}

bool ignores_hangup() {
  struct sigaction action {};
  return sigaction(SIGHUP, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

SignalWaiter::SignalWaiter() {
  const sigset_t set = waited_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
}

SignalWaiter::~SignalWaiter() { close(fd_); }

std::optional<int> SignalWaiter::wait(std::chrono::milliseconds timeout) {
  pollfd ready{fd_, POLLIN, 0};
  if (poll(&ready, 1, static_cast<int>(timeout.count())) <= 0) return std::nullopt;
  signalfd_siginfo info{};
  if (read(fd_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

std::optional<int> SignalWaiter::take(const std::vector<int>& signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  const timespec at_once{};
  const int signal = sigtimedwait(&set, nullptr, &at_once);
  return signal > 0 ? std::optional(signal) : std::nullopt;
}

void SignalWaiter::end_at_next(std::chrono::milliseconds limit) {
  struct sigaction action {};
  action.sa_handler = exit_now;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = exit_late;
  sigaction(SIGALRM, &action, nullptr);
  itimerval timer{};
  timer.it_value.tv_sec = limit.count() / 1000;
  timer.it_value.tv_usec = limit.count() % 1000 * 1000;
  setitimer(ITIMER_REAL, &timer, nullptr);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

std::vector<int> ending_signals(bool supervised) {
  std::vector<int> signals = {SIGINT, SIGTERM};
  if (!supervised && !ignores_hangup() && has_controlling_terminal()) signals.push_back(SIGHUP);
  return signals;
}

}  // namespace rcached
