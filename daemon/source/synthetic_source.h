// SPDX-License-Identifier: Apache-2.0
// SyntheticSource: the EventSource without a kernel: simulated domains under a seeded workload, at a steady
// rate of operations by the given clock. Consumers of the EventSource cannot distinguish it from probes, so the
// daemon runs, and is tested, where no kernel can be traced.
//
// Domains are created in start() (the mirror is exact from the first event), belong to pseudo groups 1..N and
// persist. The same configuration gives the same operations; only their times come from the clock.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "daemon/config/config.h"
#include "daemon/source/event_source.h"

namespace rcached {

// Monotonic nanoseconds.
using NanosecondClock = std::function<std::uint64_t()>;

NanosecondClock monotonic_clock();

// One poll returns at most one second's worth of operations; longer gaps of a stopped process are skipped.
std::unique_ptr<EventSource> make_synthetic_source(const Config::Synthetic& options, NanosecondClock clock);

}  // namespace rcached
