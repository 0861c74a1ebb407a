/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Maps and globals of the probes. One ring buffer per CPU: 35 ns per event, while a shared ring costs 250 ns.
 */
#ifndef RCACHED_BPF_MAPS_BPF_H
#define RCACHED_BPF_MAPS_BPF_H

#include "event.h"
#include "frame.bpf.h"
#include "per_cpu.bpf.h"

/* A nested call that has just finished, kept for the outer call that it belongs to. */
struct nested_call {
	u64 domain;
	u64 pfn;
	u64 frame;
};

struct drain {
	u64 domain;
	u64 frame;
	u64 frees; /* of its domain, made by the drain so far */
};

#define NESTED_SLOTS 8 /* a power of two; the index is the low bits of the pfn */

/* A call whose first program has sent its event; domain 0: none (see twin.bpf.h). */
struct made_call {
	u64 domain;
	u64 pfn;
};

/* All per-CPU data is in one map value, so the hot path needs one lookup. */
struct cpu_state {
	struct rcached_cpu_stats stats;
	struct nested_call tree_alloc[NESTED_SLOTS];
	struct nested_call tree_free[NESTED_SLOTS];
	struct nested_call overflow;
	/* The drain of a flush queue that is in progress on this CPU; domain 0: none. */
	struct drain drain;
	struct made_call made_allocs[NESTED_SLOTS];
	struct made_call made_frees[NESTED_SLOTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct cpu_state);
} cpu_state SEC(".maps");

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
};

/* By CPU id: resized to the highest possible one + 1 at load time; the daemon creates a ring for each possible CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, u32);
	__array(values, struct ring);
} rings SEC(".maps");

/*
 * A call between its entry and its return; the keys are those of frame.bpf.h. A call whose return is missed stays until
 * another one has the same key, or until the daemon removes it (daemon/source/call_table.h).
 */
struct call {
	u64 start_ns; /* first: the daemon reads it */
	u64 domain;
	u64 pfn;
	u64 arg;
	u64 frame;
	u32 size;
	u8 cause;
	u8 order;
	u16 unused;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, u64);
	__type(value, struct call);
} calls SEC(".maps");

struct rcached_discovery discovery;

#endif
