// SPDX-License-Identifier: Apache-2.0
// Confidence in words, for people: "exact", "resynced 12 s ago", "partial", "lossy".
#pragma once

#include <cstdint>
#include <string>

#include "allocator/snapshot.h"

namespace rcached {

// `now_ns` is of the snapshot's clock (CLOCK_MONOTONIC for a running daemon).
std::string confidence_text(const DomainSnapshot& domain, std::uint64_t now_ns);

}  // namespace rcached
