// SPDX-License-Identifier: Apache-2.0
// Converts between the ABI of the probes (rcached_event) and the model's Operation. Pure.
//
// Both contain the same data, except for three things that an Operation does not need: the domain's key, the
// granule of a DOMAIN_INIT (both in the event only) and the failed RESERVE, which changes nothing.
#pragma once

#include <cstdint>
#include <optional>

#include "allocator/operation.h"
#include "bpf/event.h"

namespace rcached {

// nullopt: malformed. Rejects unknown operations, CPUs beyond RCACHED_MAX_CPUS, a zero domain (except for
// FQ_DRAIN, whose probe may not know it), invalid orders and causes, and ranges that end before they begin.
std::optional<Operation> to_operation(const rcached_event& event);

// A RESERVE that failed in the kernel: well-formed, but nothing to apply.
bool is_failed_reserve(const rcached_event& event);

// The inverse. `granule_bytes` is for domain_init.
rcached_event to_event(const Operation& operation, std::uint64_t domain, std::uint64_t granule_bytes = 0);

}  // namespace rcached
