// SPDX-License-Identifier: Apache-2.0
// KernelSource: the EventSource that traces the running kernel. Loads the programs of bpf/, attaches to each
// kernel function by fentry/fexit if BTF and the kernel support it, else by kprobe/kretprobe, drains one ring
// buffer per CPU and merges the records by time.
//
// The life cycle is open, set rodata, load, attach, poll, destroy; every link ends with its file descriptor,
// so a killed daemon leaves nothing attached. Threads: as for every EventSource.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "daemon/host/kernel_types.h"
#include "daemon/source/event_source.h"

namespace rcached {

struct KernelSourceOptions {
  // Per possible CPU; a power of two and a multiple of the page size. 0: automatic_ring_bytes().
  std::uint32_t ring_bytes = 0;
  bool force_kprobes = false;  // never use fentry/fexit (for tests and for kernels where it misbehaves)
  std::vector<std::uint16_t>
      spare_cpus;  // never interrupted to be read, in addition to isolated ones and so on
};

// `types` and `layout` describe the running kernel. Errors of start(): permission, attach, internal.
std::unique_ptr<EventSource> make_kernel_source(KernelTypes types, const KernelLayout& layout,
                                                const KernelSourceOptions& options);

}  // namespace rcached
