// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/notifier.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace rcached {

Notifier::Notifier()
    : supervised_(std::getenv("NOTIFY_SOCKET") != nullptr) {  // NOLINT(concurrency-mt-unsafe)
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) > 0) {
    watchdog_interval_ = std::chrono::milliseconds(static_cast<std::int64_t>(microseconds / 2000));
  }
}

void Notifier::ready(const std::string& status) const {
  sd_notify(0, fmt::format("READY=1\nSTATUS={}", status).c_str());
}

void Notifier::status(const std::string& text) const { sd_notify(0, fmt::format("STATUS={}", text).c_str()); }

void Notifier::reloading() const {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto microseconds = std::uint64_t(now.tv_sec) * 1'000'000 + std::uint64_t(now.tv_nsec) / 1000;
  sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}", microseconds).c_str());
}

void Notifier::watchdog() const { sd_notify(0, "WATCHDOG=1"); }

void Notifier::stopping() const { sd_notify(0, "STOPPING=1\nSTATUS=Ending"); }

}  // namespace rcached
