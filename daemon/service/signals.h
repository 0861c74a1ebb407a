// SPDX-License-Identifier: Apache-2.0
// SignalWaiter: SIGINT, SIGTERM and SIGHUP as something to wait for instead of handlers.
//
// Construct it before any other thread starts: the signals are blocked in the calling thread and threads
// inherit the mask. One at a time in a process.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

namespace rcached {

class SignalWaiter {
 public:
  SignalWaiter();
  ~SignalWaiter();
  SignalWaiter(const SignalWaiter&) = delete;
  SignalWaiter& operator=(const SignalWaiter&) = delete;

  // The next signal, or nullopt after `timeout`.
  std::optional<int> wait(std::chrono::milliseconds timeout);

  // One of `signals` that has come already, the rest stay for wait().
  std::optional<int> take(const std::vector<int>& signals);

  // For the shutdown: from now on SIGINT or SIGTERM ends the process at once (exit code 128 + number, as a
  // shell would say), and so does an end that takes longer than `limit`.
  void end_at_next(std::chrono::milliseconds limit);

 private:
  int fd_ = -1;
};

// The signals that end a process; SIGHUP among them where it means that the terminal has gone: with a
// controlling terminal, unless a service manager started it, or nohup(1) did.
std::vector<int> ending_signals(bool supervised);

}  // namespace rcached
