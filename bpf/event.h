/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The one ABI between the probes (bpf/) and the daemon: the event record, its operations, and the
 * per-CPU accounting. Both sides include this file and nothing else of each other.
 *
 * Units: pfn and size are in granules of the domain; times are CLOCK_MONOTONIC nanoseconds.
 * `domain` is the address of the kernel's struct iova_domain. It is a key only: it must never leave
 * the process (no log, metric, trace file), since it would defeat KASLR.
 *
 * Written by probes on the CPU named in `cpu`, one ring buffer per CPU, so a ring is almost, but not
 * strictly, ordered by time: an interrupt may put its record between a probe's clock read and its own.
 */
#ifndef RCACHED_BPF_EVENT_H
#define RCACHED_BPF_EVENT_H

#include <linux/types.h>

/* What happened. Every operation is reported when the kernel function has returned, unless said otherwise. */
enum rcached_op {
	RCACHED_OP_ALLOC = 1, /* alloc_iova_fast: pfn (0 = failed), size, arg = limit_pfn */
	RCACHED_OP_FREE =
	    2, /* free_iova_fast (iova_rcache_insert where the flush queue is in iova.c): pfn, size */
	RCACHED_OP_TREE_ALLOC = 3, /* alloc_iova: pfn (0 = no space), size, arg = duration in ns */
	RCACHED_OP_TREE_FREE = 4, /* free_iova, at entry: pfn */
	RCACHED_OP_MAGAZINE_FREE =
	    5, /* iova_magazine_free_pfns: pfn = bottom element (0 when empty), size = elements, arg = duration in ns, cause, order (RECLAIM only) */
	RCACHED_OP_CPU_FLUSH = 6, /* free_cpu_cached_iovas: arg = CPU whose magazines went to the tree */
	RCACHED_OP_RECLAIM = 7, /* iova_depot_work_func: order, depot = size after, arg = duration in ns */
	RCACHED_OP_RESERVE =
	    8, /* reserve_iova: pfn = low, arg = high (both included); size = 0 when it failed, else 1 */
	RCACHED_OP_DOMAIN_INIT = 9, /* init_iova_domain: arg = granule in bytes */
	RCACHED_OP_DOMAIN_PUT = 10, /* put_iova_domain, at entry: everything in the domain is gone */
	RCACHED_OP_FQ_DRAIN =
	    11, /* fq_flush_timeout: arg = duration in ns, size = ranges it freed; domain = 0 where the probe cannot know it */
	RCACHED_OP_LAST = 11,
};

enum rcached_flag {
	RCACHED_FLAG_TREE = 1 << 0, /* ALLOC, FREE: served by the tree, not by the cache */
	RCACHED_FLAG_FILL = 1 << 1, /* loaded, prev and depot were read in the probe */
	RCACHED_FLAG_OVERFLOW =
	    1 << 2, /* FREE: the depot was full, one magazine went to the tree inside this call */
	RCACHED_FLAG_AFTER_LOSS = 1 << 3, /* records of this CPU were lost (ring full) just before this one */
	RCACHED_FLAG_DEPOT_ONLY = 1 << 4, /* with FILL: only depot was read (RECLAIM) */
};

/* Why whole magazines went to the tree (MAGAZINE_FREE). */
enum rcached_cause {
	RCACHED_CAUSE_OVERFLOW = 0, /* inside a free: the bounded depot (<= 6.6) was full */
	RCACHED_CAUSE_RECLAIM = 1, /* the depot worker (>= 6.7) */
	RCACHED_CAUSE_FLUSH = 2, /* free_cpu_cached_iovas or the emergency flush of an allocation */
};

#define RCACHED_ORDER_NONE 0xff /* not known, or beyond the cacheable orders */
#define RCACHED_CACHED_ORDERS 6 /* orders 0..5 have an rcache */
#define RCACHED_MAX_CPUS 1024

struct rcached_event {
	__u64 time_ns;
	__u64 domain;
	__u64 pfn;
	__u64 arg;
	__u32 size;
	__u32 depot; /* magazines in the depot of this order, after the operation */
	__u16 loaded; /* pfns in the CPU's loaded magazine, after the operation (a NULL magazine is 0) */
	__u16 prev; /* the same for prev */
	__u16 cpu;
	__u8 op; /* enum rcached_op */
	__u8 flags; /* enum rcached_flag */
	__u8 order; /* 0..5, or RCACHED_ORDER_NONE */
	__u8 cause; /* enum rcached_cause */
	__u16 reserved[3];
};

/* Accounting of one CPU, written only on that CPU; every event a program wanted to send is in `sent`,
 * so at rest: sent = received by the daemon + ring_full. */
struct rcached_cpu_stats {
	__u64 sent;
	__u64 ring_full;
	__u64
	    entry_missing; /* a return without its entry (skipped, or no room to remember it): no event was made */
	__u64 nested_allocs; /* the kernel skipped the program, its twin made the event (see twin.bpf.h) */
	__u64 nested_frees;
	__u64 loss_pending; /* ring_full happened and no record has said so yet */
};

#ifdef __cplusplus
static_assert(sizeof(rcached_event) == 56, "the ABI has no hidden padding");
#else
_Static_assert(sizeof(struct rcached_event) == 56, "the ABI has no hidden padding");
#endif

#endif
