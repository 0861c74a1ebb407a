/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One thread of the exerciser, and the ranges it holds. worker.c calls the allocator and counts the calls, mixes.c
 * selects them, program.c runs the threads.
 */
#ifndef RCACHED_LAB_WORKER_H
#define RCACHED_LAB_WORKER_H

#include <linux/spinlock.h>

#include "exerciser.h"

#define MAX_HELD 32768
#define INBOX 256 /* a power of two */
#define CACHED_ORDERS 6
#define FULL_MASK ((1UL << 36) - 1) /* in pages: 48 bits of address */

/* The calls that make and free a range. */
enum pair {
	FAST, /* alloc_iova_fast, free_iova_fast */
	DIRECT, /* alloc_iova, free_iova */
	INNER, /* alloc_iova, __free_iova */
};

struct mapping {
	unsigned long pfn; /* INNER: its struct iova */
	u16 size;
	u8 domain;
	u8 pair;
};

struct worker {
	struct task_struct *task;
	unsigned int id;
	u64 random;
	u64 ops;
	u64 quota;
	u64 drawn; /* operations until the quota was reached; later ones clean up */
	unsigned int floor; /* held[0 .. floor) is kept until `free` */
	unsigned int count;
	struct mapping *held;
	spinlock_t lock; /* of the inbox */
	unsigned int head, tail;
	struct mapping inbox[INBOX];
	struct domain_counts counts[MAX_DOMAINS];
};

/* The current or last run; constant while threads run. */
extern struct worker *workers[MAX_THREADS];
extern struct plan plan;
extern u64 started; /* nanoseconds; start of the rate limit */
extern bool stopping;

u64 draw(struct worker *w);
unsigned int below(struct worker *w, unsigned int end);
bool over(struct worker *w);
unsigned int held(struct worker *w);

bool alloc_fast(struct worker *w, unsigned int domain, unsigned int size, unsigned long limit, bool flush);
void alloc_direct(struct worker *w, unsigned int domain, unsigned int size, bool aligned, enum pair path);
/* As in DMA mapping code: first below 4 GiB, then anywhere, with a flush if necessary. */
bool alloc_mapping(struct worker *w, unsigned int domain, unsigned int size);
void free_at(struct worker *w, unsigned int index);
void free_some(struct worker *w, unsigned int count);

/* Passes the last allocated range to another worker, which frees it; false if its inbox is full. */
bool give(struct worker *w, struct worker *to);
void drain(struct worker *w);

/* From mixes.c */
unsigned int any_domain(struct worker *w);
unsigned int any_size(struct worker *w, unsigned int first, unsigned int end);
void program_step(struct worker *w);

#endif
