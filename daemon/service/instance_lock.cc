// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/instance_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace rcached {
namespace {

tl::unexpected<Error> lock_error(const char* what, int error, const std::string& path) {
  const bool denied = error == EACCES || error == EPERM || error == EROFS;
  return fail(denied ? ErrorCode::permission : ErrorCode::internal,
              fmt::format("cannot {}: {} ({})", what, std::strerror(error), path),
              denied ? "run as root or through rcached.service, set run_directory, or use --source synthetic"
                     : "set run_directory to a directory used only by rcached");
}

// "pid 123", or "pid unknown" if the owner has not written it.
std::string owner(int fd) {
  char text[32];
  const ssize_t size = pread(fd, text, sizeof text, 0);
  int pid = 0;
  if (size > 0) std::from_chars(text, text + size, pid);
  return pid > 0 ? fmt::format("pid {}", pid) : std::string("pid unknown");
}

}  // namespace

Expected<InstanceLock> InstanceLock::acquire(const std::string& run_directory) {
  std::error_code error;
  std::filesystem::create_directories(run_directory, error);
  if (error) return lock_error("create the run directory", error.value(), run_directory);

  const std::string path = run_directory + "/rcached.lock";
  // Any user who can open the file could lock it and prevent rcached from starting.
  constexpr mode_t kOwnerOnly = 0600;
  UniqueFd file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly));
  if (!file.valid()) return lock_error("open the lock file", errno, path);
  // For an existing file; fails if another user owns it.
  [[maybe_unused]] const int changed = fchmod(file.get(), kOwnerOnly);
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return lock_error("lock", errno, path);
    return fail(ErrorCode::second_instance,
                fmt::format("another rcached is tracing this kernel, {} ({})", owner(file.get()), path),
                "stop it first, or use --source synthetic");
  }
  const std::string pid = fmt::format("{}\n", getpid());
  // The pid is for messages only: a failure to write it does not weaken the lock.
  if (ftruncate(file.get(), 0) == 0) {
    [[maybe_unused]] const ssize_t ignored = pwrite(file.get(), pid.data(), pid.size(), 0);
  }
  return InstanceLock(std::move(file));
}

}  // namespace rcached
