// SPDX-License-Identifier: Apache-2.0
// Notifier: what the service manager is told (sd_notify). Without a service manager every call does nothing.
#pragma once

#include <chrono>
#include <optional>
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

  // How often watchdog() must come; nullopt: nobody watches. Half of the manager's limit, as it advises.
  std::optional<std::chrono::milliseconds> watchdog_interval() const { return watchdog_interval_; }

 private:
  bool supervised_ = false;
  std::optional<std::chrono::milliseconds> watchdog_interval_;
};

}  // namespace rcached
