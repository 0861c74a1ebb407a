/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the fill levels of this CPU's rcache of one order, and of its depot, from the domain. Every event
 * carries them as the ground truth.
 */
#ifndef RCACHED_BPF_FILL_BPF_H
#define RCACHED_BPF_FILL_BPF_H

#include "event.h"
#include "rcache.bpf.h"

/* order_base_2(size) of kernel_profile.h for 1..32; RCACHED_ORDER_NONE above. A table is faster than branches. */
static const u8 order_table[64] = {
    0, 0, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
};

static __always_inline u8 order_of(u64 size)
{
	if (size > 32)
		return RCACHED_ORDER_NONE;
	/* clang 19 may load size from the stack again, and verifiers such as 6.1's then no longer know its bound. */
	barrier_var(size);
	return order_table[size & 63];
}

/* Sets loaded, prev, depot and RCACHED_FLAG_FILL, or leaves the event unchanged if a read fails. */
static __always_inline void read_fill(struct rcached_event *event, u64 iovad, u8 order)
{
	struct iova_magazine *loaded = NULL, *prev = NULL;
	struct iova_cpu_rcache *cpu_rcache;
	u32 cpu = event->cpu;
	u64 rcache;

	if (order >= RCACHED_CACHED_ORDERS || cpu >= RCACHED_MAX_CPUS || !per_cpu_offset[cpu])
		return;
	rcache = rcache_address(iovad, order);
	if (!rcache)
		return;
	cpu_rcache = (void *)cpu_rcache_address(rcache, cpu);
	if (!cpu_rcache)
		return;
	if (bpf_core_read(&loaded, sizeof(loaded), &cpu_rcache->loaded))
		return;
	if (bpf_core_read(&prev, sizeof(prev), &cpu_rcache->prev))
		return;
	event->loaded = read_magazine_size(loaded);
	event->prev = read_magazine_size(prev);
	event->depot = read_depot_size(rcache);
	event->flags |= RCACHED_FLAG_FILL;
}

#endif
