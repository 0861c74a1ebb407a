// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints what the IOVA allocator really holds: /proc/iova_oracle, for the DMA domain of every IOMMU group with a
 * PCI device (DOMAIN is the group's number) and for the exerciser's domains (x0, x1, ...).
 *
 *	cpu DOMAIN ORDER CPU LOADED PREV HASH	a CPU's two magazines, when they hold something
 *	depot DOMAIN ORDER MAGAZINES HASH	a depot, when it holds something
 *	tree DOMAIN RANGES HASH			without the anchor
 *	fq DOMAIN PENDING			entries in the flush queues, when the domain has them
 *
 * HASH is over pfns: both magazines bottom to top, loaded first; the depot's magazines bottom to top, each bottom
 * to top; pfn_lo and pfn_hi of the ranges in ascending order. The figures of one domain are not of one moment:
 * compare them at rest. Where things are in the kernel's private structures comes from its own type information
 * (offsets.h, made by the build). It shares no code with rcached, so that one can prove the other wrong.
 */
#include <linux/cpumask.h>
#include <linux/iommu.h>
#include <linux/iova.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/percpu.h>
#include <linux/proc_fs.h>
#include <linux/rbtree.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "exerciser.h"
#include "offsets.h"

/* Declared by a driver header that not every kernel has. */
#ifdef DMAR_IOVAD
extern int intel_iommu_enabled;
#endif

#define CACHED_ORDERS 6
#define MAX_TARGETS 512
#define AT(type, base, offset) (*(type *)((char *)(base) + (offset)))

/* For those who want to add up: capacity of a magazine, in ranges. */
static unsigned int capacity = MAGAZINE_CAPACITY;
module_param(capacity, uint, 0444);

struct target {
	int group; /* of the IOMMU; -1: the exerciser's */
	unsigned int index; /* of the exerciser's domain */
	struct iommu_domain *domain;
};

struct survey {
	unsigned int count;
	struct target targets[MAX_TARGETS];
};

static void mix(u64 *hash, u64 value)
{
	*hash = (*hash ^ value) * 0x100000001b3ull;
}

static const u64 hash_start = 0xcbf29ce484222325ull;

static void mix_magazine(u64 *hash, void *magazine, unsigned long size)
{
	unsigned long *pfns = &AT(unsigned long, magazine, MAGAZINE_PFNS);
	unsigned long i;

	for (i = 0; i < size; i++)
		mix(hash, pfns[i]);
}

static unsigned long magazine_size(void *magazine)
{
	return magazine ? AT(unsigned long, magazine, MAGAZINE_SIZE) : 0;
}

static void show_cpu(struct seq_file *out, const char *name, unsigned int order, unsigned int cpu,
		     void *cached)
{
	spinlock_t *lock = &AT(spinlock_t, cached, CPU_RCACHE_LOCK);
	unsigned long loaded, prev, flags;
	u64 hash = hash_start;

	spin_lock_irqsave(lock, flags);
	loaded = magazine_size(AT(void *, cached, CPU_RCACHE_LOADED));
	prev = magazine_size(AT(void *, cached, CPU_RCACHE_PREV));
	mix_magazine(&hash, AT(void *, cached, CPU_RCACHE_LOADED), loaded);
	mix_magazine(&hash, AT(void *, cached, CPU_RCACHE_PREV), prev);
	spin_unlock_irqrestore(lock, flags);
	if (loaded + prev)
		seq_printf(out, "cpu %s %u %u %lu %lu %016llx\n", name, order, cpu, loaded, prev, hash);
}

/* Up to `room` magazines, bottom first; returns how many there are. Called with the depot's lock. */
static unsigned long depot_magazines(void *rcache, void **magazines, unsigned long room)
{
	unsigned long count = 0;
#ifdef DEPOT_ARRAY
	for (; count < AT(unsigned long, rcache, RCACHE_DEPOT_SIZE) && count < room; count++)
		magazines[count] = AT(void *, rcache, RCACHE_DEPOT + count * sizeof(void *));
#else
	void *magazine;
	unsigned long i;

	for (magazine = AT(void *, rcache, RCACHE_DEPOT); magazine;
	     magazine = AT(void *, magazine, MAGAZINE_NEXT)) {
		if (count < room)
			magazines[count] = magazine;
		count++;
	}
	if (count <= room)
		for (i = 0; i < count / 2; i++)
			swap(magazines[i], magazines[count - 1 - i]);
#endif
	return count;
}

/* A magazine in a list keeps its link where its size was: it is full. */
static unsigned long depot_magazine_size(void *magazine)
{
#ifdef DEPOT_ARRAY
	return magazine_size(magazine);
#else
	return MAGAZINE_CAPACITY;
#endif
}

static unsigned long depot_size(void *rcache)
{
#ifdef DEPOT_ARRAY
	return READ_ONCE(AT(unsigned long, rcache, RCACHE_DEPOT_SIZE));
#else
	return READ_ONCE(AT(unsigned int, rcache, RCACHE_DEPOT_SIZE));
#endif
}

static int show_depot(struct seq_file *out, const char *name, unsigned int order, void *rcache)
{
	spinlock_t *lock = &AT(spinlock_t, rcache, RCACHE_LOCK);
	unsigned long room = depot_size(rcache) + 16;
	void **magazines = kvmalloc_array(room, sizeof(*magazines), GFP_KERNEL);
	unsigned long count, counter, flags, i;
	u64 hash = hash_start;

	if (!magazines)
		return -ENOMEM;
	spin_lock_irqsave(lock, flags);
	count = depot_magazines(rcache, magazines, room);
	counter = depot_size(rcache);
	for (i = 0; i < count && count <= room; i++)
		mix_magazine(&hash, magazines[i], depot_magazine_size(magazines[i]));
	spin_unlock_irqrestore(lock, flags);
	kvfree(magazines);
	if (count > room)
		return -EAGAIN; /* it grew: not at rest */
	if (count != counter)
		pr_warn("depot %s %u: %lu magazines in the list, %lu by its counter\n", name, order, count,
			counter);
	if (count)
		seq_printf(out, "depot %s %u %lu %016llx\n", name, order, count, hash);
	return 0;
}

static int show_rcaches(struct seq_file *out, const char *name, struct iova_domain *iovad)
{
#ifdef RCACHES_EMBEDDED
	char *rcaches = &AT(char, iovad, DOMAIN_RCACHES);
#else
	char *rcaches = AT(char *, iovad, DOMAIN_RCACHES);
#endif
	unsigned int order, cpu;
	int error;

	for (order = 0; rcaches && order < CACHED_ORDERS; order++) {
		char *rcache = rcaches + order * RCACHE_BYTES;
		void __percpu *cached = (void __percpu *)AT(void *, rcache, RCACHE_CPU_RCACHES);

		if (!cached)
			continue;
		for_each_possible_cpu (cpu)
			show_cpu(out, name, order, cpu, per_cpu_ptr(cached, cpu));
		error = show_depot(out, name, order, rcache);
		if (error)
			return error;
	}
	return 0;
}

static void show_tree(struct seq_file *out, const char *name, struct iova_domain *iovad)
{
	unsigned long ranges = 0, flags;
	u64 hash = hash_start;
	struct rb_node *node;

	spin_lock_irqsave(&iovad->iova_rbtree_lock, flags);
	for (node = rb_first(&iovad->rbroot); node; node = rb_next(node)) {
		struct iova *iova = rb_entry(node, struct iova, node);

		if (iova == &iovad->anchor)
			continue;
		mix(&hash, iova->pfn_lo);
		mix(&hash, iova->pfn_hi);
		ranges++;
	}
	spin_unlock_irqrestore(&iovad->iova_rbtree_lock, flags);
	seq_printf(out, "tree %s %lu %016llx\n", name, ranges, hash);
}

static unsigned long queue_pending(void *queue)
{
	unsigned int head = READ_ONCE(AT(unsigned int, queue, FQ_HEAD));
	unsigned int tail = READ_ONCE(AT(unsigned int, queue, FQ_TAIL));

#ifdef FQ_ENTRIES
	return (tail - head) & (FQ_ENTRIES - 1);
#else
	return (tail - head) & AT(unsigned int, queue, FQ_MOD_MASK);
#endif
}

/* `owner` holds the queues: the IOVA domain itself, or the cookie around it since they moved out. */
static void show_queues(struct seq_file *out, const char *name, void *owner)
{
	void *queues = READ_ONCE(AT(void *, owner, FQ_POINTER));
	unsigned long pending = 0;
	unsigned int cpu;

	if (!queues)
		return;
#ifdef FQ_TYPE
	if (AT(unsigned int, owner, FQ_TYPE) == FQ_TYPE_SINGLE) {
		seq_printf(out, "fq %s %lu\n", name, queue_pending(queues));
		return;
	}
#endif
	for_each_possible_cpu (cpu)
		pending += queue_pending(per_cpu_ptr((void __percpu *)queues, cpu));
	seq_printf(out, "fq %s %lu\n", name, pending);
}

static int show_domain(struct seq_file *out, const char *name, struct iova_domain *iovad)
{
	int error = show_rcaches(out, name, iovad);

	if (!error)
		show_tree(out, name, iovad);
	return error;
}

static int show_group(struct seq_file *out, const struct target *target)
{
	void *cookie = target->domain->iova_cookie;
	struct iova_domain *iovad;
	void *queues;
	char name[16];
	int error;

	snprintf(name, sizeof(name), "%d", target->group);
	if (cookie) {
		iovad = &AT(struct iova_domain, cookie, COOKIE_IOVAD);
		queues = cookie;
	} else {
#ifdef DMAR_IOVAD
		/* This driver keeps the IOVA domain in a structure of its own, around the common one. */
		iovad = &AT(struct iova_domain, target->domain, DMAR_IOVAD - DMAR_DOMAIN);
#else
		return 0;
#endif
	}
#ifdef FQ_IN_DOMAIN
	queues = iovad;
#endif
	error = show_domain(out, name, iovad);
	if (!error)
		show_queues(out, name, queues);
	return error;
}

static bool has_allocator(struct iommu_domain *domain)
{
	if (!domain || !(domain->type & __IOMMU_DOMAIN_DMA_API))
		return false;
#ifdef DMAR_IOVAD
	return domain->iova_cookie || intel_iommu_enabled;
#else
	return domain->iova_cookie;
#endif
}

static void add_target(struct survey *survey, const struct target *target)
{
	unsigned int i;

	for (i = 0; i < survey->count; i++)
		if (target->group >= 0 && survey->targets[i].group == target->group)
			return;
	if (survey->count < MAX_TARGETS)
		survey->targets[survey->count++] = *target;
}

static void find_groups(struct survey *survey)
{
	struct pci_dev *pdev = NULL;

	for_each_pci_dev (pdev) {
		struct iommu_group *group = iommu_group_get(&pdev->dev);
		struct target target = {0};

		if (!group)
			continue;
		target.group = iommu_group_id(group);
		target.domain = iommu_get_domain_for_dev(&pdev->dev);
		if (has_allocator(target.domain))
			add_target(survey, &target);
		iommu_group_put(group);
	}
}

static void *oracle_start(struct seq_file *out, loff_t *position)
{
	struct survey *survey = out->private;

	return *position < survey->count ? &survey->targets[*position] : NULL;
}

static void *oracle_next(struct seq_file *out, void *target, loff_t *position)
{
	++*position;
	return oracle_start(out, position);
}

static void oracle_stop(struct seq_file *out, void *target)
{
}

static int oracle_show(struct seq_file *out, void *item)
{
	struct target *target = item;
	struct iova_domain *iovad;
	char name[16];
	int error;

	if (target->group >= 0)
		return show_group(out, target);
	iovad = iova_exerciser_get(target->index);
	if (!iovad)
		return 0;
	snprintf(name, sizeof(name), "x%u", target->index);
	error = show_domain(out, name, iovad);
	iova_exerciser_put();
	return error;
}

static const struct seq_operations oracle_items = {
	.start = oracle_start,
	.next = oracle_next,
	.stop = oracle_stop,
	.show = oracle_show,
};

/* Which domains there are is found out when the file is opened. */
static int oracle_open(struct inode *inode, struct file *file)
{
	struct survey *survey = __seq_open_private(file, &oracle_items, sizeof(*survey));
	struct target target = {.group = -1};

	if (!survey)
		return -ENOMEM;
	find_groups(survey);
	for (; target.index < MAX_DOMAINS; target.index++)
		add_target(survey, &target);
	return 0;
}

static const struct proc_ops oracle_file = {
	.proc_open = oracle_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = seq_release_private,
};

static int __init oracle_init(void)
{
	/* The structures that are not private must be where the type information says that they are. */
	BUILD_BUG_ON(sizeof(struct iova_domain) != DOMAIN_BYTES);
	BUILD_BUG_ON(sizeof(struct iommu_domain) != IOMMU_DOMAIN_BYTES);
	return proc_create("iova_oracle", 0400, NULL, &oracle_file) ? 0 : -ENOMEM;
}

static void __exit oracle_exit(void)
{
	remove_proc_entry("iova_oracle", NULL);
}

module_init(oracle_init);
module_exit(oracle_exit);
MODULE_DESCRIPTION("Prints what the IOVA allocator really holds");
MODULE_LICENSE("GPL");
