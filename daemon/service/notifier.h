// SPDX-License-Identifier: Apache-2.0
// Notifier: sends notifications to the service manager (sd_notify). Without a service manager every call does nothing.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>

namespace rcached {

class Notifier {
 public:
  // Reads WATCHDOG_USEC and WATCHDOG_PID.
  Notifier();

  // Whether rcached was started by a service manager.
  bool supervised() const { return supervised_; }

  void ready(const std::string& status) const;
  void status(const std::string& text) const;
  // A reload has begun; ready() ends it.
  void reloading() const;
  void watchdog() const;
  void stopping() const;

  // The manager keeps copies of the descriptors under this name: it passes them to the next process of the
  // unit, and closes them when the unit stops permanently. At most 253. A manager without room for them
  // (FileDescriptorStoreMax=) only logs that itself.
  void keep(std::span<const int> descriptors, const std::string& name) const;
  // The manager closes all descriptors with this name; returns when it has, or after a second.
  void forget(const std::string& name) const;

  // How often to call watchdog(); nullopt: no watchdog. Half of the manager's limit, as systemd recommends.
  std::optional<std::chrono::milliseconds> watchdog_interval() const { return watchdog_interval_; }

 private:
  bool supervised_ = false;
  std::optional<std::chrono::milliseconds> watchdog_interval_;
};

}  // namespace rcached
