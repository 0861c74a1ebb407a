/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The ABI between the probes (bpf/) and the daemon: the event record, its operations, and the accounting
 * per CPU. Both sides include this file.
 *
 * Units: pfn and size are in granules of the domain; times are CLOCK_MONOTONIC nanoseconds.
 * `domain` is the address of the kernel's struct iova_domain. It is only a key and must never leave the
 * process (no log, metric or trace file), because it would defeat KASLR.
 *
 * Each CPU has its own ring buffer, in which only probes on that CPU write. A ring is almost, but not
 * strictly, ordered by time: an interrupt may reserve a record between another one's reservation and its
 * reading of the clock.
 */
#ifndef RCACHED_BPF_EVENT_H
#define RCACHED_BPF_EVENT_H

#include <linux/types.h>

/* What happened. An operation is reported after the kernel function has returned, unless stated otherwise. */
enum rcached_op {
	/* alloc_iova_fast: pfn (0 = failed), size, arg = limit_pfn */
	RCACHED_OP_ALLOC = 1,
	/* free_iova_fast (iova_rcache_insert if the flush queue is in iova.c): pfn, size */
	RCACHED_OP_FREE = 2,
	/* alloc_iova: pfn (0 = no space), size, arg = duration in ns (0: its entry was missed) */
	RCACHED_OP_TREE_ALLOC = 3,
	/* free_iova or __free_iova, at entry: pfn */
	RCACHED_OP_TREE_FREE = 4,
	/*
	 * iova_magazine_free_pfns: pfn = bottom element (0 when empty), size = elements, arg = duration in ns,
	 * cause, order (RECLAIM only)
	 */
	RCACHED_OP_MAGAZINE_FREE = 5,
	/* free_cpu_cached_iovas: arg = CPU whose magazines were freed to the tree */
	RCACHED_OP_CPU_FLUSH = 6,
	/* iova_depot_work_func: order, depot = size afterwards, arg = duration in ns */
	RCACHED_OP_RECLAIM = 7,
	/* reserve_iova: pfn = low, arg = high (both inclusive); size = 0 if it failed, else 1 */
	RCACHED_OP_RESERVE = 8,
	/* init_iova_domain: arg = granule in bytes */
	RCACHED_OP_DOMAIN_INIT = 9,
	/* put_iova_domain, at entry: everything in the domain is freed */
	RCACHED_OP_DOMAIN_PUT = 10,
	/* fq_flush_timeout: arg = duration in ns, size = ranges freed; domain = 0 if the probe cannot determine it */
	RCACHED_OP_FQ_DRAIN = 11,
	RCACHED_OP_LAST = 11,
};

enum rcached_flag {
	/* ALLOC, FREE: served by the tree, not by the cache */
	RCACHED_FLAG_TREE = 1 << 0,
	/* loaded, prev and depot were read in the probe */
	RCACHED_FLAG_FILL = 1 << 1,
	/* FREE: the depot was full, and one magazine was freed to the tree during this call */
	RCACHED_FLAG_OVERFLOW = 1 << 2,
	/* records of this CPU were lost (ring full) just before this one */
	RCACHED_FLAG_AFTER_LOSS = 1 << 3,
	/* with FILL: only depot was read (RECLAIM) */
	RCACHED_FLAG_DEPOT_ONLY = 1 << 4,
};

/* Why whole magazines were freed to the tree (MAGAZINE_FREE). */
enum rcached_cause {
	RCACHED_CAUSE_OVERFLOW = 0, /* during a free: the bounded depot (<= 6.6) was full */
	RCACHED_CAUSE_RECLAIM = 1, /* the depot worker (>= 6.7) */
	RCACHED_CAUSE_FLUSH = 2, /* free_cpu_cached_iovas or the emergency flush of an allocation */
};

#define RCACHED_ORDER_NONE 0xff /* unknown, or above the cacheable orders */
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
	__u16 prev; /* the same for the prev magazine */
	__u16 cpu;
	__u8 op; /* enum rcached_op */
	__u8 flags; /* enum rcached_flag */
	__u8 order; /* 0..5, or RCACHED_ORDER_NONE */
	__u8 cause; /* enum rcached_cause */
	__u16 reserved[3];
};

/* Lost events are counted by a hash of their domain: only domains of the same hash are in doubt then. */
#define RCACHED_LOSS_BUCKETS 128

static inline __u32 rcached_loss_bucket(__u64 domain)
{
	return (__u32)(domain * 0x9e3779b97f4a7c15ull >> 57);
}

/*
 * Accounting of one CPU, written only on that CPU. `sent` counts every event that a program tried to send,
 * so when idle: sent = received by the daemon + ring_full.
 */
struct rcached_cpu_stats {
	__u64 sent;
	__u64 ring_full;
	/* returns without an entry (skipped, or the table of calls was full): no event was sent, or with a wrong cause */
	__u64 entry_missing;
	/* the kernel skipped the program, and its twin sent the event (see twin.bpf.h) */
	__u64 nested_allocs;
	__u64 nested_frees;
	/* a record was lost because the ring was full, and no later record has reported it yet */
	__u64 loss_pending;
	/* the part of ring_full whose domain was known, by rcached_loss_bucket() */
	__u64 ring_full_by_bucket[RCACHED_LOSS_BUCKETS];
};

#ifdef __cplusplus
static_assert(sizeof(rcached_event) == 56, "the ABI has no hidden padding");
#else
_Static_assert(sizeof(struct rcached_event) == 56, "the ABI has no hidden padding");
#endif

#endif
