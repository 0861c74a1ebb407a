/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the rcaches of a domain with CO-RE: embedded array (<= 5.17) or pointer (>= 5.18), depot_size of 8 or
 * 4 bytes, magazines that may be NULL (7.3 allocates them lazily).
 */
#ifndef RCACHED_BPF_RCACHE_BPF_H
#define RCACHED_BPF_RCACHE_BPF_H

#include "per_cpu.bpf.h"

/* 0 if there are none. */
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

/* The struct iova_cpu_rcache of a CPU below RCACHED_MAX_CPUS, or 0. */
static __always_inline u64 cpu_rcache_address(u64 rcache, u32 cpu)
{
	struct iova_cpu_rcache *cpu_rcaches = NULL;

	bpf_core_read(&cpu_rcaches, sizeof(cpu_rcaches), &((struct iova_rcache *)rcache)->cpu_rcaches);
	if (!cpu_rcaches)
		return 0;
	return (u64)cpu_rcaches + per_cpu_offset[cpu];
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

#endif
