// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/run_statistics.h"

#include <bpf/bpf.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace rcached {

Expected<RunStatistics> RunStatistics::enable() {
  const int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
  if (fd >= 0) return RunStatistics(fd);
  return fail(fd == -EPERM ? ErrorCode::permission : ErrorCode::internal,
              fmt::format("cannot enable the kernel's BPF run statistics: {} (kernel.run_statistics)",
                          std::strerror(-fd)),
              "give rcached CAP_SYS_ADMIN, or set kernel.run_statistics to false");
}

}  // namespace rcached
