// SPDX-License-Identifier: Apache-2.0
#include "daemon/pipeline/domain_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace rcached {
namespace {

std::string label_without_group(std::uint64_t id) { return fmt::format("iovad-{}", id); }

}  // namespace

std::optional<std::uint64_t> DomainRegistry::find(std::uint64_t key) const {
  const auto it = by_key_.find(key);
  if (it == by_key_.end()) return std::nullopt;
  return it->second;
}

std::uint64_t DomainRegistry::add(std::uint64_t key, std::uint64_t granule_bytes) {
  const std::uint64_t id = next_id_++;
  by_key_[key] = id;
  Domain& domain = domains_[id];
  domain.key = key;
  domain.info.id = id;
  domain.info.label = label_without_group(id);
  domain.info.type = "unknown";
  domain.info.granule_bytes = granule_bytes;
  return id;
}

void DomainRegistry::retire(std::uint64_t key) {
  const auto it = by_key_.find(key);
  if (it == by_key_.end()) return;
  domains_.erase(it->second);
  by_key_.erase(it);
}

std::vector<std::uint64_t> DomainRegistry::update(const std::vector<DiscoveredDomain>& discovered,
                                                  const std::vector<IommuGroup>& groups) {
  std::vector<std::uint64_t> added;
  std::set<int> claimed;
  std::set<std::uint64_t> seen;
  for (const DiscoveredDomain& found : discovered) {
    if (found.key == 0 || !seen.insert(found.key).second) continue;
    auto id = find(found.key);
    if (!id) {
      id = add(found.key, found.granule_bytes);
      added.push_back(*id);
    }
    Domain& domain = domains_.at(*id);
    if (found.granule_bytes != 0) domain.info.granule_bytes = found.granule_bytes;
    if (!found.group || !claimed.insert(*found.group).second) continue;
    // The group has moved: take it from its old domain first, then give the label to the new one.
    for (auto& entry : domains_) {
      Domain& other = entry.second;
      if (other.info.id == *id || other.group != found.group) continue;
      other.group.reset();
      other.info.label = label_without_group(other.info.id);
    }
    name(domain, found, groups);
  }
  return added;
}

void DomainRegistry::name(Domain& domain, const DiscoveredDomain& found,
                          const std::vector<IommuGroup>& groups) {
  domain.group = found.group;
  domain.info.label = std::to_string(*found.group);
  if (!found.type.empty()) {
    domain.info.type = found.type;
    domain.info.devices = found.devices;
    domain.info.driver = found.driver;
    domain.info.iommu = found.iommu;
    return;
  }
  const auto group = std::find_if(groups.begin(), groups.end(), [&](const IommuGroup& candidate) {
    return candidate.number == *found.group;
  });
  if (group == groups.end()) return;  // sysfs is not up to date yet: keep the old data
  domain.info.type = group->type;
  domain.info.devices = group->device_list();
  domain.info.driver = group->driver_list();
  domain.info.iommu = group->iommu;
}

bool DomainRegistry::has_unnamed() const {
  return std::any_of(domains_.begin(), domains_.end(),
                     [](const auto& entry) { return !entry.second.group.has_value(); });
}

std::vector<std::uint64_t> DomainRegistry::vanished(const std::vector<DiscoveredDomain>& discovered) {
  std::vector<std::uint64_t> keys;
  for (auto& entry : domains_) {
    Domain& domain = entry.second;
    if (domain.info.type == "unknown" && !domain.group) continue;  // known only from its events
    const bool found = std::any_of(discovered.begin(), discovered.end(),
                                   [&](const DiscoveredDomain& other) { return other.key == domain.key; });
    if (!found && domain.missed) keys.push_back(domain.key);
    domain.missed = !found;
  }
  return keys;
}

std::vector<LiveDomain> DomainRegistry::live() const {
  std::vector<LiveDomain> live;
  live.reserve(domains_.size());
  for (const auto& [id, domain] : domains_) live.push_back({id, domain.key, domain.group});
  return live;
}

std::vector<DomainInfo> DomainRegistry::infos() const {
  std::vector<DomainInfo> infos;
  infos.reserve(domains_.size());
  for (const auto& entry : domains_) infos.push_back(entry.second.info);
  return infos;
}

}  // namespace rcached
