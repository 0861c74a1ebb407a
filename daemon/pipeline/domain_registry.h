// SPDX-License-Identifier: Apache-2.0
// DomainRegistry: the identity of the domains. Gives each domain key of the event stream (an address: it never leaves
// this class) an internal id, and each id its name: group, type, devices and drivers.
//
// Ids are never reused, so a freed domain and a new one at the same address are two domains. Two live domains
// never share a label: when a group moves to a new domain, the old one falls back to
// "iovad-<id>" until it is gone.
//
// Threads: one, that of the input log.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
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
  std::string label;
};

class DomainRegistry {
 public:
  // The id of a live domain.
  std::optional<std::uint64_t> find(std::uint64_t key) const;

  // The same for an event of the domain.
  struct Seen {
    std::uint64_t id = 0;
    bool first = false;  // the domain's first event
  };
  std::optional<Seen> seen(std::uint64_t key);

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

  // Of the live domains that are new, have got another name, or had their first event since the last call.
  std::vector<DomainInfo> take_renamed();

 private:
  struct Domain {
    std::uint64_t key = 0;
    std::optional<int> group;
    DomainInfo info;
    bool missed = false;  // not found by the last complete discovery
  };
  struct Entry {
    std::uint64_t id = 0;
    bool seen = false;  // it has had an event
  };
  // The domains of the last events, which are likely to be those of the next.
  struct Recent {
    std::uint64_t key = 0;
    Entry* entry = nullptr;
  };
  static constexpr std::size_t kRecent = 1024;

  static std::size_t slot_of(std::uint64_t key) { return (key * 0x9e3779b97f4a7c15u >> 32) % kRecent; }
  static void name(Domain& domain, const DiscoveredDomain& found, const IommuGroup* group);

  std::uint64_t next_id_ = 1;
  std::unordered_map<std::uint64_t, Entry> by_key_;
  std::array<Recent, kRecent> recent_{};     // by a hash of the key
  std::map<std::uint64_t, Domain> domains_;  // by id
  std::unordered_map<int, std::uint64_t> by_group_;
  std::set<std::uint64_t> renamed_;
};

}  // namespace rcached
