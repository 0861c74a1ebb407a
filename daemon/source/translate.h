// SPDX-License-Identifier: Apache-2.0
// Between the ABI of the probes (rcached_event) and the model's own Operation. Pure.
//
// The two hold the same, but for three things that an Operation has no use for: the domain's key, the granule
// of a DOMAIN_INIT (both in the event only) and the failed RESERVE, which changes nothing.
#pragma once

#include <cstdint>
#include <optional>

#include "allocator/operation.h"
#include "bpf/event.h"

namespace rcached {

// nullopt: malformed. Refused are unknown operations, CPUs beyond RCACHED_MAX_CPUS, a zero domain (but for
// FQ_DRAIN, whose probe may not know it), orders and causes that do not exist, and ranges that end before
// they begin.
std::optional<Operation> to_operation(const rcached_event& event);

// A RESERVE that the kernel refused: well-formed, and nothing to apply.
bool is_failed_reserve(const rcached_event& event);

// The inverse. `granule_bytes` is for domain_init.
rcached_event to_event(const Operation& operation, std::uint64_t domain, std::uint64_t granule_bytes = 0);

}  // namespace rcached
