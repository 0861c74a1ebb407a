// SPDX-License-Identifier: Apache-2.0
// Giving up what only the start needs. Capabilities (capabilities(7)) load and attach the probes; what
// follows reads rings that are mapped, runs programs and looks into maps by their descriptors. Since
// Linux 5.19 that takes no capability; before, every call of bpf(2) takes CAP_BPF where
// kernel.unprivileged_bpf_disabled is set.
#pragma once

#include "base/error.h"

namespace rcached {

// Takes all capabilities from the calling thread, for good (effective, permitted, inheritable and ambient),
// but CAP_BPF where this kernel asks for it at every bpf(2). Threads that it starts later have none either;
// threads that run already keep theirs: each must call it for itself. Errors: internal.
Expected<void> drop_capabilities();

}  // namespace rcached
