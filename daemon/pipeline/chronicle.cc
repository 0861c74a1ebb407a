// SPDX-License-Identifier: Apache-2.0
#include "daemon/pipeline/chronicle.h"

#include <cstdint>

#include "allocator/diagnosis.h"

namespace rcached {

void Chronicle::complete(View& view, TimePoint now) {
  using std::chrono::duration_cast;
  using std::chrono::nanoseconds;
  const std::int64_t now_ns = duration_cast<nanoseconds>(now.time_since_epoch()).count();
  const std::int64_t unix_ms = (now_ns + view.status.unix_minus_monotonic_ns) / 1'000'000;

  trend_.observe(view.snapshot, static_cast<std::uint64_t>(now_ns));
  for (const DomainSnapshot& domain : view.snapshot.domains) {
    const auto& rates = view.rates.emplace_back(trend_.rates(domain.id));
    auto& verdicts = view.verdicts.emplace_back();
    if (rates) verdicts = diagnose(domain, *rates, view.kernel.profile);
  }
  history_.observe(view.snapshot, now, unix_ms / 1000);
  view.history = history_.history();
  notes_.observe(view, now, unix_ms);
  view.notes = notes_.notes();
}

}  // namespace rcached
