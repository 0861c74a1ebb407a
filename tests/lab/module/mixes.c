// SPDX-License-Identifier: GPL-2.0-only
/* The exerciser's mixes: they select the next operation of a thread. */
#include <linux/log2.h>
#include <linux/string.h>
#include <linux/version.h>

#include "worker.h"

unsigned int any_domain(struct worker *w)
{
	u64 random = draw(w);

	return plan.domain >= 0 ? plan.domain : pick_domain(random);
}

/* Between half of the order and all of it. Before 5.17, callers round up cacheable sizes. */
static unsigned int size_of_order(struct worker *w, unsigned int order)
{
	unsigned int size = 1u << order;

	if (order > 1 && below(w, 2))
		size -= below(w, size / 2);
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 17, 0)
	if (size < 1u << (CACHED_ORDERS - 1))
		size = roundup_pow_of_two(size);
#endif
	return size;
}

unsigned int any_size(struct worker *w, unsigned int first, unsigned int end)
{
	unsigned int order = first + below(w, end - first);

	return size_of_order(w, plan.order >= 0 ? plan.order : order);
}

/* True if the next operation is an allocation: keeps the number of held ranges near plan.live. */
static bool wants_more(struct worker *w)
{
	return w->count < MAX_HELD && held(w) < 2 * below(w, plan.live + 1);
}

static void step_steady(struct worker *w)
{
	if (wants_more(w))
		alloc_mapping(w, any_domain(w), any_size(w, 0, CACHED_ORDERS));
	else
		free_some(w, 1);
}

static void step_large(struct worker *w)
{
	if (wants_more(w))
		alloc_mapping(w, any_domain(w), any_size(w, CACHED_ORDERS, ORDERS));
	else
		free_some(w, 1);
}

static void step_tree(struct worker *w)
{
	if (wants_more(w))
		alloc_direct(w, any_domain(w), any_size(w, 0, ORDERS), below(w, 2), DIRECT);
	else
		free_some(w, 1);
}

/* As drivers with a domain of their own: two of three ranges are freed by __free_iova. */
static void step_drivers(struct worker *w)
{
	unsigned int size = any_size(w, 0, ORDERS);

	if (!wants_more(w))
		free_some(w, 1);
	else if (!below(w, 8))
		alloc_mapping(w, any_domain(w), size);
	else
		alloc_direct(w, any_domain(w), size, below(w, 2), below(w, 3) ? INNER : DIRECT);
}

/* Limits of devices with narrow DMA masks, which the first cached pfn may exceed. */
static void step_limits(struct worker *w)
{
	static const unsigned int bits[] = {17, 18, 20, 24, 30, 36};
	unsigned int domain = any_domain(w);

	if (wants_more(w))
		alloc_fast(w, domain, any_size(w, 0, CACHED_ORDERS), (1UL << bits[below(w, 6)]) - 1, false);
	else
		free_some(w, 1);
}

static void burst(struct worker *w, unsigned int count)
{
	unsigned int domain = any_domain(w);
	unsigned int size = any_size(w, 0, CACHED_ORDERS);
	unsigned int base = w->count;
	bool newest_first = below(w, 2);
	unsigned int i;

	for (i = 0; i < count && w->count < MAX_HELD && !over(w); i++)
		alloc_mapping(w, domain, size);
	if (newest_first) {
		while (w->count > base && !over(w))
			free_at(w, w->count - 1);
	} else {
		while (w->count > base && !over(w))
			free_at(w, base + below(w, w->count - base));
	}
}

/* One order at a time, more ranges than fit in all caches: a depot becomes full. */
static void step_depot(struct worker *w)
{
	burst(w, plan.burst);
}

/* Runs out of space: the kernel flushes all caches and tries again. */
static void step_flush(struct worker *w)
{
	unsigned int domain = any_domain(w);
	unsigned long limit = domain_at(domain)->start_pfn + plan.window - 1;

	if (w->count == MAX_HELD || !alloc_fast(w, domain, any_size(w, 0, CACHED_ORDERS), limit, true))
		free_some(w, held(w) / 2 + 1);
}

/* Allocated by this thread, freed by the next one. */
static void step_handover(struct worker *w)
{
	unsigned int burst = 1 + below(w, 64);

	while (burst-- && !over(w) && w->count < MAX_HELD) {
		if (alloc_mapping(w, any_domain(w), any_size(w, 0, CACHED_ORDERS)))
			give(w, workers[(w->id + 1) % plan.threads]);
	}
	drain(w);
	free_some(w, held(w) > plan.live ? held(w) - plan.live : 0);
}

static void step_mixed(struct worker *w)
{
	unsigned int chance = below(w, 20000);

	if (chance < 13000)
		step_steady(w);
	else if (chance < 16500)
		step_limits(w);
	else if (chance < 19500)
		step_large(w);
	else if (chance < 19900)
		step_handover(w);
	else if (chance < 19999)
		burst(w, 50 + below(w, 450));
	else
		step_flush(w);
}

static const struct {
	const char *name;
	void (*step)(struct worker *w);
} mixes[] = {
	{"mixed", step_mixed}, {"steady", step_steady}, {"large", step_large},
	{"tree", step_tree},   {"depot", step_depot},	{"handover", step_handover},
	{"flush", step_flush}, {"limits", step_limits}, {"drivers", step_drivers},
};

int program_mix(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mixes); i++)
		if (!strcmp(name, mixes[i].name))
			return i;
	return -EINVAL;
}

const char *program_mix_name(unsigned int mix)
{
	return mixes[mix].name;
}

void program_step(struct worker *w)
{
	mixes[plan.mix].step(w);
}
