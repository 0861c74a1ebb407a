/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each probed kernel function means, independent of how the program is attached: fentry, fexit, kprobe,
 * kretprobe and the feeders of the host tests all call these functions.
 *
 * A nested call is matched with its outer call without an entry probe on the hot path: alloc_iova stores its
 * pfn in a slot of its CPU, and an alloc_iova_fast around it (by its frame) that returns the same pfn was a miss.
 */
#ifndef RCACHED_BPF_OPERATIONS_BPF_H
#define RCACHED_BPF_OPERATIONS_BPF_H

#include "emit.bpf.h"
#include "fill.bpf.h"

/* An emergency flush frees the depots after the CPUs; magazines that the same task frees this soon belong to it. */
#define FLUSH_WINDOW_NS 1000000000ULL

static __always_inline void nested_set(struct nested_call *slots, u64 frame, u64 domain, u64 pfn)
{
	struct nested_call *slot = &slots[pfn & (NESTED_SLOTS - 1)];

	slot->domain = domain;
	slot->pfn = pfn;
	slot->frame = frame;
}

static __always_inline int nested_take(struct nested_call *slots, u64 frame, u64 domain, u64 pfn)
{
	struct nested_call *slot = &slots[pfn & (NESTED_SLOTS - 1)];

	if (slot->pfn != pfn || slot->domain != domain || !inside(slot->frame, frame))
		return 0;
	slot->domain = 0;
	slot->pfn = 0;
	return 1;
}

/* The pfn was used for the opposite operation, so its slot is outdated. */
static __always_inline void nested_forget(struct nested_call *slots, u64 pfn)
{
	struct nested_call *slot = &slots[pfn & (NESTED_SLOTS - 1)];

	if (slot->pfn == pfn)
		slot->pfn = 0;
}

static __always_inline int on_alloc(u64 frame, u64 iovad, u64 size, u64 limit_pfn, u64 pfn)
{
	struct cpu_state *state = this_cpu_state();
	struct rcached_event *event;
	u8 order = order_of(size);

	if (!state)
		return 0;
	nested_forget(state->tree_free, pfn);
	event = event_begin(state, RCACHED_OP_ALLOC, iovad);
	if (!event)
		return 0;
	event->pfn = pfn;
	event->arg = limit_pfn;
	event->size = size;
	event->order = order;
	if (pfn && nested_take(state->tree_alloc, frame, iovad, pfn))
		event->flags |= RCACHED_FLAG_TREE;
	read_fill(event, iovad, order);
	event_end(event);
	return 0;
}

enum free_result {
	FREE_TO_CACHE,
	FREE_TO_TREE,
	FREE_ASK_NESTED, /* free_iova_fast returns nothing: it used the tree if free_iova ran inside */
};

static __always_inline int on_free(u64 frame, u64 iovad, u64 pfn, u64 size, enum free_result result)
{
	struct cpu_state *state = this_cpu_state();
	struct rcached_event *event;
	u8 order = order_of(size);

	if (!state)
		return 0;
	/* The drain calls free_iova_fast on its own CPU. */
	if (state->drain.domain == iovad && inside(frame, state->drain.frame))
		__sync_fetch_and_add(&state->drain.frees, 1);
	nested_forget(state->tree_alloc, pfn);
	event = event_begin(state, RCACHED_OP_FREE, iovad);
	if (!event)
		return 0;
	event->pfn = pfn;
	event->size = size;
	event->order = order;
	if (result == FREE_TO_TREE ||
	    (result == FREE_ASK_NESTED && nested_take(state->tree_free, frame, iovad, pfn)))
		event->flags |= RCACHED_FLAG_TREE;
	if (state->overflow.domain == iovad && inside(state->overflow.frame, frame)) {
		state->overflow.domain = 0;
		event->flags |= RCACHED_FLAG_OVERFLOW;
	}
	read_fill(event, iovad, order);
	event_end(event);
	return 0;
}

/* Returns 0 if the table is full. */
static __always_inline int call_store(u64 key, struct call call)
{
	call.start_ns = bpf_ktime_get_ns();
	return !bpf_map_update_elem(&calls, &key, &call, BPF_ANY);
}

/* If the table is full, the return finds nothing and counts that (call_finish). */
static __always_inline int call_begin(u64 key, struct call call)
{
	call_store(key, call);
	return 0;
}

static __always_inline void count_entry_missing(void)
{
	struct cpu_state *state = this_cpu_state();

	if (state)
		__sync_fetch_and_add(&state->stats.entry_missing, 1);
}

/* Removes the call from the table; returns 0 if it is not there. */
static __always_inline int call_take(u64 key, struct call *out)
{
	struct call *call = bpf_map_lookup_elem(&calls, &key);

	if (!call)
		return 0;
	*out = *call;
	bpf_map_delete_elem(&calls, &key);
	return 1;
}

