// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs random operations of the kernel's IOVA allocator on its own domains, from several CPUs, with a given seed.
 *
 * Commands are lines written to /proc/iova_exerciser; reading it prints the state and its counters.
 *
 *	domains N		destroy all domains, create x0 .. x(N-1)
 *	put N | new N		destroy one with its ranges; create it again at the same address
 *	reserve N LO HI		reserve pfns; must not overlap an earlier reservation
 *	run NAME=VALUE...	start threads: threads, ops, seed, mix, domain, order, cpu, live, burst, leak,
 *				window, rate, hold (see struct plan)
 *	wait | stop		wait until the threads are done; stop them early
 *	free			free everything that is still held
 *
 * Output: `run state=.. ops=.. elapsed_us=..`, for each domain `domain xN NAME=VALUE...` and for each order
 * `order xN ORDER ALLOCS FAILURES FREES LIVE`. With one thread, the same seed gives the same calls.
 */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/version.h>

#include "exerciser.h"

#define GRANULE 4096UL
#define RESERVATIONS 16

struct slot {
	struct iova_domain iovad;
	bool alive;
	unsigned int reserved;
	unsigned long lo[RESERVATIONS];
	unsigned long hi[RESERVATIONS];
};

DEFINE_MUTEX(control);
static struct slot slots[MAX_DOMAINS];
static unsigned int alive; /* bit per domain */
static struct plan last;

struct iova_domain *domain_at(unsigned int index)
{
	return &slots[index].iovad;
}

/* An existing domain. */
unsigned int pick_domain(u64 random)
{
	unsigned int skip = random % hweight32(alive);
	unsigned int index = 0;

	while (!(alive & (1u << index)) || skip--)
		index++;
	return index;
}

struct iova_domain *iova_exerciser_get(unsigned int index)
{
	if (index >= MAX_DOMAINS)
		return NULL;
	mutex_lock(&control);
	if (slots[index].alive)
		return &slots[index].iovad;
	mutex_unlock(&control);
	return NULL;
}
EXPORT_SYMBOL_GPL(iova_exerciser_get);

void iova_exerciser_put(void)
{
	mutex_unlock(&control);
}
EXPORT_SYMBOL_GPL(iova_exerciser_put);

static int reserve(struct slot *slot, unsigned long lo, unsigned long hi)
{
	unsigned int i;

	if (hi < lo || slot->reserved == RESERVATIONS)
		return -EINVAL;
	for (i = 0; i < slot->reserved; i++)
		if (lo <= slot->hi[i] && slot->lo[i] <= hi)
			return -EEXIST;
	if (!reserve_iova(&slot->iovad, lo, hi))
		return -ENOMEM;
	slot->lo[slot->reserved] = lo;
	slot->hi[slot->reserved++] = hi;
	return 0;
}

static void put_domain(unsigned int index)
{
	if (!slots[index].alive)
		return;
	program_forget(index);
	put_iova_domain(&slots[index].iovad);
	slots[index].alive = false;
	alive &= ~(1u << index);
}

static int new_domain(unsigned int index)
{
	struct slot *slot = &slots[index];
	unsigned long start = 0x1000UL * (index + 1);
	int error = 0;

	if (slot->alive)
		return -EEXIST;
	memset(slot, 0, sizeof(*slot));
	init_iova_domain(&slot->iovad, GRANULE, start);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 18, 0)
	error = iova_domain_init_rcaches(&slot->iovad);
#endif
	slot->alive = true;
	alive |= 1u << index;
	/* As in a PCI domain: a bridge window and the interrupt addresses. */
	if (!error)
		error = reserve(slot, start + 0x100, start + 0x13f);
	if (!error)
		error = reserve(slot, 0xfee00, 0xfeeff);
	if (error)
		put_domain(index);
	return error;
}

static int make_domains(unsigned int count)
{
	unsigned int i;
	int error = 0;

	for (i = 0; i < MAX_DOMAINS; i++)
		put_domain(i);
	for (i = 0; i < count && !error; i++)
		error = new_domain(i);
	return error;
}

static int parse_plan(struct plan *plan, char *text)
{
	const struct {
		const char *name;
		unsigned int *value;
	} numbers[] = {
		{"threads", &plan->threads}, {"cpu", &plan->cpu},   {"live", &plan->live},
		{"burst", &plan->burst},     {"leak", &plan->leak}, {"window", &plan->window},
		{"rate", &plan->rate},
	};
	char *name, *value;
	unsigned int i;

	while ((name = strsep(&text, " \t"))) {
		int error = -EINVAL;

		if (!*name)
			continue;
		value = strchr(name, '=');
		if (!value)
			return -EINVAL;
		*value++ = '\0';
		for (i = 0; i < ARRAY_SIZE(numbers); i++)
			if (!strcmp(name, numbers[i].name))
				error = kstrtouint(value, 0, numbers[i].value);
		if (!strcmp(name, "ops"))
			error = kstrtou64(value, 0, &plan->ops);
		else if (!strcmp(name, "seed"))
			error = kstrtou64(value, 0, &plan->seed);
		else if (!strcmp(name, "domain"))
			error = kstrtoint(value, 0, &plan->domain);
		else if (!strcmp(name, "order"))
			error = kstrtoint(value, 0, &plan->order);
		else if (!strcmp(name, "hold"))
			error = kstrtobool(value, &plan->hold);
		else if (!strcmp(name, "mix")) {
			error = program_mix(value);
			if (error >= 0)
				plan->mix = error;
		}
		if (error < 0)
			return error;
	}
	if (plan->domain >= MAX_DOMAINS || plan->order >= ORDERS || plan->threads > MAX_THREADS)
		return -ERANGE;
	if (!plan->threads || !plan->live || !plan->burst || !alive ||
	    (plan->domain >= 0 && !slots[plan->domain].alive))
		return -EINVAL;
	return 0;
}

