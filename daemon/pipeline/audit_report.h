// SPDX-License-Identifier: Apache-2.0
// AuditReport: what an audit on request found. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "allocator/contents.h"
#include "allocator/snapshot.h"

namespace rcached {

struct AuditReport {
  struct Domain {
    std::string label;
    bool completed = false;                       // false: see `why`
    std::string why;                              // why it was not completed; a clause without a full stop
    AuditSnapshot::Drift drift;                   // found by this audit, and repaired
    Confidence confidence = Confidence::partial;  // afterwards
    std::uint64_t tree_ranges = 0;
    std::uint64_t duration_ns = 0;  // from the first reading to the last
    std::uint64_t read_ns = 0;      // of it, spent reading
    // Only when asked for (AuditRequest::contents): what the mirror holds and what the kernel held, read one
    // right after the other. They agree only where nothing is under way.
    DomainContents mirror;
    DomainContents kernel;
  };
  std::vector<Domain> domains;  // by label
  std::string unavailable;      // why nothing could be audited at all; empty: it could
};

struct AuditRequest {
  std::string domain;     // label; empty: all of them
  bool contents = false;  // report mirror and kernel contents
};

}  // namespace rcached
