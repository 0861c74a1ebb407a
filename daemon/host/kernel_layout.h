// SPDX-License-Identifier: Apache-2.0
// KernelLayout: the IOVA structures according to the running kernel's BTF, checked against what the probes and
// the model support. No BPF program is loaded, so `rcached check` works without privileges.
#pragma once

#include <string>

#include "allocator/kernel_profile.h"
#include "base/error.h"

struct btf;

namespace rcached {

struct KernelLayout {
  KernelProfile profile;
  bool rcaches_embedded = false;  // <= 5.17: iova_domain.rcaches is an array, later a pointer
  // <= 5.16: the drain may inline free_iova_fast, so frees are seen at iova_rcache_insert.
  bool flush_queue_in_iova = false;
  // <= 5.11: Intel's driver keeps its iova_domain in struct dmar_domain and reserves other ranges than
  // dma-iommu.
  bool iovad_in_dmar_domain = false;
  // >= 5.12: a tracing program does not run on a CPU where it is already running; before, it does.
  bool skips_nested_programs = true;
};

// Reads the layout from `kernel_btf`. Errors: unknown_layout (names the structure and the member that does
// not fit).
Expected<KernelLayout> read_kernel_layout(const ::btf* kernel_btf);

}  // namespace rcached