static int run(char *text)
{
	struct plan plan = {
		.threads = 1,
		.ops = 100000,
		.seed = 1,
		.domain = -1,
		.order = -1,
		.live = 200,
		.burst = 6000,
		.window = 4096,
	};
	int error = parse_plan(&plan, text);

	if (!error)
		error = program_run(&plan);
	if (!error)
		last = plan;
	return error;
}

static int command(char *text)
{
	char *verb = strsep(&text, " \t");
	unsigned long a = 0, b = 0;
	unsigned int n = 0;
	int error = -EINVAL;
	int numbers = text ? sscanf(text, "%u %lu %lu", &n, &a, &b) : 0;

	if (!strcmp(verb, "wait"))
		return program_wait();
	if (!strcmp(verb, "stop")) {
		program_stop();
		return program_wait();
	}
	mutex_lock(&control);
	if (program_busy())
		error = -EBUSY;
	else if (!strcmp(verb, "run"))
		error = run(text);
	else if (!strcmp(verb, "free")) {
		program_free();
		error = 0;
	} else if (!strcmp(verb, "domains") && numbers == 1 && n <= MAX_DOMAINS) {
		error = make_domains(n);
	} else if (!strcmp(verb, "new") && numbers == 1 && n < MAX_DOMAINS) {
		error = new_domain(n);
	} else if (!strcmp(verb, "put") && numbers == 1 && n < MAX_DOMAINS && slots[n].alive) {
		put_domain(n);
		error = 0;
	} else if (!strcmp(verb, "reserve") && numbers == 3 && n < MAX_DOMAINS && slots[n].alive) {
		error = reserve(&slots[n], a, b);
	}
	mutex_unlock(&control);
	return error;
}

static ssize_t exerciser_write(struct file *file, const char __user *from, size_t size, loff_t *position)
{
	char *text = memdup_user_nul(from, min_t(size_t, size, 512));
	int error;

	if (IS_ERR(text))
		return PTR_ERR(text);
	error = command(strim(text));
	kfree(text);
	return error ? error : (ssize_t)size;
}

static void show_domain(struct seq_file *out, unsigned int index, struct domain_counts *sum)
{
	unsigned int order;

	program_counts(index, sum);
	seq_printf(out,
		   "domain x%u start_pfn=%lu reserved=%u first32_failures=%llu direct_allocs=%llu "
		   "direct_failures=%llu direct_frees=%llu\n",
		   index, slots[index].iovad.start_pfn, slots[index].reserved, sum->first32_failures,
		   sum->direct.allocs, sum->direct.failures, sum->direct.frees);
	for (order = 0; order < ORDERS; order++) {
		struct order_counts *counts = &sum->order[order];

		seq_printf(out, "order x%u %u %llu %llu %llu %llu\n", index, order, counts->allocs,
			   counts->failures, counts->frees, counts->allocs - counts->frees);
	}
}

static int exerciser_show(struct seq_file *out, void *unused)
{
	struct domain_counts *sum = kmalloc(sizeof(*sum), GFP_KERNEL);
	unsigned int i;

	if (!sum)
		return -ENOMEM;
	mutex_lock(&control);
	seq_printf(out, "run state=%s mix=%s threads=%u seed=%llu ops=%llu elapsed_us=%llu\n",
		   program_busy() ? "running" : "idle", program_mix_name(last.mix), last.threads, last.seed,
		   program_ops(), program_nanoseconds() / 1000);
	for (i = 0; i < MAX_DOMAINS; i++)
		if (slots[i].alive)
			show_domain(out, i, sum);
	mutex_unlock(&control);
	kfree(sum);
	return 0;
}

static int exerciser_open(struct inode *inode, struct file *file)
{
	return single_open(file, exerciser_show, NULL);
}

static const struct proc_ops exerciser_file = {
	.proc_open = exerciser_open,
	.proc_read = seq_read,
	.proc_write = exerciser_write,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
};

static int __init exerciser_init(void)
{
	int error = iova_cache_get();

	if (error)
		return error;
	error = make_domains(2);
	if (!error && !proc_create("iova_exerciser", 0600, NULL, &exerciser_file))
		error = -ENOMEM;
	if (error) {
		make_domains(0);
		iova_cache_put();
	}
	return error;
}

static void __exit exerciser_exit(void)
{
	remove_proc_entry("iova_exerciser", NULL);
	program_exit();
	make_domains(0);
	iova_cache_put();
}

module_init(exerciser_init);
module_exit(exerciser_exit);
MODULE_DESCRIPTION("Load generator for the IOVA allocator on its own domains");
MODULE_LICENSE("GPL");
