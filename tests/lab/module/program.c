// SPDX-License-Identifier: GPL-2.0-only
/* The exerciser's threads, each bound to a CPU: start, wait, stop, and the sums of their counters. */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "worker.h"

struct worker *workers[MAX_THREADS];
struct plan plan;
u64 started;
bool stopping;
static u64 elapsed; /* nanoseconds, of the last run */
static atomic_t working; /* threads that still take operations from the quota */
static atomic_t busy; /* threads that are not done */
static DECLARE_WAIT_QUEUE_HEAD(done);

static int work(void *data)
{
	struct worker *w = data;
	unsigned int leak;

	for (leak = plan.leak; leak && w->count < MAX_HELD; leak--)
		if (alloc_mapping(w, any_domain(w), any_size(w, 0, ORDERS))) {
			swap(w->held[w->floor], w->held[w->count - 1]);
			w->floor++;
		}
	while (!over(w))
		program_step(w);
	w->drawn = w->ops;
	if (atomic_dec_and_test(&working))
		elapsed = ktime_get_ns() - started;
	/* Other threads may still pass ranges to this one. */
	while (atomic_read(&working)) {
		drain(w);
		usleep_range(500, 1000);
	}
	drain(w);
	if (plan.hold)
		w->floor = w->count;
	while (held(w))
		free_at(w, w->count - 1);
	if (atomic_dec_and_test(&busy))
		wake_up_all(&done);
	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return 0;
}

bool program_busy(void)
{
	return atomic_read(&busy);
}

/* Stops the threads, which are done. */
static void reap(void)
{
	unsigned int i;

	for (i = 0; i < MAX_THREADS; i++) {
		if (!workers[i] || !workers[i]->task)
			continue;
		kthread_stop(workers[i]->task);
		workers[i]->task = NULL;
	}
}

int program_wait(void)
{
	int error = wait_event_interruptible(done, !program_busy());

	if (error)
		return error;
	mutex_lock(&control);
	if (!program_busy())
		reap();
	mutex_unlock(&control);
	return 0;
}

void program_stop(void)
{
	WRITE_ONCE(stopping, true);
}

static struct worker *worker_at(unsigned int id)
{
	struct worker *w = workers[id];

	if (w)
		return w;
	w = kvzalloc(sizeof(*w), GFP_KERNEL);
	if (!w)
		return NULL;
	w->held = kvmalloc_array(MAX_HELD, sizeof(*w->held), GFP_KERNEL);
	if (!w->held) {
		kvfree(w);
		return NULL;
	}
	w->id = id;
	spin_lock_init(&w->lock);
	return workers[id] = w;
}

/* The online CPU that is `skip` after the first. */
static unsigned int online_cpu(unsigned int skip)
{
	unsigned int cpu = cpumask_first(cpu_online_mask);

	for (skip %= num_online_cpus(); skip; skip--)
		cpu = cpumask_next(cpu, cpu_online_mask);
	return cpu;
}

int program_run(const struct plan *wanted)
{
	unsigned int i;

	reap();
	for (i = 0; i < wanted->threads; i++) {
		struct worker *w = worker_at(i);
		struct task_struct *task;

		if (!w)
			return -ENOMEM;
		task = kthread_create(work, w, "iova_exerciser/%u", i);
		if (IS_ERR(task))
			return PTR_ERR(task); /* the next reap stops those created so far, which never ran */
		kthread_bind(task, online_cpu(wanted->cpu + i));
		w->task = task;
		w->random = (wanted->seed + 1) * 0x2545f4914f6cdd1dull + i;
		w->ops = 0;
		w->drawn = 0;
		w->quota = div_u64(wanted->ops + wanted->threads - 1, wanted->threads);
	}
	plan = *wanted;
	WRITE_ONCE(stopping, false);
	atomic_set(&working, plan.threads);
	atomic_set(&busy, plan.threads);
	started = ktime_get_ns();
	for (i = 0; i < plan.threads; i++)
		wake_up_process(workers[i]->task);
	return 0;
}

/* Frees all ranges that threads still hold, on the CPU of the caller. */
void program_free(void)
{
	unsigned int i;

	started = ktime_get_ns();
	for (i = 0; i < MAX_THREADS; i++) {
		struct worker *w = workers[i];

		if (!w)
			continue;
		w->ops = 0;
		w->floor = 0;
		while (w->count)
			free_at(w, w->count - 1);
	}
}

/* The domain is destroyed with all its ranges, so the counters are reset, too. */
void program_forget(unsigned int domain)
{
	unsigned int i, from, to, floor;

	for (i = 0; i < MAX_THREADS; i++) {
		struct worker *w = workers[i];

		if (!w)
			continue;
		for (from = to = floor = 0; from < w->count; from++) {
			if (w->held[from].domain == domain)
				continue;
			floor += from < w->floor;
			w->held[to++] = w->held[from];
		}
		w->count = to;
		w->floor = floor;
		memset(&w->counts[domain], 0, sizeof(w->counts[domain]));
	}
}

static void add(struct order_counts *to, const struct order_counts *more)
{
	to->allocs += more->allocs;
	to->failures += more->failures;
	to->frees += more->frees;
}

void program_counts(unsigned int domain, struct domain_counts *sum)
{
	unsigned int i, order;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < MAX_THREADS; i++) {
		const struct domain_counts *counts;

		if (!workers[i])
			continue;
		counts = &workers[i]->counts[domain];
		for (order = 0; order < ORDERS; order++)
			add(&sum->order[order], &counts->order[order]);
		add(&sum->direct, &counts->direct);
		sum->first32_failures += counts->first32_failures;
	}
}

/* Operations of the last run, and its time until the quota was used up. */
u64 program_ops(void)
{
	u64 ops = 0;
	unsigned int i;

	for (i = 0; i < plan.threads; i++)
		ops += workers[i]->drawn ? workers[i]->drawn : workers[i]->ops;
	return ops;
}

u64 program_nanoseconds(void)
{
	return program_busy() ? ktime_get_ns() - started : elapsed;
}

void program_exit(void)
{
	unsigned int i;

	program_stop();
	wait_event(done, !program_busy());
	reap();
	program_free();
	for (i = 0; i < MAX_THREADS; i++) {
		if (!workers[i])
			continue;
		kvfree(workers[i]->held);
		kvfree(workers[i]);
	}
}
