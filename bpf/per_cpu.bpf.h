/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The start of each CPU's per-CPU data, read once by a program that the daemon runs on demand after loading.
 * Every object has its own copy.
 */
#ifndef RCACHED_BPF_PER_CPU_BPF_H
#define RCACHED_BPF_PER_CPU_BPF_H

#include "base.bpf.h"
#include "event.h"
#include "state.h"

const volatile struct rcached_symbols symbols = {};

/* For every possible CPU; 0 if unknown, and then no fill levels are read. The skeleton needs this type. */
__u64 per_cpu_offset[RCACHED_MAX_CPUS];

static __always_inline void read_per_cpu_offsets(void)
{
	u32 size = symbols.cpus * sizeof(per_cpu_offset[0]);

	if (!symbols.per_cpu_offset || size > sizeof(per_cpu_offset))
		return;
	bpf_probe_read_kernel(per_cpu_offset, size, (void *)symbols.per_cpu_offset);
}

#endif
