// SPDX-License-Identifier: Apache-2.0
// The probes' table of calls that have not returned (`calls` in bpf/maps.bpf.h). When the kernel skips the program at the
// return of a call, the call stays in the table. Without removal it would fill up, and then events are lost (they count
// as entry_missing).
#pragma once

#include <cstddef>
#include <cstdint>

namespace rcached {

// Older than any call that is in progress: runs of a flush-queue timer of 31 s have been seen. If a call does take longer,
// its event is lost, and counted.
inline constexpr std::uint64_t kLongestCall = 120'000'000'000;  // ns

// Removes the calls that began before that time (CLOCK_MONOTONIC). Returns how many.
std::size_t remove_old_calls(int calls_fd, std::uint64_t begun_before_ns);

}  // namespace rcached
