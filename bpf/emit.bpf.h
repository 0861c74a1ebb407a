/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sends an event: counts it, reserves it in this CPU's ring, fills it, and submits it without a wakeup.
 * A wakeup from a probe makes the kernel skip other programs, so the daemon polls on a timer instead.
 * Used by the probes and by the feeders of the host tests.
 */
#ifndef RCACHED_BPF_EMIT_BPF_H
#define RCACHED_BPF_EMIT_BPF_H

#include "maps.bpf.h"

static __always_inline struct cpu_state *this_cpu_state(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&cpu_state, &zero);
}

static __always_inline void charge_loss(struct cpu_state *state, u64 domain)
{
	u64 pointer = domain, number = 0;

	/* The verifier forbids arithmetic on what it knows to be a pointer. */
	bpf_probe_read_kernel(&number, sizeof(number), &pointer);
	if (number)
		__sync_fetch_and_add(&state->stats.ring_full_by_bucket[rcached_loss_bucket(number)], 1);
}

/*
 * Counts the event and returns a record with the common members set and the rest zero. Returns NULL if the
 * ring is full; this is counted, and the next record that fits reports it. The counters are atomic because an
 * interrupt on this CPU may run the same code in between.
 */
static __always_inline struct rcached_event *event_begin(struct cpu_state *state, u8 op, u64 domain)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct rcached_event *event;
	void *ring;

	__sync_fetch_and_add(&state->stats.sent, 1);
	ring = bpf_map_lookup_elem(&rings, &cpu);
	if (!ring)
		goto lost;
	event = bpf_ringbuf_reserve(ring, sizeof(*event), 0);
	if (!event)
		goto lost;
	event->time_ns = bpf_ktime_get_ns();
	event->domain = domain;
	event->pfn = 0;
	event->arg = 0;
	event->size = 0;
	event->depot = 0;
	event->loaded = 0;
	event->prev = 0;
	event->cpu = cpu;
	event->op = op;
	event->flags = 0;
	event->order = RCACHED_ORDER_NONE;
	event->cause = 0;
	event->reserved[0] = 0;
	event->reserved[1] = 0;
	event->reserved[2] = 0;
	if (state->stats.loss_pending) {
		state->stats.loss_pending = 0;
		event->flags = RCACHED_FLAG_AFTER_LOSS;
	}
	return event;
lost:
	charge_loss(state, domain);
	__sync_fetch_and_add(&state->stats.ring_full, 1);
	state->stats.loss_pending = 1;
	return NULL;
}

static __always_inline void event_end(struct rcached_event *event)
{
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

#endif
