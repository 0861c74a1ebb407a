// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/stream.h"

#include <fmt/format.h>

#include <memory>
#include <string_view>
#include <thread>

#include "exporters/api/request.h"

namespace rcached::api {
namespace {

using Clock = std::chrono::steady_clock;

bool write_domain(const ViewBodies& bodies, const std::string& label, HttpStream& out) {
  const NamedDomain* const domain = bodies.find(label);
  const std::string head = fmt::format("id: {}\nevent: domain\ndata: ", bodies.number());
  if (domain == nullptr) return out.write(head + error_body(unknown_domain(bodies.named(), label)) + "\n\n");
  return out.write(head + *bodies.domain(*domain) + "\n\n");
}

bool write_view(const ViewBodies& bodies, const std::optional<std::string>& domain, HttpStream& out) {
  return out.write(*bodies.snapshot_event()) && (!domain || write_domain(bodies, *domain, out));
}

}  // namespace

void run_stream(SharedBodies& bodies, const std::optional<std::string>& domain, HttpStream& out,
                const StreamOptions& options) {
  if (!out.write("retry: 2000\n\n")) return;
  std::shared_ptr<const ViewBodies> sent;
  auto last_write = Clock::now();
  while (out.open()) {
    const auto next_check = Clock::now() + options.check_interval;
    const std::shared_ptr<const ViewBodies> now = bodies.wait_for_newer(sent, options.check_interval);
    if (now != sent) {
      if (!write_view(*now, domain, out)) return;
      sent = now;
      last_write = Clock::now();
      continue;
    }
    if (Clock::now() - last_write >= options.keep_alive) {
      if (!out.write(": nothing new\n\n")) return;
      last_write = Clock::now();
    }
    // A closed source returns immediately.
    std::this_thread::sleep_until(next_check);
  }
}

}  // namespace rcached::api
