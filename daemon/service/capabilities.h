// SPDX-License-Identifier: Apache-2.0
// Drops the capabilities (capabilities(7)) that only the start needs to load and attach the probes. Later,
// rcached reads mapped rings, runs programs and reads maps by their descriptors. Since Linux 5.19 this needs no
// capability; before, every bpf(2) call needs CAP_BPF if kernel.unprivileged_bpf_disabled is set.
#pragma once

#include "base/error.h"

namespace rcached {

// Permanently drops all capabilities of the calling thread (effective, permitted, inheritable and ambient),
// except CAP_BPF if this kernel requires it for every bpf(2) call. Threads that it starts later have none either;
// threads that already run keep theirs: each must call this itself. Errors: internal.
Expected<void> drop_capabilities();

}  // namespace rcached
