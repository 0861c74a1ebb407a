// SPDX-License-Identifier: Apache-2.0
// Pairs every domain of a View's snapshot with its DomainInfo, ready for display. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "view/view.h"

namespace rcached {

// Points into the View it was made from; valid as long as that View.
struct NamedDomain {
  const DomainSnapshot* state;
  DomainInfo info;
  std::size_t position = 0;  // in the snapshot
};

// In the order of the snapshot. A domain without a label is called "iovad-<id>". Labels are unique: while a
// group's old domain still exists, the newer one is called "<label>-<id>", because two domains with the same
// label would make Prometheus reject the whole scrape.
std::vector<NamedDomain> named_domains(const View& view);

}  // namespace rcached
