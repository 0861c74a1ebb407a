/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared declarations of the exerciser, and its interface for the oracle.
 *
 * exerciser.c owns the domains and the commands; worker.h declares the threads and their ranges. Every command and
 * every reader of a domain holds the mutex `control`; threads do not take it, so no domain is created or destroyed
 * while they run.
 */
#ifndef RCACHED_LAB_EXERCISER_H
#define RCACHED_LAB_EXERCISER_H

#include <linux/iova.h>
#include <linux/mutex.h>
#include <linux/types.h>

#define MAX_DOMAINS 8
#define MAX_THREADS 16
#define ORDERS 9 /* sizes of 1 to 256 pages */

struct order_counts {
	u64 allocs; /* calls that returned a range */
	u64 failures; /* calls that returned none */
	u64 frees;
};

struct domain_counts {
	struct order_counts order[ORDERS];
	struct order_counts direct; /* of these: through alloc_iova, and free_iova or __free_iova */
	u64 first32_failures; /* of these: first of two attempts, below 4 GiB, which may fail */
};

/* Parameters of a run; see the commands in exerciser.c. */
struct plan {
	unsigned int threads;
	u64 ops; /* allocations and frees, of all threads together */
	u64 seed;
	unsigned int mix;
	int domain; /* -1: any */
	int order; /* -1: any */
	unsigned int cpu; /* of the first thread; the others follow */
	unsigned int live; /* approximate number of ranges held by a thread */
	unsigned int burst;
	unsigned int leak; /* ranges a thread keeps until `free` */
	unsigned int window; /* pages that mix=flush may use */
	unsigned int rate; /* operations per second and thread; 0: no limit */
	bool hold; /* do not free held ranges at the end */
};

extern struct mutex control;

struct iova_domain *domain_at(unsigned int index);
unsigned int pick_domain(u64 random);

int program_mix(const char *name);
const char *program_mix_name(unsigned int mix);
int program_run(const struct plan *plan);
bool program_busy(void);
int program_wait(void);
void program_stop(void);
void program_free(void);
void program_forget(unsigned int domain);
void program_counts(unsigned int domain, struct domain_counts *sum);
u64 program_ops(void);
u64 program_nanoseconds(void);
void program_exit(void);

/*
 * For the oracle: the domain x<index>, held in place until iova_exerciser_put; NULL (and nothing held) when
 * there is none.
 */
struct iova_domain *iova_exerciser_get(unsigned int index);
void iova_exerciser_put(void);

#endif
