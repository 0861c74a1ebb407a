// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lets the host tests call the probes' own functions: raw_tp programs, run on demand, that call the functions of
 * operations.bpf.h on a domain built in this object's memory with the layout of the running kernel's BTF.
 * Everything except the attachment is the code that runs in production. Two timers call them in two softirqs at once.
 */
#include "feeder.h"
#include "operations.bpf.h"
#include "twin.bpf.h"
#include "kernel_state.bpf.h"
#include "kernel_code.bpf.h"

char LICENSE[] SEC("license") = "GPL";

struct feeder_call call_arguments;
struct feeder_domain fake_domain;
struct feeder_race race;

/* Addresses of the structures as plain numbers, as a kprobe gets them; set by feeder_build. */
__u64 domain_address;
__u64 work_address;
__u64 fq_timer_address;
__u64 code_address;

/* Memory for the kernel structures. */
__u8 memory_domain[1024] __attribute__((aligned(8)));
__u8 memory_rcaches[6 * 1024] __attribute__((aligned(8)));
__u8 memory_cpu_rcache[256] __attribute__((aligned(8)));
__u8 memory_loaded[2048] __attribute__((aligned(8)));
__u8 memory_prev[2048] __attribute__((aligned(8)));
__u8 memory_iova[128] __attribute__((aligned(8)));
__u32 memory_active[RCACHED_FIRST_PROGRAMS]; /* as the kernel counts the runs of the first programs */
__u8 memory_code[CODE_BYTES] __attribute__((aligned(8))); /* machine code, written by the test */

/* Separate from the relocation of the offset, which the compiler would otherwise merge into a store of fixed width. */
static __always_inline void put(__u8 *memory, u64 offset, u64 value)
{
	barrier_var(offset);
	*(u64 *)(memory + offset) = value;
}

#define PUT(memory, type, field, value) put(memory, bpf_core_field_offset(type, field), value)

/* Lays out the domain: rcaches[order] with one CPU's loaded and prev, the depot's size, one struct iova. */
static __always_inline void build_domain(void)
{
	u32 order = fake_domain.order;
	u64 rcache = (u64)order * bpf_core_type_size(struct iova_rcache);
	struct iova_domain *domain = NULL;

	if (bpf_core_field_exists(domain->rcaches))
		PUT(memory_domain, struct iova_domain, rcaches, (u64)memory_rcaches);
	if (rcache > sizeof(memory_rcaches) - 512)
		return;
	/* 4 bytes wide since 6.7; the next member is set below or not read */
	PUT(memory_rcaches + rcache, struct iova_rcache, depot_size, fake_domain.depot);
	PUT(memory_rcaches + rcache, struct iova_rcache, cpu_rcaches,
	    (u64)memory_cpu_rcache - FEEDER_PER_CPU_OFFSET);
	PUT(memory_cpu_rcache, struct iova_cpu_rcache, loaded,
	    fake_domain.loaded_null ? 0 : (u64)memory_loaded);
	PUT(memory_cpu_rcache, struct iova_cpu_rcache, prev, (u64)memory_prev);
	PUT(memory_loaded, struct iova_magazine, size, fake_domain.loaded);
	PUT(memory_loaded, struct iova_magazine, pfns, fake_domain.bottom);
	PUT(memory_prev, struct iova_magazine, size, fake_domain.prev);
	PUT(memory_iova, struct iova, pfn_lo, fake_domain.iova_pfn);
	if (bpf_core_field_exists(((struct iova_rcache *)0)->iovad))
		PUT(memory_rcaches + rcache, struct iova_rcache, iovad, (u64)memory_domain);
	frames_begin();
	domain_address = (u64)memory_domain;
	code_address = (u64)memory_code;
	for (u32 i = 0; i < RCACHED_FIRST_PROGRAMS; i++)
		first_active[i] = (u64)&memory_active[i] - FEEDER_PER_CPU_OFFSET;
	/* chosen so that domain_of_timer() returns memory_domain */
	fq_timer_address = (u64)memory_domain - domain_of_timer(0);
	if (bpf_core_field_exists(((struct iova_rcache *)0)->work))
		work_address = (u64)memory_rcaches + rcache +
			       bpf_core_field_offset(struct iova_rcache, work) +
			       bpf_core_field_offset(struct delayed_work, work);
	for (u32 cpu = 0; cpu < RCACHED_MAX_CPUS; cpu++)
		per_cpu_offset[cpu] = FEEDER_PER_CPU_OFFSET;
}

