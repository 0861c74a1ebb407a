// SPDX-License-Identifier: Apache-2.0
// RunStatistics: has the kernel count runs and run time of every BPF program on the host, as long as this
// object exists. Costs tens of nanoseconds per run of each program; off unless configured.
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"

namespace rcached {

class RunStatistics {
 public:
  // Errors: permission (needs CAP_SYS_ADMIN), internal.
  static Expected<RunStatistics> enable();

 private:
  explicit RunStatistics(int fd) : fd_(fd) {}
  UniqueFd fd_;
};

}  // namespace rcached
