/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The ABI between the reader's programs (reader.bpf.c) and the daemon: one request, and one answer for each
 * program, all of them globals that the daemon has mapped. The daemon fills in the request, runs a program on
 * demand, and reads the answer; nothing else writes here.
 *
 * Units: pfn in granules of the domain; times are CLOCK_MONOTONIC nanoseconds. The kernel addresses (domain,
 * next, address) are only for the next run and for comparison: they never leave the process.
 */
#ifndef RCACHED_BPF_READER_H
#define RCACHED_BPF_READER_H

#include <linux/types.h>

#define RCACHED_READ_CAPACITY 256 /* most pfns of a magazine; kernels with more are not supported */
#define RCACHED_READ_MAGAZINES 12 /* per CPU: loaded and prev of six orders */
#define RCACHED_READ_DEPOT 16 /* magazines in one run */
#define RCACHED_READ_RANGES 512 /* ranges of the tree in one run */
#define RCACHED_READ_DEPTH 64 /* of the tree; at most 64 with 2^32 ranges */
#define RCACHED_READ_QUEUES 256 /* flush queues in one run */

enum rcached_read_status {
	RCACHED_READ_OK = 0,
	RCACHED_READ_CHANGED = 1, /* the structure changed during the run */
	RCACHED_READ_FAULT = 2, /* a read failed, or there is no domain at this address */
};

struct rcached_read_request {
	__u64 domain;
	__u64 from; /* tree: first pfn to return */
	__u64 next; /* depot: address of the first magazine (list), from the last answer */
	__u32 cpu; /* cpu; flush queue: the first one */
	__u32 cpus; /* flush queue: how many */
	__u32 order; /* depot */
	__u32 left; /* depot: magazines not read yet, all below those already read; 0 in a first run */
	__u32 first; /* depot: 1 to start at the top */
	__u32 limit; /* tree: most ranges to return */
};

/* Set by every run. */
struct rcached_read_run {
	__u64 begin_ns;
	__u64 end_ns;
	__u32 status; /* enum rcached_read_status */
	__u32 unused;
};

struct rcached_read_magazine {
	__u64 address; /* 0: NULL */
	__u64 size;
	__u64 pfns[RCACHED_READ_CAPACITY];
};

/*
 * Two readings, one after the other, each with loaded and prev of order 0, of order 1, ... They are valid if
 * addresses, sizes and pfns are the same in both.
 */
struct rcached_read_cpu {
	struct rcached_read_magazine magazines[2][RCACHED_READ_MAGAZINES];
};

/* From the top down: magazines[i] is at position left_before - 1 - i from the bottom. */
struct rcached_read_depot {
	__u64 next; /* list: address of the next magazine below */
	__u32 depot_size;
	__u32 left_before;
	__u32 count;
	__u32 unused;
	struct rcached_read_magazine magazines[RCACHED_READ_DEPOT];
};

struct rcached_read_range {
	__u64 lo;
	__u64 hi;
};

/* With CHANGED, the ranges read so far are still valid. */
struct rcached_read_tree {
	__u32 count;
	__u32 end; /* 1: the anchor was reached, there are no more ranges */
	struct rcached_read_range ranges[RCACHED_READ_RANGES];
};

struct rcached_read_constants {
	__u64 granule_bytes;
	__u64 start_pfn;
	__u64 dma_32bit_pfn;
};

struct rcached_read_flush_queue {
	__u32 present; /* 0: the domain has no flush queue */
	__u32 single; /* 1: one queue for all CPUs, in pending[0] */
	__u32 pending[RCACHED_READ_QUEUES];
};

#endif
