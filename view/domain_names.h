// SPDX-License-Identifier: Apache-2.0
// Domains with their names: every domain of a View's snapshot paired with who it is, ready to be shown. Pure.
#pragma once

#include <vector>

#include "view/view.h"

namespace rcached {

// Points into the View it was made from; valid as long as that View.
struct NamedDomain {
  const DomainSnapshot* state;
  DomainInfo info;
};

// In the order of the snapshot. A domain without DomainInfo is called "iovad-<id>". Labels are unique: while
// a group's old domain has not gone yet the newer one is called "<label>-<id>", for two domains with one
// label would make Prometheus refuse the whole scrape.
std::vector<NamedDomain> named_domains(const View& view);

}  // namespace rcached
