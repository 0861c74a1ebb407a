// SPDX-License-Identifier: Apache-2.0
// LinkStore: the probes' links, kept by the service manager too (its file-descriptor store,
// sd_pid_notify_with_fds(3)) while rcached runs.
//
// The last descriptor of a link takes the probe away, and for the last probe of a function the kernel then
// waits until no task can be in its trampoline (synchronize_rcu_tasks(): a tenth of a second, more with
// some). A killed process would not be gone before all of that. With the manager holding them it is gone at
// once; its successor attaches beside what it left, takes that away when it is ready, and no function is ever
// left without a probe in between. When the unit ends for good the manager closes what it keeps.
//
// Without a service manager every call does nothing. One thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "daemon/service/activation.h"
#include "daemon/service/notifier.h"

namespace rcached {

class LinkStore {
 public:
  // `left`: what the manager has handed over of a killed predecessor.
  LinkStore(const Notifier& notifier, std::vector<KeptDescriptor> left);
  ~LinkStore() { forget(); }
  LinkStore(const LinkStore&) = delete;
  LinkStore& operator=(const LinkStore&) = delete;

  void keep(std::span<const int> links);
  // Takes away what a killed predecessor has left attached; returns how many links that were.
  std::size_t release_left();
  // The manager keeps them no longer: now they end with this process's own descriptors.
  void forget();

 private:
  const Notifier& notifier_;
  const std::string name_;
  std::vector<KeptDescriptor> left_;
  bool kept_ = false;
};

}  // namespace rcached