static __always_inline void feed(u32 function, u64 domain, const struct feeder_call *arguments)
{
	u64 frame = arguments->frame, pfn = arguments->pfn, size = arguments->size;
	struct call call = {};

	switch (function) {
	case FEED_ALLOC:
		on_alloc(frame, domain, size, arguments->arg, pfn);
		break;
	case FEED_FREE:
		on_free(frame, domain, pfn, size, FREE_ASK_NESTED);
		break;
	case FEED_FREE_TO_CACHE:
		on_free(frame, domain, pfn, size, FREE_TO_CACHE);
		break;
	case FEED_FREE_TO_TREE:
		on_free(frame, domain, pfn, size, FREE_TO_TREE);
		break;
	case FEED_TREE_ALLOC:
		on_tree_alloc_enter(frame, domain, size);
		call_take(call_key(frame, FN_TREE_ALLOC), &call);
		on_tree_alloc_exit(frame, call.start_ns, domain, size,
				   fake_domain.iova_pfn ? (struct iova *)memory_iova : NULL);
		break;
	case FEED_TREE_FREE:
		on_free_iova(frame, domain, pfn);
		break;
	case FEED_INNER_FREE:
		on_inner_free(frame, domain, (struct iova *)memory_iova);
		break;
	}
}

static __always_inline void feed_rare(u32 function, u64 domain, const struct feeder_call *arguments)
{
	u64 frame = arguments->frame;

	switch (function) {
	case FEED_MAGAZINE_FREE:
		on_magazine_free_enter(frame, domain, (struct iova_magazine *)memory_loaded);
		on_magazine_free_exit(frame);
		break;
	case FEED_CPU_FLUSH:
		on_cpu_flush_enter(frame, domain);
		on_magazine_free_enter(frame, domain, (struct iova_magazine *)memory_loaded);
		on_magazine_free_exit(frame);
		on_cpu_flush_exit(domain, arguments->arg);
		break;
	case FEED_RECLAIM:
		on_reclaim_enter(frame, work_address);
		on_magazine_free_enter(frame, domain, (struct iova_magazine *)memory_loaded);
		on_magazine_free_exit(frame);
		on_reclaim_exit();
		break;
	case FEED_RECLAIM_BEGIN:
		on_reclaim_enter(frame, work_address);
		break;
	case FEED_RESERVE:
		on_reserve(domain, arguments->pfn, arguments->arg, arguments->size);
		break;
	case FEED_DOMAIN_INIT:
		on_domain(RCACHED_OP_DOMAIN_INIT, domain, arguments->arg);
		break;
	case FEED_DOMAIN_PUT:
		on_domain(RCACHED_OP_DOMAIN_PUT, domain, 0);
		break;
	case FEED_FQ_DRAIN_BEGIN:
		on_fq_drain_enter(frame, fq_timer_address);
		break;
	case FEED_FQ_DRAIN_END:
		on_fq_drain_exit(frame);
		break;
	}
}

static __always_inline void feed_twin(u32 function, u64 domain, const struct feeder_call *arguments)
{
	struct cpu_state *state = this_cpu_state();
	u64 frame = arguments->frame, pfn = arguments->pfn, size = arguments->size;

	switch (function) {
	case FEED_FIRST_ALLOC_BEGINS:
		memory_active[RCACHED_FIRST_ALLOC]++;
		break;
	case FEED_FIRST_ALLOC_ENDS:
		if (state)
			first_ends(state->made_allocs, domain, pfn);
		memory_active[RCACHED_FIRST_ALLOC]--;
		break;
	case FEED_FIRST_ALLOC:
		first_alloc(frame, domain, size, arguments->arg, pfn);
		break;
	case FEED_TWIN_ALLOC:
		twin_alloc(frame, domain, size, arguments->arg, pfn);
		break;
	case FEED_FIRST_FREE:
		first_free(frame, domain, pfn, size, FREE_ASK_NESTED);
		break;
	case FEED_TWIN_FREE:
		twin_free(frame, domain, pfn, size, FREE_ASK_NESTED);
		break;
	}
}

