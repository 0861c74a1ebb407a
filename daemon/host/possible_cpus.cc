// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/possible_cpus.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>

#include "bpf/event.h"

namespace rcached {

Expected<std::uint16_t> possible_cpus() {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus > 0 && cpus <= RCACHED_MAX_CPUS) return static_cast<std::uint16_t>(cpus);
  return fail(
      ErrorCode::unknown_layout,
      fmt::format("this machine has {} possible CPUs; rcached handles 1 to {}", cpus, RCACHED_MAX_CPUS),
      "build rcached with a larger RCACHED_MAX_CPUS");
}

}  // namespace rcached
