// SPDX-License-Identifier: Apache-2.0
// SyntheticSource: the EventSource without a kernel: simulated domains under a seeded workload, at a steady
// rate of operations by the clock it is given. Everything behind the EventSource cannot tell it from probes,
// so the daemon runs, and is tested, where no kernel can be traced.
//
// Domains are born in start() (the mirror is exact from the first event), belong to pseudo groups 1..N and
// stay. The same configuration gives the same operations; only their times come from the clock.
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

// At most one second's worth of operations comes out of one poll; a process that was stopped for longer does
// not make up for it.
std::unique_ptr<EventSource> make_synthetic_source(const Config::Synthetic& options, NanosecondClock clock);

}  // namespace rcached
