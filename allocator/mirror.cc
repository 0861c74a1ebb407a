// SPDX-License-Identifier: Apache-2.0
#include "allocator/mirror.h"

#include <algorithm>

namespace rcached {

void Mirror::apply(std::uint64_t id, const Operation& operation) {
  last_time_ns_ = std::max(last_time_ns_, operation.time_ns);
  if (operation.after_loss) {  // what was lost can belong to any domain
    lost_ = true;
    for (const auto& [other, domain] : domains_) {
      if (other != id) domain->mark_loss();
    }
  }
  if (operation.kind == OperationKind::domain_put) {
    return drop(id);
  }
  domain(id).apply(operation);
}

DomainMirror& Mirror::domain(std::uint64_t id) {
  if (last_ != nullptr && id == last_id_) return *last_;
  std::unique_ptr<DomainMirror>& domain = domains_[id];
  if (domain == nullptr) {
    domain = std::make_unique<DomainMirror>(profile_, id, false);
    if (lost_) domain->mark_loss();
    domain->set_blind(blind_);
  }
  last_ = domain.get();
  last_id_ = id;
  return *domain;
}

void Mirror::add(std::uint64_t id) { domain(id); }

void Mirror::drop(std::uint64_t id) {
  domains_.erase(id);
  last_ = nullptr;
}

void Mirror::mark_loss() {
  lost_ = true;
  for (const auto& [id, domain] : domains_) domain->mark_loss();
}

void Mirror::mark_loss(std::uint64_t id) {
  if (const auto it = domains_.find(id); it != domains_.end()) it->second->mark_loss();
}

void Mirror::set_blind(bool blind) {
  if (blind == blind_) return;
  blind_ = blind;
  for (const auto& [id, domain] : domains_) domain->set_blind(blind);
  mark_loss();
}

void Mirror::settle(std::uint64_t now_ns) {
  for (const auto& [id, domain] : domains_) domain->settle(now_ns);
}

Snapshot Mirror::snapshot() const {
  Snapshot snapshot;
  snapshot.time_ns = last_time_ns_;
  snapshot.profile = profile_;
  snapshot.domains.reserve(domains_.size());
  for (const auto& [id, domain] : domains_) snapshot.domains.push_back(domain->snapshot());
  std::sort(snapshot.domains.begin(), snapshot.domains.end(),
            [](const DomainSnapshot& a, const DomainSnapshot& b) { return a.id < b.id; });
  return snapshot;
}

DomainMirror* Mirror::find(std::uint64_t id) {
  const auto it = domains_.find(id);
  return it == domains_.end() ? nullptr : it->second.get();
}

const DomainMirror* Mirror::find(std::uint64_t id) const {
  const auto it = domains_.find(id);
  return it == domains_.end() ? nullptr : it->second.get();
}

}  // namespace rcached
