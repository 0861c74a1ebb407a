// SPDX-License-Identifier: Apache-2.0
// Confidence as human-readable text: "exact", "resynced 12 s ago", "partial", "lossy".
#pragma once

#include <cstdint>
#include <string>

#include "allocator/snapshot.h"

namespace rcached {

// `now_ns` is on the snapshot's clock (CLOCK_MONOTONIC for a running daemon).
std::string confidence_text(const DomainSnapshot& domain, std::uint64_t now_ns);

}  // namespace rcached
