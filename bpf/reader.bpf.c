// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the state of one IOVA domain from kernel memory, without a probe: programs that the daemon runs on
 * demand (BPF_PROG_TEST_RUN on raw_tp), one limited chunk per run, and that are never attached. They take no
 * lock, so each program checks what it has read and returns CHANGED if the kernel modified it meanwhile. A
 * separate object, so that it can be loaded where the probes cannot. See daemon/source/kernel_reader.h for the
 * guarantees.
 */
#include "reader.h"
#include "rcache.bpf.h"

char LICENSE[] SEC("license") = "GPL";

struct rcached_read_request request;
struct rcached_read_run run;
struct rcached_read_cpu cpu_answer;
struct rcached_read_depot depot_answer;
struct rcached_read_tree tree_answer;
struct rcached_read_constants constants_answer;
struct rcached_read_flush_queue flush_queue_answer;

#include "reader_tree.bpf.h"

/* Almost anything that is not a struct iova_domain fails this: init_iova_domain() sets both members together. */
static __always_inline int domain_is_sane(u64 iovad)
{
	struct iova_domain *domain = (void *)iovad;
	unsigned long granule = 0, dma_32bit_pfn = 0;

	if (bpf_core_read(&granule, sizeof(granule), &domain->granule) ||
	    bpf_core_read(&dma_32bit_pfn, sizeof(dma_32bit_pfn), &domain->dma_32bit_pfn))
		return 0;
	constants_answer.granule_bytes = granule;
	constants_answer.dma_32bit_pfn = dma_32bit_pfn;
	return granule >= 4096 && granule <= 1ULL << 32 && !(granule & (granule - 1)) &&
	       granule * dma_32bit_pfn == 1ULL << 32;
}

static __always_inline int run_begin(void)
{
	run.begin_ns = bpf_ktime_get_ns();
	run.status = domain_is_sane(request.domain) ? RCACHED_READ_OK : RCACHED_READ_FAULT;
	return run.status == RCACHED_READ_OK;
}

static __always_inline int run_end(u32 status)
{
	run.status = status;
	run.end_ns = bpf_ktime_get_ns();
	return 0;
}

/* Copies only the pfns in use: most magazines are not full, and copying is the expensive part. */
static __always_inline u32 copy_magazine(struct rcached_read_magazine *out, struct iova_magazine *magazine,
					 u64 size)
{
	u64 pfns = (u64)magazine + bpf_core_field_offset(struct iova_magazine, pfns);

	if (size > RCACHED_READ_CAPACITY ||
	    size * sizeof(u64) > bpf_core_field_size(struct iova_magazine, pfns))
		return RCACHED_READ_CHANGED;
	if (bpf_probe_read_kernel(out->pfns, size * sizeof(u64), (void *)pfns))
		return RCACHED_READ_FAULT;
	return RCACHED_READ_OK;
}

/* A magazine of a CPU. */
static __always_inline u32 read_magazine(struct rcached_read_magazine *out, struct iova_magazine *magazine)
{
	unsigned long size = 0;

	out->address = (u64)magazine;
	out->size = 0;
	if (!magazine)
		return RCACHED_READ_OK;
	if (bpf_core_read(&size, sizeof(size), &magazine->size))
		return RCACHED_READ_FAULT;
	out->size = size;
	return copy_magazine(out, magazine, size);
}

/* loaded and prev of one order, in one reading. */
static __always_inline u32 read_order(u32 reading, u32 order, u64 cpu_rcache_of_order)
{
	struct iova_cpu_rcache *cpu_rcache = (void *)cpu_rcache_of_order;
	struct iova_magazine *loaded = NULL, *prev = NULL;
	struct rcached_read_magazine *out = &cpu_answer.magazines[reading][2 * order];
	u32 status;

	if (bpf_core_read(&loaded, sizeof(loaded), &cpu_rcache->loaded) ||
	    bpf_core_read(&prev, sizeof(prev), &cpu_rcache->prev))
		return RCACHED_READ_FAULT;
	status = read_magazine(out, loaded);
	if (status != RCACHED_READ_OK)
		return status;
	return read_magazine(out + 1, prev);
}

SEC("raw_tp/sys_enter")
int reader_per_cpu_offsets(void *ctx)
{
	read_per_cpu_offsets();
	return 0;
}

SEC("raw_tp/sys_enter")
int reader_constants(void *ctx)
{
	struct iova_domain *domain = (void *)request.domain;
	unsigned long start_pfn = 0;

	if (!run_begin())
		return run_end(RCACHED_READ_FAULT);
	if (bpf_core_read(&start_pfn, sizeof(start_pfn), &domain->start_pfn))
		return run_end(RCACHED_READ_FAULT);
	constants_answer.start_pfn = start_pfn;
	return run_end(RCACHED_READ_OK);
}