/* The same for events that cannot be sent without the entry. */
static __always_inline int call_finish(u64 key, struct call *out)
{
	if (call_take(key, out))
		return 1;
	count_entry_missing();
	return 0;
}

static __always_inline u64 elapsed_since(u64 start_ns)
{
	return start_ns ? bpf_ktime_get_ns() - start_ns : 0;
}

static __always_inline int on_tree_alloc_enter(u64 frame, u64 iovad, u64 size)
{
	u64 key = task_key(FN_FLUSH);
	struct call *flush = bpf_map_lookup_elem(&calls, &key);

	/* This is the retry of an allocation: its emergency flush is over. */
	if (flush && same_stack(frame, flush->frame))
		bpf_map_delete_elem(&calls, &key);
	return call_begin(call_key(frame, FN_TREE_ALLOC), (struct call){.domain = iovad, .size = size});
}

/* start_ns 0: its entry was missed. */
static __always_inline int on_tree_alloc_exit(u64 frame, u64 start_ns, u64 iovad, u64 size, struct iova *iova)
{
	struct cpu_state *state = this_cpu_state();
	struct rcached_event *event;
	unsigned long pfn = 0;

	if (!state)
		return 0;
	if (iova)
		bpf_core_read(&pfn, sizeof(pfn), &iova->pfn_lo);
	if (pfn)
		nested_set(state->tree_alloc, frame, iovad, pfn);
	event = event_begin(state, RCACHED_OP_TREE_ALLOC, iovad);
	if (!event)
		return 0;
	event->pfn = pfn;
	event->size = size;
	event->arg = elapsed_since(start_ns);
	event->order = order_of(size);
	event_end(event);
	return 0;
}

/* Whether free_iova calls __free_iova (<= 5.10), which then reports every free; see kernel_code.bpf.h. */
__u64 inner_free_reports;

static __always_inline int on_tree_free(u64 frame, u64 iovad, u64 pfn)
{
	struct cpu_state *state = this_cpu_state();
	struct rcached_event *event;

	if (!state)
		return 0;
	nested_set(state->tree_free, frame, iovad, pfn);
	event = event_begin(state, RCACHED_OP_TREE_FREE, iovad);
	if (!event)
		return 0;
	event->pfn = pfn;
	event_end(event);
	return 0;
}

static __always_inline int on_free_iova(u64 frame, u64 iovad, u64 pfn)
{
	return inner_free_reports ? 0 : on_tree_free(frame, iovad, pfn);
}

/* __free_iova, which drivers with a domain of their own call, and free_iova up to 5.10. */
static __always_inline int on_inner_free(u64 frame, u64 iovad, struct iova *iova)
{
	unsigned long pfn = 0;

	bpf_core_read(&pfn, sizeof(pfn), &iova->pfn_lo);
	return on_tree_free(frame, iovad, pfn);
}

static __always_inline int on_magazine_free_enter(u64 frame, u64 iovad, struct iova_magazine *magazine)
{
	u64 flush_key = task_key(FN_FLUSH), reclaim_key = task_key(FN_RECLAIM);
	u8 cause = RCACHED_CAUSE_OVERFLOW, order = RCACHED_ORDER_NONE;
	struct cpu_state *state = this_cpu_state();
	unsigned long bottom = 0;
	u32 size = read_magazine_size(magazine);
	struct call *outer;

	if (size)
		bpf_core_read(&bottom, sizeof(bottom), &magazine->pfns[0]);
	outer = bpf_map_lookup_elem(&calls, &reclaim_key);
	if (outer && outer->domain == iovad && inside(frame, outer->frame)) {
		cause = RCACHED_CAUSE_RECLAIM;
		order = outer->order;
	} else {
		outer = bpf_map_lookup_elem(&calls, &flush_key);
		if (outer && outer->domain == iovad && same_stack(frame, outer->frame) &&
		    bpf_ktime_get_ns() - outer->start_ns < FLUSH_WINDOW_NS)
			cause = RCACHED_CAUSE_FLUSH;
	}
	if (cause == RCACHED_CAUSE_OVERFLOW && state) {
		state->overflow.domain = iovad;
		state->overflow.frame = frame;
	}
	return call_begin(
	    call_key(frame, FN_MAGAZINE_FREE),
	    (struct call){.domain = iovad, .pfn = bottom, .size = size, .cause = cause, .order = order});
}

static __always_inline int on_magazine_free_exit(u64 frame)
{
	struct cpu_state *state = this_cpu_state();
	struct rcached_event *event;
	struct call call;

	if (!call_finish(call_key(frame, FN_MAGAZINE_FREE), &call) || !state)
		return 0;
	event = event_begin(state, RCACHED_OP_MAGAZINE_FREE, call.domain);
	if (!event)
		return 0;
	event->pfn = call.pfn;
	event->size = call.size;
	event->arg = elapsed_since(call.start_ns);
	event->cause = call.cause;
	event->order = call.order;
	event_end(event);
	return 0;
}

