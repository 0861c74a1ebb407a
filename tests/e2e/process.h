// SPDX-License-Identifier: Apache-2.0
// Process: a child process of a test, its output in files, never outliving the test.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/kit/temporary_folder.h"

namespace rcached::e2e {

struct Exit {
  int code = -1;    // when it has exited
  int signal = 0;   // when a signal has killed it
  std::string out;  // stdout
  std::string err;  // stderr
};

class Process {
 public:
  // Starts argv[0] with `environment` added to ours.
  explicit Process(const std::vector<std::string>& argv, const std::vector<std::string>& environment = {});
  ~Process();  // kills it when it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  // nullopt: still runs after `limit`.
  std::optional<Exit> wait(std::chrono::milliseconds limit);
  std::string out() const;
  std::string err() const;

 private:
  testing::TemporaryFolder directory_;
  pid_t pid_ = -1;
  std::optional<Exit> exit_;
};

// Runs to the end (at most 30 s).
Exit run(const std::vector<std::string>& argv);

}  // namespace rcached::e2e
