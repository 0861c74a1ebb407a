// SPDX-License-Identifier: Apache-2.0
// InstanceLock: at most one rcached traces the kernel. An flock on <run_directory>/rcached.lock, which contains
// the owner's pid; the kernel releases it when the process exits, so a stale file never blocks.
#pragma once

#include <string>
#include <utility>

#include "base/error.h"
#include "base/unique_fd.h"

namespace rcached {

class InstanceLock {
 public:
  // Creates the directory if missing. Errors: second_instance (names the owner's pid), permission
  // (directory or file not writable), internal.
  static Expected<InstanceLock> acquire(const std::string& run_directory);

 private:
  explicit InstanceLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace rcached