/*
 * Reads everything twice. The daemon compares the two readings: a difference means that an interrupt on this
 * CPU (or, if read from another CPU, the CPU itself) was modifying it.
 */
SEC("raw_tp/sys_enter")
int reader_cpu(void *ctx)
{
	u32 cpu = request.cpu, status;
	u64 rcache, cpu_rcache;

	if (!run_begin() || cpu >= RCACHED_MAX_CPUS || !per_cpu_offset[cpu])
		return run_end(RCACHED_READ_FAULT);
	for (u32 i = 0; i < 2 * RCACHED_CACHED_ORDERS; i++) {
		u32 reading = i >= RCACHED_CACHED_ORDERS;
		u32 order = reading ? i - RCACHED_CACHED_ORDERS : i;

		rcache = rcache_address(request.domain, order);
		cpu_rcache = rcache ? cpu_rcache_address(rcache, cpu) : 0;
		if (!cpu_rcache)
			return run_end(RCACHED_READ_FAULT);
		status = read_order(reading, order, cpu_rcache);
		if (status != RCACHED_READ_OK)
			return run_end(status);
	}
	return run_end(RCACHED_READ_OK);
}

/* The depot as a list (>= 6.7): the first word of a magazine is the address of the next one below. */
static __always_inline u32 read_below(u64 address, u64 *below)
{
	struct iova_magazine *magazine = (void *)address, *next = NULL;

	if (!magazine || bpf_core_read(&next, sizeof(next), &magazine->next))
		return RCACHED_READ_CHANGED;
	*below = (u64)next;
	return RCACHED_READ_OK;
}

static __always_inline u64 depot_list_top(u64 rcache)
{
	struct iova_magazine *top = NULL;

	bpf_core_read(&top, sizeof(top), &((struct iova_rcache *)rcache)->depot);
	return (u64)top;
}

/* The kernel sets top and size one after the other: the pair is valid if it is the same twice. */
static __always_inline int depot_list_begin(u64 rcache, u32 *size, u64 *top)
{
	*size = read_depot_size(rcache);
	*top = depot_list_top(rcache);
	return *size == read_depot_size(rcache) && *top == depot_list_top(rcache);
}

static __always_inline u64 depot_array_slot(u64 rcache, u32 position)
{
	u64 magazine = 0;

	bpf_probe_read_kernel(&magazine, sizeof(magazine),
			      (void *)(rcache + bpf_core_field_offset(struct iova_rcache___array, depot) +
				       position * sizeof(u64)));
	return magazine;
}

/* The depot as an array (<= 6.6): a magazine keeps its size, which is that of a full one. */
static __always_inline u32 check_full(u64 address)
{
	struct iova_magazine *magazine = (void *)address;
	unsigned long size = 0;

	if (!magazine || bpf_core_read(&size, sizeof(size), &magazine->size) ||
	    size * sizeof(u64) != bpf_core_field_size(struct iova_magazine, pfns))
		return RCACHED_READ_CHANGED;
	return RCACHED_READ_OK;
}

/*
 * Reads from the top down. A magazine in the depot does not change, and none below the first one of this run
 * can be removed before it: so the run is valid if the first one is still there at the end.
 */
SEC("raw_tp/sys_enter")
int reader_depot(void *ctx)
{
	const u32 capacity = bpf_core_field_size(struct iova_magazine, pfns) / sizeof(u64);
	struct iova_rcache *list = NULL;
	const int is_list = bpf_core_field_exists(list->depot);
	u64 rcache, address, below = 0, first_below = 0;
	u32 left = request.left, size;

	depot_answer.count = 0;
	if (!run_begin() || request.order >= RCACHED_CACHED_ORDERS)
		return run_end(RCACHED_READ_FAULT);
	rcache = rcache_address(request.domain, request.order);
	if (!rcache)
		return run_end(RCACHED_READ_FAULT);
	address = request.next;
	size = read_depot_size(rcache);
	if (request.first) {
		if (is_list && !depot_list_begin(rcache, &size, &address))
			return run_end(RCACHED_READ_CHANGED);
		left = size;
	}
	if (left > size)
		return run_end(RCACHED_READ_CHANGED);
	if (!is_list && size > bpf_core_field_size(struct iova_rcache___array, depot) / sizeof(u64))
		return run_end(RCACHED_READ_FAULT);
	depot_answer.depot_size = size;
	depot_answer.left_before = left;
	for (u32 i = 0; i < RCACHED_READ_DEPOT; i++) {
		struct rcached_read_magazine *out = &depot_answer.magazines[i];

		if (i >= left)
			break;
		if (is_list) {
			/* The bottom one has 0, all others a kernel address. A popped magazine has its size here. */
			if (read_below(address, &below) || (i + 1 == left ? below != 0 : (long)below >= 0))
				return run_end(RCACHED_READ_CHANGED);
		} else {
			address = depot_array_slot(rcache, left - 1 - i);
			if (check_full(address))
				return run_end(RCACHED_READ_CHANGED);
		}
		out->address = address;
		out->size = capacity;
		if (copy_magazine(out, (void *)address, capacity))
			return run_end(RCACHED_READ_CHANGED);
		if (i == 0)
			first_below = below;
		address = below;
		depot_answer.count = i + 1;
	}
	depot_answer.next = below;
	if (read_depot_size(rcache) < left)
		return run_end(RCACHED_READ_CHANGED);
	if (left) {
		address = depot_answer.magazines[0].address;
		if (is_list ? (read_below(address, &below) || below != first_below)
			    : depot_array_slot(rcache, left - 1) != address)
			return run_end(RCACHED_READ_CHANGED);
	}
	return run_end(RCACHED_READ_OK);
}

