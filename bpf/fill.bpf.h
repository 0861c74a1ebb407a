/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the fill of this CPU's rcache of one order, and of its depot, out of the domain: the ground truth
 * that every event carries. Layout by CO-RE: embedded array (<= 5.17) or pointer (>= 5.18), depot_size of 8
 * or 4 bytes, magazines that may be NULL (7.3 allocates them lazily).
 */
#ifndef RCACHED_BPF_FILL_BPF_H
#define RCACHED_BPF_FILL_BPF_H

#include "maps.bpf.h"

/* order_base_2(size) of kernel_profile.h for 1..32; RCACHED_ORDER_NONE beyond. A table beats branches. */
static const u8 order_table[33] = {
    0, 0, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
};

static __always_inline u8 order_of(u64 size)
{
	if (size > 32)
		return RCACHED_ORDER_NONE;
	return order_table[size];
}

static __always_inline u64 rcache_address(u64 iovad, u32 order)
{
	struct iova_domain *domain = (void *)iovad;
	struct iova_rcache *rcaches = NULL;

	if (bpf_core_field_exists(domain->rcaches))
		bpf_core_read(&rcaches, sizeof(rcaches), &domain->rcaches);
	else
		rcaches = (void *)(iovad + bpf_core_field_offset(struct iova_domain___embedded, rcaches));
	if (!rcaches)
		return 0;
	return (u64)rcaches + order * bpf_core_type_size(struct iova_rcache);
}

static __always_inline u32 read_depot_size(u64 rcache)
{
	u64 size = 0;

	if (bpf_core_field_size(struct iova_rcache, depot_size) == 8)
		bpf_probe_read_kernel(
		    &size, 8, (void *)(rcache + bpf_core_field_offset(struct iova_rcache, depot_size)));
	else
		bpf_probe_read_kernel(
		    &size, 4, (void *)(rcache + bpf_core_field_offset(struct iova_rcache, depot_size)));
	return size;
}

static __always_inline u16 read_magazine_size(struct iova_magazine *magazine)
{
	unsigned long size = 0;

	if (magazine)
		bpf_core_read(&size, sizeof(size), &magazine->size);
	return size;
}

/* Sets loaded, prev, depot and RCACHED_FLAG_FILL, or leaves the event as it is when a read fails. */
static __always_inline void read_fill(struct rcached_event *event, u64 iovad, u8 order)
{
	struct iova_magazine *loaded = NULL, *prev = NULL;
	struct iova_cpu_rcache *cpu_rcache = NULL;
	u32 cpu = event->cpu;
	u64 rcache;

	if (order >= RCACHED_CACHED_ORDERS || cpu >= RCACHED_MAX_CPUS || !per_cpu_offset[cpu])
		return;
	rcache = rcache_address(iovad, order);
	if (!rcache)
		return;
	bpf_core_read(&cpu_rcache, sizeof(cpu_rcache), &((struct iova_rcache *)rcache)->cpu_rcaches);
	if (!cpu_rcache)
		return;
	cpu_rcache = (void *)((u64)cpu_rcache + per_cpu_offset[cpu]);
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
