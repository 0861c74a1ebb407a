// SPDX-License-Identifier: Apache-2.0
// Checks that this process may load tracing programs, by loading a minimal one (never attached).
#pragma once

#include "base/error.h"
#include "daemon/host/kernel_types.h"

namespace rcached {

// Errors: permission (with the reason, as far as the kernel reports it), attach (the kernel has no
// alloc_iova_fast to trace).
Expected<void> probe_tracing_permission(const KernelTypes& types);

// Explains an EPERM from bpf(2) for the current user.
Error tracing_refused();

// The same for perf_event_open(2), which kprobes also need.
Error kprobe_refused();

}  // namespace rcached
