/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two programs of a hot function, so that every call sends exactly one event.
 *
 * The kernel does not run a program on a CPU where it is already running: an allocation in an interrupt, or by
 * a task that preempted another one inside the program, would send no event. So each hot function has two
 * programs. The first marks its CPU while it runs. The second, its twin, runs right after the first (it is
 * attached before it, and the kernel runs the last attached program first) and sends the event if the mark
 * shows that the first one was skipped. Events that neither has sent are the recursion_misses of the first
 * program, minus the events of the twin.
 *
 * The mark alone is not enough. If tasks can be preempted (7.x), another task may be stopped inside the first
 * program when this task, whose first program did run, reaches the twin. So the first program also stores the
 * range of its call, which no other call can be allocating or freeing at that time, and the twin removes it.
 *
 * bpf_preempt_disable (6.10) does not help: the task is then preempted when it enables preemption again, still
 * inside the program as far as the kernel is concerned, and more calls are lost than without it (measured in
 * the lab on 7.2).
 */
#ifndef RCACHED_BPF_TWIN_BPF_H
#define RCACHED_BPF_TWIN_BPF_H

#include "operations.bpf.h"

#define MARK(place, value) (*(volatile u64 *)&(place) = (value))
#define MARKED(place) (*(volatile u64 *)&(place))

static __always_inline void first_begins(struct hot_function *function)
{
	MARK(function->running, 1);
}

static __always_inline void first_ends(struct hot_function *function, u64 domain, u64 pfn)
{
	struct made_call *made = &function->made[pfn & (NESTED_SLOTS - 1)];

	made->domain = domain;
	made->pfn = pfn;
	MARK(function->running, 0);
}

static __always_inline int first_was_skipped(struct hot_function *function, u64 domain, u64 pfn)
{
	struct made_call *made = &function->made[pfn & (NESTED_SLOTS - 1)];

	if (made->pfn == pfn && made->domain == domain) {
		made->domain = 0;
		return 0;
	}
	return MARKED(function->running) != 0;
}

static __always_inline int first_alloc(u64 frame, u64 iovad, u64 size, u64 limit_pfn, u64 pfn)
{
	struct cpu_state *state = this_cpu_state();

	if (!state)
		return 0;
	first_begins(&state->alloc);
	on_alloc(frame, iovad, size, limit_pfn, pfn);
	first_ends(&state->alloc, iovad, pfn);
	return 0;
}

static __always_inline int twin_alloc(u64 frame, u64 iovad, u64 size, u64 limit_pfn, u64 pfn)
{
	struct cpu_state *state = this_cpu_state();

	if (!state || !first_was_skipped(&state->alloc, iovad, pfn))
		return 0;
	__sync_fetch_and_add(&state->stats.nested_allocs, 1);
	return on_alloc(frame, iovad, size, limit_pfn, pfn);
}

static __always_inline int first_free(u64 frame, u64 iovad, u64 pfn, u64 size, enum free_result result)
{
	struct cpu_state *state = this_cpu_state();

	if (!state)
		return 0;
	first_begins(&state->free);
	on_free(frame, iovad, pfn, size, result);
	first_ends(&state->free, iovad, pfn);
	return 0;
}

static __always_inline int twin_free(u64 frame, u64 iovad, u64 pfn, u64 size, enum free_result result)
{
	struct cpu_state *state = this_cpu_state();

	if (!state || !first_was_skipped(&state->free, iovad, pfn))
		return 0;
	__sync_fetch_and_add(&state->stats.nested_frees, 1);
	return on_free(frame, iovad, pfn, size, result);
}

#endif
