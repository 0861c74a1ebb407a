// SPDX-License-Identifier: Apache-2.0
// Whether this process may load tracing programs at all, found out by loading the smallest one (never
// attached).
#pragma once

#include "base/error.h"
#include "daemon/host/kernel_types.h"

namespace rcached {

// Errors: permission (who refuses and why, as far as the kernel tells), attach (the kernel has no
// alloc_iova_fast to trace).
Expected<void> probe_tracing_permission(const KernelTypes& types);

// What an EPERM of bpf(2) means for the operator, given who we are.
Error tracing_refused();

// The same for perf_event_open(2), which kprobes need besides.
Error kprobe_refused();

}  // namespace rcached
