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
    AuditSnapshot::Drift drift;                   // found and repaired by this audit
    Confidence confidence = Confidence::partial;  // afterwards
    std::uint64_t tree_ranges = 0;
    std::uint64_t duration_ns = 0;  // from the first reading to the last
    std::uint64_t read_ns = 0;      // time spent reading
    // Only with AuditRequest::contents: the contents of the mirror and of the kernel, read one right after the
    // other. They agree only if the domain is idle.
    DomainContents mirror;
    DomainContents kernel;
  };
  std::vector<Domain> domains;  // by label
  std::string unavailable;      // why nothing could be audited; empty: no problem
};

struct AuditRequest {
  std::string domain;     // label; empty: all of them
  bool contents = false;  // report mirror and kernel contents
};

}  // namespace rcached
