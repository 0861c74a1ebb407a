// SPDX-License-Identifier: Apache-2.0
// DomainRegistry: the identity of the domains. Gives each domain key of the event stream (an address: it never leaves
// this class) an internal id, and each id its name: group, type, devices and drivers.
//
// Ids are never reused, so a freed domain and a new one at the same address are two domains. Two live domains
// never share a label: when a group moves to a new domain, the old one falls back to
// "iovad-<id>" until it is gone.
//
// Threads: one, the pipeline's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "daemon/host/iommu_groups.h"
#include "daemon/source/event_source.h"
#include "view/view.h"

namespace rcached {

struct LiveDomain {
  std::uint64_t id = 0;
  std::uint64_t key = 0;  // never leaves the process
  std::optional<int> group;
};

class DomainRegistry {
 public:
  // The id of a live domain.
  std::optional<std::uint64_t> find(std::uint64_t key) const;

  // A new domain at `key`. The key must not be live: retire() it first.
  std::uint64_t add(std::uint64_t key, std::uint64_t granule_bytes = 0);

  // The domain at `key` is gone; its label is free immediately.
  void retire(std::uint64_t key);

  // Merges the domains found by the source. Only live domains get names; unknown domains are added, so that
  // they are shown before their first event. Returns the ids added.
  // A live domain that is not in the list keeps its group unless another domain claims it.
  std::vector<std::uint64_t> update(const std::vector<DiscoveredDomain>& discovered,
                                    const std::vector<IommuGroup>& groups);

  // Whether some live domain has no group yet.
  bool has_unnamed() const;

  std::size_t size() const { return by_key_.size(); }

  // Keys of live domains that had a group and that two complete discoveries in a row did not find: their end
  // was missed.
  std::vector<std::uint64_t> vanished(const std::vector<DiscoveredDomain>& discovered);

  // All live domains, by id.
  std::vector<LiveDomain> live() const;

  // Of all live domains, by id.
  std::vector<DomainInfo> infos() const;

 private:
  struct Domain {
    std::uint64_t key = 0;
    std::optional<int> group;
    DomainInfo info;
    bool missed = false;  // not found by the last complete discovery
  };

  void name(Domain& domain, const DiscoveredDomain& found, const std::vector<IommuGroup>& groups);

  std::uint64_t next_id_ = 1;
  std::unordered_map<std::uint64_t, std::uint64_t> by_key_;
  std::map<std::uint64_t, Domain> domains_;  // by id
};

}  // namespace rcached