SEC("raw_tp/sys_enter")
int feeder_build(void *ctx)
{
	build_domain();
	return 0;
}

SEC("raw_tp/sys_enter")
int feeder_feed(void *ctx)
{
	u32 count = call_arguments.repeat;

	for (u32 i = 0; i < FEEDER_MAX_REPEAT; i++) {
		if (i >= count)
			break;
		feed(call_arguments.function, domain_address, &call_arguments);
	}
	return 0;
}

SEC("raw_tp/sys_enter")
int feeder_feed_rare(void *ctx)
{
	feed_rare(call_arguments.function, domain_address, &call_arguments);
	return 0;
}

SEC("raw_tp/sys_enter")
int feeder_feed_twin(void *ctx)
{
	feed_twin(call_arguments.function, domain_address, &call_arguments);
	return 0;
}

/* `pfn` is the target's distance from the code. */
SEC("raw_tp/sys_enter")
int feeder_find_inner_free(void *ctx)
{
	inner_free_reports = code_reaches(code_address, code_address + call_arguments.pfn);
	return 0;
}

SEC("raw_tp/sys_enter")
int feeder_walk_groups(void *ctx)
{
	walk_groups();
	return 0;
}

#define TIMER_CPU_PIN (1 << 1) /* BPF_F_TIMER_CPU_PIN, 6.7 */
#define ROUNDS 16 /* so few that softirqs are not left to ksoftirqd */
#define LONGEST_WAIT 20000

struct racer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FEEDER_RACERS);
	__type(key, u32);
	__type(value, struct racer);
} racers SEC(".maps");

static __always_inline u64 task_inside(u32 racer)
{
	return *(volatile u64 *)&race.inside[racer & 1];
}

static long is_inside(u32 round, u32 *racer)
{
	return task_inside(*racer) != 0;
}

/* A drain that frees a magazine and a range; its frame is this program's own. */
static long race_round(u32 round, u32 *racer)
{
	u32 me = *racer & 1, other = !me;
	u64 place = me * FEEDER_RACER_DOMAINS, task = bpf_get_current_pid_tgid() + 1;
	u64 frame = frame_of(&place);
	int met;

	on_fq_drain_enter(frame, fq_timer_address + place);
	on_magazine_free_enter(frame, domain_address + place,
			       (struct iova_magazine *)(me ? memory_loaded : memory_prev));
	__sync_fetch_and_add(&race.inside[me], task);
	met = bpf_loop(LONGEST_WAIT, is_inside, &other, 0) < LONGEST_WAIT;
	race.overlaps[me] += met;
	race.alike[me] += met && task_inside(other) == task;
	__sync_fetch_and_add(&race.inside[me], -task);
	on_magazine_free_exit(frame);
	on_free(frame, domain_address + place, me + 1, 64, FREE_ASK_NESTED);
	on_fq_drain_exit(frame);
	race.calls[me]++;
	return !met;
}

static int race_fires(void *map, u32 *racer, struct racer *value)
{
	u32 me = *racer;

	bpf_loop(ROUNDS, race_round, &me, 0);
	if (race.alike[0] + race.alike[1] < race.wanted)
		bpf_timer_start(&value->timer, 200000, TIMER_CPU_PIN);
	return 0;
}

SEC("syscall")
int feeder_race_begin(void *ctx)
{
	u32 me = race.racer;
	struct racer *racer = bpf_map_lookup_elem(&racers, &me);

	if (!racer || bpf_timer_init(&racer->timer, &racers, 1 /* CLOCK_MONOTONIC */) ||
	    bpf_timer_set_callback(&racer->timer, race_fires))
		return 1;
	return bpf_timer_start(&racer->timer, 5000000, TIMER_CPU_PIN) != 0;
}
