// SPDX-License-Identifier: Apache-2.0
// Notifier: what the service manager is told (sd_notify). Without a service manager every call does nothing.
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

  // Whether a service manager listens.
  bool supervised() const { return supervised_; }

  void ready(const std::string& status) const;
  void status(const std::string& text) const;
  // A reload has begun; ready() says that it is over.
  void reloading() const;
  void watchdog() const;
  void stopping() const;

  // The manager keeps copies of the descriptors under this name: it hands them to the next process of the
  // unit, and closes them when the unit ends for good. 253 at most. A manager that has no place for them
  // (FileDescriptorStoreMax=) says so in its own log only.
  void keep(std::span<const int> descriptors, const std::string& name) const;
  // The manager closes all that it keeps under this name; returns when it has, or after a second.
  void forget(const std::string& name) const;

  // How often watchdog() must come; nullopt: nobody watches. Half of the manager's limit, as it advises.
  std::optional<std::chrono::milliseconds> watchdog_interval() const { return watchdog_interval_; }

 private:
  bool supervised_ = false;
  std::optional<std::chrono::milliseconds> watchdog_interval_;
};

}  // namespace rcached
