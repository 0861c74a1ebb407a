// SPDX-License-Identifier: Apache-2.0
// RunStatistics: has the kernel count runs and run time of every BPF program on the host, as long as this
// object (or the process) lives. Costs each run of each program some tens of nanoseconds; off unless
// configured.
#pragma once

#include <utility>

#include "daemon/error.h"

namespace rcached {

class RunStatistics {
 public:
  // Errors: permission (it takes CAP_SYS_ADMIN), internal.
  static Expected<RunStatistics> enable();

  ~RunStatistics();
  RunStatistics(RunStatistics&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RunStatistics& operator=(RunStatistics&&) = delete;

 private:
  explicit RunStatistics(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace rcached
