// SPDX-License-Identifier: Apache-2.0
// Process: a child process of a test with its output in files; it never outlives the test.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/kit/temporary_folder.h"
#include "tests/kit/waiting.h"

namespace rcached::e2e {

struct Exit {
  int code = -1;    // if it has exited
  int signal = 0;   // if a signal has killed it
  std::string out;  // stdout
  std::string err;  // stderr
};

class Process {
 public:
  // Starts argv[0] with `environment` added to that of this process.
  explicit Process(const std::vector<std::string>& argv, const std::vector<std::string>& environment = {});
  ~Process();  // kills it if it is still running
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  // nullopt: still running after `limit`.
  std::optional<Exit> wait(std::chrono::milliseconds limit = testing::kHang);
  std::string out() const;
  std::string err() const;

 private:
  testing::TemporaryFolder directory_;
  pid_t pid_ = -1;
  std::optional<Exit> exit_;
};

// Runs until it exits (at most testing::kHang).
Exit run(const std::vector<std::string>& argv);

}  // namespace rcached::e2e
