// SPDX-License-Identifier: Apache-2.0
// How large the ring buffer of a CPU is where nobody says it: what a small machine's CPUs can use, and no
// more memory on a large one than it would give for its counters.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace rcached {

// For a machine with `cpus` possible CPUs (>= 1). A power of two; at most 256 MiB in all, as long as a CPU's
// is not below 256 KiB.
constexpr std::uint32_t automatic_ring_bytes(std::uint32_t cpus) {
  constexpr std::uint32_t kAll = 256u << 20, kLeast = 256u << 10, kMost = 4u << 20;
  return std::clamp(std::bit_floor(kAll / cpus), kLeast, kMost);
}

}  // namespace rcached
