// SPDX-License-Identifier: Apache-2.0
// Diagnosis: why a domain's tree grows, or what its caches suffer from, as verdicts with their evidence in
// numbers. Pure: from a snapshot and the rates of the last minute.
//
// This version reaches the verdicts that follow from counts alone; each says in its evidence what it rests
// on, whether it holds or not. Verdicts that weigh an hour or more against each other (cache growth, leaks,
// burst cycles, stranded caches) are not reached and therefore not listed.
#pragma once

#include <string>
#include <vector>

#include "allocator/kernel_profile.h"
#include "allocator/snapshot.h"
#include "allocator/trend.h"

namespace rcached {

struct Verdict {
  std::string name;  // "depot-saturated"
  bool holds = false;
  std::string evidence;  // one clause, no full stop
};

// The verdicts, always in this order; only those that the kernel's depots can have:
// - depot-saturated: a bounded depot (<= 6.6) was full, and magazines were freed to the tree inside frees
// - depot-filling: a bounded depot is not full yet, but will be within an hour at the rate of the last minute
// - reclaim-churn: an unbounded depot (>= 6.7), whose worker frees magazines to the tree
// - size-mismatch: ranges were freed with a different size than allocated
// - uncacheable-load: more than half of the allocations are too large for the caches
std::vector<Verdict> diagnose(const DomainSnapshot& domain, const DomainRates& rates,
                              const KernelProfile& profile);

}  // namespace rcached
