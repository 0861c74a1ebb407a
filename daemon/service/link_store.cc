// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/link_store.h"

#include <fmt/format.h>
#include <unistd.h>

#include <set>
#include <utility>

namespace rcached {

LinkStore::LinkStore(const Notifier& notifier, std::vector<KeptDescriptor> left)
    : notifier_(notifier), name_(fmt::format("links-{}", getpid())), left_(std::move(left)) {}

void LinkStore::keep(std::span<const int> links) {
  if (links.empty()) return;
  notifier_.keep(links, name_);
  kept_ = true;
}

std::size_t LinkStore::release_left() {
  std::set<std::string> names;
  for (const KeptDescriptor& descriptor : left_) names.insert(descriptor.name);
  names.erase(name_);
  for (const std::string& name : names) notifier_.forget(name);
  const std::size_t count = left_.size();
  left_.clear();  // after the manager has closed its copies, so that this process does the waiting
  return count;
}

void LinkStore::forget() {
  if (!std::exchange(kept_, false)) return;
  notifier_.forget(name_);
}

}  // namespace rcached
