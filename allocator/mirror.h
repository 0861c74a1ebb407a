// SPDX-License-Identifier: Apache-2.0
// Mirror: all domains of one kernel, by an internal id, each followed by a DomainMirror (domain_mirror.h).
//
// A domain appears with its first operation: exact when that is its domain_init, partial otherwise.
// domain_init resets it, domain_put drops it. Operations of one domain must come in the order of the kernel
// as far as the source can tell; domains are independent of each other. Not thread-safe: one thread applies,
// and hands out snapshots, which are plain values.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "allocator/domain_mirror.h"
#include "allocator/kernel_profile.h"
#include "allocator/operation.h"
#include "allocator/snapshot.h"

namespace rcached {

class Mirror {
 public:
  explicit Mirror(const KernelProfile& profile) : profile_(profile) {}

  void apply(std::uint64_t id, const Operation& operation);
  // A domain that exists; it appears now, partial, instead of with its first operation. Nothing if it is
  // there.
  void add(std::uint64_t id);
  void drop(std::uint64_t id);
  // Operations were lost, of which domain is not known (a full ring or a skipped program): marks all of them.
  // An operation with after_loss does this by itself.
  void mark_loss();
  void mark_loss(std::uint64_t id);
  // While true, operations may be missing all the time: no domain is exact, whatever audits find. Beginning
  // and end are marked as losses.
  void set_blind(bool blind);
  // See DomainMirror::settle. Call it before a snapshot.
  void settle(std::uint64_t now_ns);

  // Domains by id.
  Snapshot snapshot() const;
  // nullptr when not known. Valid until the domain is dropped.
  const DomainMirror* find(std::uint64_t id) const;
  DomainMirror* find(std::uint64_t id);
  std::size_t size() const { return domains_.size(); }

 private:
  DomainMirror& domain(std::uint64_t id);

  KernelProfile profile_;
  std::unordered_map<std::uint64_t, std::unique_ptr<DomainMirror>> domains_;
  DomainMirror* last_ = nullptr;  // the domain of the last operation, which is likely to be that of the next
  std::uint64_t last_id_ = 0;
  bool blind_ = false;
  bool lost_ = false;  // a domain that was there all along but first seen later may have lost operations too
  std::uint64_t last_time_ns_ = 0;
};

}  // namespace rcached
