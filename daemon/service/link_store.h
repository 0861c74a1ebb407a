// SPDX-License-Identifier: Apache-2.0
// LinkStore: the probes' links, kept by the service manager too (its file-descriptor store,
// sd_pid_notify_with_fds(3)) while rcached runs.
//
// Closing the last descriptor of a link detaches the probe, and after the last probe of a function the kernel
// waits until no task can be in its trampoline (synchronize_rcu_tasks(): a tenth of a second, sometimes more). A
// killed process exits only after all these waits. If the manager also holds the descriptors, it exits
// immediately; the next instance attaches its own probes, then detaches the old ones when it is ready, so every
// function always has a probe. When the unit stops permanently, the manager closes the descriptors.
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
  // `left`: descriptors of a killed previous instance, passed by the manager.
  LinkStore(const Notifier& notifier, std::vector<KeptDescriptor> left);
  ~LinkStore() { forget(); }
  LinkStore(const LinkStore&) = delete;
  LinkStore& operator=(const LinkStore&) = delete;

  void keep(std::span<const int> links);
  // Detaches the probes of a killed previous instance; returns the number of links.
  std::size_t release_left();
  // The manager closes its copies: the links now depend only on this process's descriptors.
  void forget();

 private:
  const Notifier& notifier_;
  const std::string name_;
  std::vector<KeptDescriptor> left_;
  bool kept_ = false;
};

}  // namespace rcached
