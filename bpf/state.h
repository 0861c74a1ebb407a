/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Data that the programs and the daemon share in addition to the event stream: addresses that the daemon sets
 * before loading, and the result of the discovery program. These kernel addresses never leave the process.
 */
#ifndef RCACHED_BPF_STATE_H
#define RCACHED_BPF_STATE_H

#include <linux/types.h>

#define RCACHED_DISCOVER_CHUNK 32 /* groups read in one run of the program */

/* Addresses from a single pass over kallsyms; 0 if the kernel has no such symbol. */
struct rcached_symbols {
	__u64 per_cpu_offset; /* unsigned long __per_cpu_offset[] */
	__u64 iommu_group_kset; /* struct kset *iommu_group_kset */
	__u64 intel_iommu_ops; /* const struct iommu_ops intel_iommu_ops */
	__u64 free_iova; /* void free_iova(iovad, pfn) */
	__u64 inner_free; /* void __free_iova(iovad, iova) */
	__u32 cpus; /* the highest possible CPU id + 1, at most RCACHED_MAX_CPUS */
	__u32 unused;
};

/* The programs that have a twin. */
enum rcached_first_program {
	RCACHED_FIRST_ALLOC,
	RCACHED_FIRST_FREE,
	RCACHED_FIRST_PROGRAMS,
};

struct rcached_group {
	__u64 domain; /* address of the group's struct iova_domain, 0 if it has none */
	__u64 granule_bytes; /* 0 while the domain is not initialised */
	__s32 group;
	__u32 type; /* iommu_domain.type */
};

/* The discovery program continues at `next`; the daemon runs it until `done`. */
struct rcached_discovery {
	__u64 head;
	__u64 next;
	__u32 count;
	__u32 done;
	__u32 faults; /* in this walk: reads that failed, or an entry that was removed from the list */
	__u32 unused;
	struct rcached_group groups[RCACHED_DISCOVER_CHUNK];
};

#endif
