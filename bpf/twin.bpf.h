/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two programs of a hot function, so that every call sends exactly one event.
 *
 * The kernel does not run a program on a CPU where it is already running: an allocation in an interrupt, or by
 * a task that preempted another one inside the program, would send no event. So each hot function has two
 * programs. The second, the twin of the first, runs right after it (it is attached before it, and the kernel runs the
 * last attached program first) and sends the event if the first one was skipped: then the kernel's own count of its
 * runs in progress on this CPU (bpf_prog.active) is not 0. That count is the very one that the kernel decides by, so no
 * moment is missed. Events that neither has sent are the recursion_misses of the first program, minus the events of the
 * twin.
 *
 * The count alone is not enough. If tasks can be preempted (7.x), another task may be stopped inside the first
 * program when this task, whose first program did run, reaches the twin. So the first program stores the
 * range of its call, which no other call can be allocating or freeing at that time, and the twin removes it. This also
 * spares the twin from reading the count in almost every call.
 *
 * bpf_preempt_disable (6.10) does not help: the task is then preempted when it enables preemption again, still
 * inside the program as far as the kernel is concerned, and more calls are lost than without it (measured in
 * the lab on 7.2).
 */
#ifndef RCACHED_BPF_TWIN_BPF_H
#define RCACHED_BPF_TWIN_BPF_H

#include "operations.bpf.h"

/* For each first program, its id (set by the daemon) and the per-CPU address of its count; 0: unknown. */
__u32 first_ids[RCACHED_FIRST_PROGRAMS];
__u64 first_active[RCACHED_FIRST_PROGRAMS];

static __always_inline void find_active(struct bpf_prog *program)
{
	struct bpf_prog_aux *aux = NULL;
	u32 id = 0;

	if (!program || !bpf_core_field_exists(program->active))
		return;
	bpf_core_read(&aux, sizeof(aux), &program->aux);
	bpf_core_read(&id, sizeof(id), &aux->id);
	for (u32 i = 0; i < RCACHED_FIRST_PROGRAMS; i++)
		if (id && id == first_ids[i])
			bpf_core_read(&first_active[i], sizeof(first_active[i]), &program->active);
}

static __always_inline int first_is_running(enum rcached_first_program first)
{
	u32 cpu = bpf_get_smp_processor_id(), active = 0;

	if (!first_active[first] || cpu >= RCACHED_MAX_CPUS || !per_cpu_offset[cpu])
		return 0;
	bpf_probe_read_kernel(&active, sizeof(active), (void *)(first_active[first] + per_cpu_offset[cpu]));
	return active != 0;
}

static __always_inline void first_ends(struct made_call *calls, u64 domain, u64 pfn)
{
	struct made_call *made = &calls[pfn & (NESTED_SLOTS - 1)];

	made->domain = domain;
	made->pfn = pfn;
}

static __always_inline int first_was_skipped(struct made_call *calls, enum rcached_first_program first,
					     u64 domain, u64 pfn)
{
	struct made_call *made = &calls[pfn & (NESTED_SLOTS - 1)];

	if (made->pfn == pfn && made->domain == domain) {
		made->domain = 0;
		return 0;
	}
	return first_is_running(first);
}

static __always_inline int first_alloc(u64 frame, u64 iovad, u64 size, u64 limit_pfn, u64 pfn)
{
	struct cpu_state *state = this_cpu_state();

	if (!state)
		return 0;
	on_alloc(frame, iovad, size, limit_pfn, pfn);
	first_ends(state->made_allocs, iovad, pfn);
	return 0;
}

static __always_inline int twin_alloc(u64 frame, u64 iovad, u64 size, u64 limit_pfn, u64 pfn)
{
	struct cpu_state *state = this_cpu_state();

	if (!state || !first_was_skipped(state->made_allocs, RCACHED_FIRST_ALLOC, iovad, pfn))
		return 0;
	__sync_fetch_and_add(&state->stats.nested_allocs, 1);
	return on_alloc(frame, iovad, size, limit_pfn, pfn);
}

static __always_inline int first_free(u64 frame, u64 iovad, u64 pfn, u64 size, enum free_result result)
{
	struct cpu_state *state = this_cpu_state();

	if (!state)
		return 0;
	on_free(frame, iovad, pfn, size, result);
	first_ends(state->made_frees, iovad, pfn);
	return 0;
}

static __always_inline int twin_free(u64 frame, u64 iovad, u64 pfn, u64 size, enum free_result result)
{
	struct cpu_state *state = this_cpu_state();

	if (!state || !first_was_skipped(state->made_frees, RCACHED_FIRST_FREE, iovad, pfn))
		return 0;
	__sync_fetch_and_add(&state->stats.nested_frees, 1);
	return on_free(frame, iovad, pfn, size, result);
}

#endif
