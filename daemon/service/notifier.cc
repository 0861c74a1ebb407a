// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/notifier.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace rcached {
namespace {

constexpr std::uint64_t kBarrierLimit = 1'000'000;  // us

}  // namespace

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

void Notifier::stopping() const { sd_notify(0, "STOPPING=1\nSTATUS=Shutting down"); }

void Notifier::keep(std::span<const int> descriptors, const std::string& name) const {
  // FDPOLL=0: poll(2) reports POLLHUP for a perf event without a buffer, and systemd would drop it.
  const std::string message = fmt::format("FDSTORE=1\nFDPOLL=0\nFDNAME={}", name);
  sd_pid_notify_with_fds(0, 0, message.c_str(), descriptors.data(),
                         static_cast<unsigned>(descriptors.size()));
}

void Notifier::forget(const std::string& name) const {
  if (sd_notify(0, fmt::format("FDSTOREREMOVE=1\nFDNAME={}", name).c_str()) > 0)
    sd_notify_barrier(0, kBarrierLimit);
}

}  // namespace rcached
