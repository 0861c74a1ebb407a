/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Input of the feeder programs from the host tests: which function of operations.bpf.h to call, on which domain. */
#ifndef RCACHED_BPF_FEEDER_H
#define RCACHED_BPF_FEEDER_H

#include <linux/types.h>

#define FEEDER_PER_CPU_OFFSET 64
#define FEEDER_MAX_REPEAT 256

enum feeder_function {
	FEED_ALLOC = 1,
	FEED_FREE,
	FEED_FREE_TO_CACHE,
	FEED_FREE_TO_TREE,
	FEED_TREE_ALLOC,
	FEED_TREE_FREE,
	FEED_INNER_FREE,
	FEED_MAGAZINE_FREE,
	FEED_CPU_FLUSH,
	FEED_RECLAIM,
	FEED_RECLAIM_BEGIN,
	FEED_RESERVE,
	FEED_DOMAIN_INIT,
	FEED_DOMAIN_PUT,
	FEED_FQ_DRAIN_BEGIN,
	FEED_FQ_DRAIN_END,
	FEED_FIRST_ALLOC_BEGINS, /* the kernel has counted it, and then it is interrupted */
	FEED_FIRST_ALLOC_ENDS,
	FEED_FIRST_ALLOC,
	FEED_TWIN_ALLOC,
	FEED_FIRST_FREE,
	FEED_TWIN_FREE,
};

struct feeder_call {
	__u64 frame;
	__u64 pfn;
	__u64 size;
	__u64 arg;
	__u32 function;
	__u32 repeat;
};

/*
 * Two timers (0 and 1), each on a CPU of its own, that make the same calls on domains of their own at the same time.
 */
#define FEEDER_RACERS 2
#define FEEDER_RACER_DOMAINS (1 << 20) /* bytes from the domain of racer 0 to that of racer 1 */

struct feeder_race {
	__u64 wanted; /* overlapping calls with the same pid */
	__u64 calls[FEEDER_RACERS];
	__u64 overlaps[FEEDER_RACERS]; /* calls that saw the other racer in a call */
	__u64 alike[FEEDER_RACERS]; /* of these: on top of a task with the same pid, so on two idle CPUs */
	__u64 inside
	    [FEEDER_RACERS]; /* pid and tgid + 1 of the task under the racer that is in a call, else 0 */
	__u32 racer; /* the one that feeder_race_begin starts on its CPU */
	__u32 unused;
};

struct feeder_domain {
	__u64 bottom; /* first pfn of the loaded magazine */
	__u64 iova_pfn; /* pfn_lo of the struct iova that alloc_iova returns; 0: it returns NULL */
	__u32 order;
	__u32 depot;
	__u32 loaded;
	__u32 prev;
	__u32 loaded_null; /* 7.3: the magazine is not allocated yet */
	__u32 unused;
};

#endif