static __always_inline int read_tree(int call)
{
	tree_answer.count = 0;
	tree_answer.end = 0;
	if (!run_begin())
		return run_end(RCACHED_READ_FAULT);
	return run_end(walk_tree(request.domain, call));
}

/* One of the two is loaded: this one if the kernel has bpf_loop(). */
SEC("?raw_tp/sys_enter")
int reader_tree_called(void *ctx)
{
	return read_tree(1);
}

SEC("?raw_tp/sys_enter")
int reader_tree(void *ctx)
{
	return read_tree(0);
}

/* The queues are in the domain itself (<= 5.16) or in the cookie that contains it. */
static __always_inline u64 flush_queues(u64 iovad, u32 *single)
{
	u64 cookie_address = iovad - bpf_core_field_offset(struct iommu_dma_cookie, iovad);
	struct iommu_dma_cookie *cookie = (void *)cookie_address;
	struct iova_domain___fq *domain = (void *)iovad;
	enum iommu_dma_queue_type type = 0;
	struct iova_fq *queue = NULL;

	*single = 0;
	if (bpf_core_field_exists(domain->fq)) {
		bpf_core_read(&queue, sizeof(queue), &domain->fq);
	} else if (bpf_core_field_exists(cookie->percpu_fq)) {
		bpf_core_read(&queue, sizeof(queue), &cookie->percpu_fq);
		bpf_core_read(&type, sizeof(type), &cookie->options.qt);
		*single = type == IOMMU_DMA_OPTS_SINGLE_QUEUE;
	} else if (bpf_core_field_exists(cookie->fq)) {
		bpf_core_read(&queue, sizeof(queue), &cookie->fq);
	}
	return (u64)queue;
}

/* Ranges between head and tail of one ring. */
static __always_inline u32 read_pending(u64 queue_address, u32 *pending)
{
	struct iova_fq *queue = (void *)queue_address;
	unsigned int head = 0, tail = 0, mask;

	if (bpf_core_field_exists(queue->mod_mask)) {
		mask = 0;
		if (bpf_core_read(&mask, sizeof(mask), &queue->mod_mask))
			return RCACHED_READ_FAULT;
	} else {
		mask =
		    bpf_core_field_size(struct iova_fq, entries) / bpf_core_type_size(struct iova_fq_entry) -
		    1;
	}
	if (bpf_core_read(&head, sizeof(head), &queue->head) ||
	    bpf_core_read(&tail, sizeof(tail), &queue->tail))
		return RCACHED_READ_FAULT;
	if ((mask & (mask + 1)) || head > mask || tail > mask)
		return RCACHED_READ_FAULT;
	*pending = (tail - head) & mask;
	return RCACHED_READ_OK;
}

SEC("raw_tp/sys_enter")
int reader_flush_queue(void *ctx)
{
	u32 single = 0, pending = 0, cpu;
	u64 queues;

	flush_queue_answer.present = 0;
	flush_queue_answer.single = 0;
	if (!run_begin())
		return run_end(RCACHED_READ_FAULT);
	queues = flush_queues(request.domain, &single);
	if (!queues)
		return run_end(RCACHED_READ_OK);
	flush_queue_answer.present = 1;
	flush_queue_answer.single = single;
	for (u32 i = 0; i < RCACHED_READ_QUEUES; i++) {
		if (i >= (single ? 1 : request.cpus))
			break;
		cpu = request.cpu + i;
		if (!single && (cpu >= RCACHED_MAX_CPUS || !per_cpu_offset[cpu]))
			return run_end(RCACHED_READ_FAULT);
		if (read_pending(single ? queues : queues + per_cpu_offset[cpu], &pending))
			return run_end(RCACHED_READ_FAULT);
		flush_queue_answer.pending[i] = pending;
	}
	return run_end(RCACHED_READ_OK);
}
