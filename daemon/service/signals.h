// SPDX-License-Identifier: Apache-2.0
// SignalWaiter: waits for SIGINT, SIGTERM and SIGHUP instead of using handlers.
//
// Construct it before any other thread starts: the signals are blocked in the calling thread and threads
// inherit the mask. One instance per process.
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

  // A pending one of `signals`; the others remain for wait().
  std::optional<int> take(const std::vector<int>& signals);

  // For the shutdown: from now on SIGINT or SIGTERM ends the process at once (exit code 128 + number, as in a
  // shell); it also exits if the shutdown takes longer than `limit`.
  void end_at_next(std::chrono::milliseconds limit);

 private:
  int fd_ = -1;
};

// The signals that end a process; They include SIGHUP if it means that the terminal was closed: with a
// controlling terminal, unless started by a service manager or nohup(1).
std::vector<int> ending_signals(bool supervised);

}  // namespace rcached
