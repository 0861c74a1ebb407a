// SPDX-License-Identifier: Apache-2.0
#include "daemon/pipeline/domain_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace rcached {
namespace {

std::string label_without_group(std::uint64_t id) { return fmt::format("iovad-{}", id); }

}  // namespace

std::optional<std::uint64_t> DomainRegistry::find(std::uint64_t key) const {
  const auto it = by_key_.find(key);
  if (it == by_key_.end()) return std::nullopt;
  return it->second.id;
}

std::optional<DomainRegistry::Seen> DomainRegistry::seen(std::uint64_t key) {
  Recent& recent = recent_[slot_of(key)];
  if (recent.entry != nullptr && recent.key == key) return Seen{recent.entry->id, false};
  const auto it = by_key_.find(key);
  if (it == by_key_.end()) return std::nullopt;
  Entry& entry = it->second;
  recent = {key, &entry};
  const bool first = !std::exchange(entry.seen, true);
  if (first) renamed_.insert(entry.id);
  return Seen{entry.id, first};
}

std::uint64_t DomainRegistry::add(std::uint64_t key, std::uint64_t granule_bytes) {
  const std::uint64_t id = next_id_++;
  by_key_[key] = {id, false};
  Domain& domain = domains_[id];
  domain.key = key;
  domain.info.id = id;
  domain.info.label = label_without_group(id);
  domain.info.type = "unknown";
  domain.info.granule_bytes = granule_bytes;
  renamed_.insert(id);
  return id;
}

void DomainRegistry::retire(std::uint64_t key) {
  const auto it = by_key_.find(key);
  if (it == by_key_.end()) return;
  const std::uint64_t id = it->second.id;
  if (const auto& group = domains_.at(id).group) by_group_.erase(*group);
  domains_.erase(id);
  renamed_.erase(id);
  recent_[slot_of(key)] = {};
  by_key_.erase(it);
}

std::vector<std::uint64_t> DomainRegistry::update(const std::vector<DiscoveredDomain>& discovered,
                                                  const std::vector<IommuGroup>& groups) {
  std::unordered_map<int, const IommuGroup*> by_number;
  for (const IommuGroup& group : groups) by_number.emplace(group.number, &group);
  std::vector<std::uint64_t> added;
  std::unordered_set<int> claimed;
  std::unordered_set<std::uint64_t> found_keys;
  for (const DiscoveredDomain& found : discovered) {
    if (found.key == 0 || !found_keys.insert(found.key).second) continue;
    auto id = find(found.key);
    if (!id) {
      id = add(found.key, found.granule_bytes);
      added.push_back(*id);
    }
    Domain& domain = domains_.at(*id);
    const DomainInfo before = domain.info;
    if (found.granule_bytes != 0) domain.info.granule_bytes = found.granule_bytes;
    if (found.group && claimed.insert(*found.group).second) {
      // The group has moved: take it from its old domain first, then give the label to the new one.
      if (const auto other = by_group_.find(*found.group); other != by_group_.end() && other->second != *id) {
        Domain& old = domains_.at(other->second);
        old.group.reset();
        old.info.label = label_without_group(old.info.id);
        renamed_.insert(old.info.id);
      }
      if (domain.group && domain.group != found.group) by_group_.erase(*domain.group);
      by_group_[*found.group] = *id;
      const auto group = by_number.find(*found.group);
      name(domain, found, group == by_number.end() ? nullptr : group->second);
    }
    if (!(domain.info == before)) renamed_.insert(*id);
  }
  return added;
}

// `group`: as in sysfs; null: sysfs is not up to date yet, and the old names are kept.
void DomainRegistry::name(Domain& domain, const DiscoveredDomain& found, const IommuGroup* group) {
  domain.group = found.group;
  domain.info.label = std::to_string(*found.group);
  if (!found.type.empty()) {
    domain.info.type = found.type;
    domain.info.devices = found.devices;
    domain.info.driver = found.driver;
    domain.info.iommu = found.iommu;
    return;
  }
  if (group == nullptr) return;
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
  std::unordered_set<std::uint64_t> found_keys;
  for (const DiscoveredDomain& found : discovered) found_keys.insert(found.key);
  std::vector<std::uint64_t> keys;
  for (auto& entry : domains_) {
    Domain& domain = entry.second;
    if (domain.info.type == "unknown" && !domain.group) continue;  // known only from its events
    const bool found = found_keys.contains(domain.key);
    if (!found && domain.missed) keys.push_back(domain.key);
    domain.missed = !found;
  }
  return keys;
}

std::vector<LiveDomain> DomainRegistry::live() const {
  std::vector<LiveDomain> live;
  live.reserve(domains_.size());
  for (const auto& [id, domain] : domains_) live.push_back({id, domain.key, domain.group, domain.info.label});
  return live;
}

std::vector<DomainInfo> DomainRegistry::infos() const {
  std::vector<DomainInfo> infos;
  infos.reserve(domains_.size());
  for (const auto& entry : domains_) infos.push_back(entry.second.info);
  return infos;
}

std::vector<DomainInfo> DomainRegistry::take_renamed() {
  std::vector<DomainInfo> infos;
  infos.reserve(renamed_.size());
  for (const std::uint64_t id : renamed_) infos.push_back(domains_.at(id).info);
  renamed_.clear();
  return infos;
}

}  // namespace rcached
