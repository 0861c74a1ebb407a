// SPDX-License-Identifier: Apache-2.0
#include "view/domain_names.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace rcached {

std::vector<NamedDomain> named_domains(const View& view) {
  std::vector<NamedDomain> named;
  named.reserve(view.snapshot.domains.size());
  std::set<std::string> used;
  for (const DomainSnapshot& domain : view.snapshot.domains) {
    const auto known = std::find_if(view.domains.begin(), view.domains.end(),
                                    [&](const DomainInfo& info) { return info.id == domain.id; });
    DomainInfo info;
    if (known != view.domains.end()) info = *known;
    info.id = domain.id;
    const std::string id = std::to_string(domain.id);
    if (info.label.empty()) info.label = "iovad-" + id;
    while (!used.insert(info.label).second) info.label += "-" + id;
    named.push_back({&domain, std::move(info), named.size()});
  }
  return named;
}

}  // namespace rcached
