// SPDX-License-Identifier: GPL-2.0-only
/* Operations of an exerciser thread, and its counters: threads share only the allocator. */
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/sched.h>

#include "worker.h"

u64 draw(struct worker *w)
{
	u64 z = w->random += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

unsigned int below(struct worker *w, unsigned int end)
{
	return (draw(w) >> 33) % end;
}

bool over(struct worker *w)
{
	return w->ops >= w->quota || READ_ONCE(stopping);
}

/* After every call of the allocator: yields the CPU, and limits the rate. */
static void pace(struct worker *w)
{
	w->ops++;
	cond_resched();
	while (plan.rate && !READ_ONCE(stopping)) {
		u64 due = started + div_u64(w->ops * NSEC_PER_SEC, plan.rate);
		u64 now = ktime_get_ns();

		if (due < now + NSEC_PER_MSEC)
			break;
		usleep_range(min_t(u64, div_u64(due - now, NSEC_PER_USEC), 10000), 12000);
	}
}

static void keep(struct worker *w, unsigned int domain, unsigned long pfn, unsigned int size, enum pair pair)
{
	w->held[w->count++] = (struct mapping){.pfn = pfn, .size = size, .domain = domain, .pair = pair};
}

bool alloc_fast(struct worker *w, unsigned int domain, unsigned int size, unsigned long limit, bool flush)
{
	struct order_counts *counts = &w->counts[domain].order[order_base_2(size)];
	unsigned long pfn = alloc_iova_fast(domain_at(domain), size, limit, flush);

	if (pfn) {
		counts->allocs++;
		keep(w, domain, pfn, size, FAST);
	} else {
		counts->failures++;
	}
	pace(w);
	return pfn;
}

void alloc_direct(struct worker *w, unsigned int domain, unsigned int size, bool aligned, enum pair pair)
{
	struct iova *iova = alloc_iova(domain_at(domain), size, FULL_MASK, aligned);
	struct domain_counts *counts = &w->counts[domain];

	if (iova) {
		counts->order[order_base_2(size)].allocs++;
		counts->direct.allocs++;
		keep(w, domain, pair == INNER ? (unsigned long)iova : iova->pfn_lo, size, pair);
	} else {
		counts->order[order_base_2(size)].failures++;
		counts->direct.failures++;
	}
	pace(w);
}

static void free_range(struct worker *w, const struct mapping *mapping)
{
	struct domain_counts *counts = &w->counts[mapping->domain];

	counts->order[order_base_2(mapping->size)].frees++;
	if (mapping->pair != FAST)
		counts->direct.frees++;
	switch (mapping->pair) {
	case FAST:
		free_iova_fast(domain_at(mapping->domain), mapping->pfn, mapping->size);
		break;
	case DIRECT:
		free_iova(domain_at(mapping->domain), mapping->pfn);
		break;
	case INNER:
		__free_iova(domain_at(mapping->domain), (struct iova *)mapping->pfn);
		break;
	}
	pace(w);
}

void free_at(struct worker *w, unsigned int index)
{
	struct mapping mapping = w->held[index];

	w->held[index] = w->held[--w->count];
	free_range(w, &mapping);
}

unsigned int held(struct worker *w)
{
	return w->count - w->floor;
}

void free_some(struct worker *w, unsigned int count)
{
	while (count-- && held(w))
		free_at(w, w->floor + below(w, held(w)));
}

bool alloc_mapping(struct worker *w, unsigned int domain, unsigned int size)
{
	if (alloc_fast(w, domain, size, domain_at(domain)->dma_32bit_pfn - 1, false))
		return true;
	w->counts[domain].first32_failures++;
	return alloc_fast(w, domain, size, FULL_MASK, true);
}

bool give(struct worker *w, struct worker *to)
{
	bool taken;

	spin_lock(&to->lock);
	taken = to->tail - to->head < INBOX;
	if (taken)
		to->inbox[to->tail++ % INBOX] = w->held[w->count - 1];
	spin_unlock(&to->lock);
	w->count -= taken;
	return taken;
}

static bool take(struct worker *w, struct mapping *mapping)
{
	bool found;

	spin_lock(&w->lock);
	found = w->head != w->tail;
	if (found)
		*mapping = w->inbox[w->head++ % INBOX];
	spin_unlock(&w->lock);
	return found;
}

void drain(struct worker *w)
{
	struct mapping mapping;

	while (take(w, &mapping))
		free_range(w, &mapping);
}