/*
 * The entry stays after the return, because an emergency flush frees the magazines of the depots afterwards. If it cannot
 * be stored, those magazines get the wrong cause, and no return would notice that.
 */
static __always_inline int on_cpu_flush_enter(u64 frame, u64 iovad)
{
	if (!call_store(task_key(FN_FLUSH), (struct call){.domain = iovad, .frame = frame}))
		count_entry_missing();
	return 0;
}

static __always_inline int on_cpu_flush_exit(u64 iovad, u32 cpu)
{
	struct cpu_state *state = this_cpu_state();
	struct rcached_event *event;

	if (!state)
		return 0;
	event = event_begin(state, RCACHED_OP_CPU_FLUSH, iovad);
	if (!event)
		return 0;
	event->arg = cpu;
	event_end(event);
	return 0;
}

static __always_inline int on_reclaim_enter(u64 frame, u64 work)
{
	struct iova_rcache *rcache = NULL;
	struct iova_domain *iovad = NULL;
	u64 first;

	if (!bpf_core_field_exists(rcache->work))
		return 0;
	rcache = (void *)(work - bpf_core_field_offset(struct iova_rcache, work) -
			  bpf_core_field_offset(struct delayed_work, work));
	bpf_core_read(&iovad, sizeof(iovad), &rcache->iovad);
	first = rcache_address((u64)iovad, 0);
	if (!first)
		return 0;
	return call_begin(
	    task_key(FN_RECLAIM),
	    (struct call){.domain = (u64)iovad,
			  .arg = (u64)rcache,
			  .frame = frame,
			  .order = ((u64)rcache - first) / bpf_core_type_size(struct iova_rcache)});
}

static __always_inline int on_reclaim_exit(void)
{
	struct cpu_state *state = this_cpu_state();
	struct rcached_event *event;
	struct call call;

	if (!call_finish(task_key(FN_RECLAIM), &call) || !state)
		return 0;
	event = event_begin(state, RCACHED_OP_RECLAIM, call.domain);
	if (!event)
		return 0;
	event->order = call.order;
	event->arg = elapsed_since(call.start_ns);
	event->depot = read_depot_size(call.arg);
	event->flags |= RCACHED_FLAG_FILL | RCACHED_FLAG_DEPOT_ONLY;
	event_end(event);
	return 0;
}

static __always_inline int on_reserve(u64 iovad, u64 pfn_lo, u64 pfn_hi, u64 iova)
{
	struct cpu_state *state = this_cpu_state();
	struct rcached_event *event;

	if (!state)
		return 0;
	event = event_begin(state, RCACHED_OP_RESERVE, iovad);
	if (!event)
		return 0;
	event->pfn = pfn_lo;
	event->arg = pfn_hi;
	event->size = iova != 0;
	event_end(event);
	return 0;
}

static __always_inline int on_domain(u8 op, u64 iovad, u64 granule)
{
	struct cpu_state *state = this_cpu_state();
	struct rcached_event *event;

	if (!state)
		return 0;
	event = event_begin(state, op, iovad);
	if (!event)
		return 0;
	event->arg = granule;
	event_end(event);
	return 0;
}

static __always_inline u64 domain_of_timer(u64 timer)
{
	struct iova_domain___fq *domain = NULL;

	if (bpf_core_field_exists(domain->fq_timer))
		return timer - bpf_core_field_offset(struct iova_domain___fq, fq_timer);
	return timer - bpf_core_field_offset(struct iommu_dma_cookie, fq_timer) +
	       bpf_core_field_offset(struct iommu_dma_cookie, iovad);
}

static __always_inline int on_fq_drain_enter(u64 frame, u64 timer)
{
	struct cpu_state *state = this_cpu_state();
	u64 domain = domain_of_timer(timer);

	if (state) {
		state->drain.frame = frame;
		state->drain.frees = 0;
		state->drain.domain = domain;
	}
	return call_begin(call_key(frame, FN_FQ), (struct call){.domain = domain});
}

static __always_inline int on_fq_drain_exit(u64 frame)
{
	struct cpu_state *state = this_cpu_state();
	struct rcached_event *event;
	struct call call;
	u32 frees = 0;
	int entered = call_finish(call_key(frame, FN_FQ), &call);

	if (!state)
		return 0;
	if (state->drain.frame == frame) {
		frees = state->drain.frees;
		state->drain.domain = 0;
	}
	if (!entered)
		return 0;
	event = event_begin(state, RCACHED_OP_FQ_DRAIN, call.domain);
	if (!event)
		return 0;
	event->size = frees;
	event->arg = elapsed_since(call.start_ns);
	event_end(event);
	return 0;
}

#endif
