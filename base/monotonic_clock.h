// SPDX-License-Identifier: Apache-2.0
// The clock of the snapshot's times and of the probes' events (bpf_ktime_get_ns): CLOCK_MONOTONIC in
// nanoseconds.
#pragma once

#include <chrono>
#include <cstdint>

namespace rcached {

inline std::uint64_t monotonic_now_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

}  // namespace rcached
