/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walks over a domain's tree of ranges (iova_domain.rbroot), ascending from a pfn, without its lock.
 *
 * Every node is read once, and its parent pointer must be the node that the walk came from, so each node was
 * in this tree when it was read. A node that was freed and reused in another domain's tree, or a subtree that
 * was moved by a rotation during the walk, fails this check, and the walk ends there. Nodes whose left side is
 * being walked are kept in `path`, as they were read.
 *
 * It is one flat loop with its state in memory, not in registers, because the verifier does not track memory
 * and therefore does not multiply its states. The verifier allows 8192 pending branches, 16 per step, so checks
 * are combined. With bpf_loop() (>= 5.17) it verifies a few steps instead of all, and loading takes a fraction
 * of the time.
 */
#ifndef RCACHED_BPF_READER_TREE_BPF_H
#define RCACHED_BPF_READER_TREE_BPF_H

#include "reader.h"
#include "base.bpf.h"

#define TREE_STEPS 512
#define STEPS_A_CALL 4 /* per call of bpf_loop(): with one, a walk takes a third longer */
#define IOVA_ANCHOR (~0ULL) /* pfn of iova_domain.anchor, the last node of every tree */

/* Not static, so that the compiler does not keep them in registers. */
struct {
	__u64 node;
	__u64 right;
	__u64 lo;
	__u64 hi;
} path[RCACHED_READ_DEPTH];
struct {
	__u64 node; /* to be read next; 0: continue with the last one of `path` */
	__u64 parent; /* where the walk came from; 0 at the root */
	__u64 least; /* lowest valid start of the next range */
	__u32 depth; /* of path */
	__u32 limit; /* of ranges, at most RCACHED_READ_RANGES */
	__u32 step; /* enum step: how the last one ended */
} walk;
__u8 node_copy[128] __attribute__((aligned(8)));

enum step {
	STEP_ON = 0,
	STEP_DONE, /* enough ranges, or the anchor */
	STEP_BROKEN, /* what was read so far is valid */
	STEP_NONSENSE, /* the ranges do not ascend: nothing is valid */
};

/* Separate from the relocation of the offset, which the compiler would otherwise merge into the load. */
static __always_inline u64 copied(u64 offset)
{
	barrier_var(offset);
	return *(u64 *)(node_copy + offset);
}

static __always_inline int visit(u64 lo, u64 hi)
{
	u32 count = tree_answer.count;

	/* A sign bit: lo is below the last range, hi is below lo, or one is not a pfn, as in the anchor. */
	if ((long)((lo - walk.least) | (hi - lo) | lo | hi) < 0) {
		tree_answer.end = lo == IOVA_ANCHOR;
		return lo == IOVA_ANCHOR ? STEP_DONE : STEP_NONSENSE;
	}
	tree_answer.ranges[count & (RCACHED_READ_RANGES - 1)].lo = lo;
	tree_answer.ranges[count & (RCACHED_READ_RANGES - 1)].hi = hi;
	walk.least = hi + 1;
	tree_answer.count = count + 1;
	return count + 1 >= walk.limit ? STEP_DONE : STEP_ON;
}

/* Visits the last node of `path`; its right side is next. */
static __always_inline int step_back(void)
{
	u32 depth = walk.depth, last = (depth - 1) & (RCACHED_READ_DEPTH - 1);

	if (!depth) /* no nodes left, and no anchor seen */
		return STEP_BROKEN;
	walk.depth = depth - 1;
	walk.parent = path[last].node;
	walk.node = path[last].right;
	return visit(path[last].lo, path[last].hi);
}

static __always_inline int step_down(void)
{
	const u64 in_iova = bpf_core_field_offset(struct iova, node);
	u64 node = walk.node, parent, lo, hi, left, right;
	u32 depth = walk.depth, next = depth & (RCACHED_READ_DEPTH - 1);
	long error;

	if (bpf_core_type_size(struct iova) > sizeof(node_copy))
		return STEP_BROKEN;
	error = bpf_probe_read_kernel(node_copy, bpf_core_type_size(struct iova), (void *)(node - in_iova));
	parent = copied(in_iova + bpf_core_field_offset(struct rb_node, __rb_parent_color)) & ~3ULL;
	if (error | (parent ^ walk.parent))
		return STEP_BROKEN;
	lo = copied(bpf_core_field_offset(struct iova, pfn_lo));
	hi = copied(bpf_core_field_offset(struct iova, pfn_hi));
	left = copied(in_iova + bpf_core_field_offset(struct rb_node, rb_left));
	right = copied(in_iova + bpf_core_field_offset(struct rb_node, rb_right));
	walk.parent = node;
	walk.node = right;
	if (lo < request.from)
		return STEP_ON;
	if (!left)
		return visit(lo, hi);
	if (depth >= RCACHED_READ_DEPTH)
		return STEP_BROKEN;
	path[next].node = node;
	path[next].right = right;
	path[next].lo = lo;
	path[next].hi = hi;
	walk.depth = depth + 1;
	walk.node = left;
	return STEP_ON;
}

static __always_inline int walk_step(void)
{
	if (!walk.node) {
		int step = step_back();

		if (step != STEP_ON || !walk.node)
			return step;
	}
	return step_down();
}

/* Called by bpf_loop(): a result other than 0 ends the loop. */
static long walk_steps_called(__u32 index, void *context)
{
	int step = walk_step();

	if (step == STEP_ON)
		step = walk_step();
	if (step == STEP_ON)
		step = walk_step();
	if (step == STEP_ON)
		step = walk_step();
	walk.step = step;
	return step != STEP_ON;
}

/* Stores the ranges with lo >= request.from in tree_answer. `call`: use bpf_loop(). */
static __always_inline u32 walk_tree(u64 iovad, int call)
{
	struct iova_domain *domain = (void *)iovad;
	struct rb_node *root = NULL;
	int step = STEP_ON;

	if (bpf_core_read(&root, sizeof(root), &domain->rbroot.rb_node) || !root)
		return RCACHED_READ_FAULT;
	walk.node = (u64)root;
	walk.parent = 0;
	walk.least = request.from;
	walk.depth = 0;
	walk.limit = request.limit < RCACHED_READ_RANGES ? request.limit : RCACHED_READ_RANGES;
	if (call) {
		walk.step = STEP_ON;
		bpf_loop(TREE_STEPS / STEPS_A_CALL, walk_steps_called, NULL, 0);
		step = walk.step;
	} else {
		for (u32 i = 0; i < TREE_STEPS && step == STEP_ON; i++)
			step = walk_step();
	}
	if (step == STEP_NONSENSE)
		tree_answer.count = 0;
	if (step == STEP_BROKEN || step == STEP_NONSENSE || (step == STEP_ON && !tree_answer.count))
		return RCACHED_READ_CHANGED;
	return RCACHED_READ_OK;
}

#endif
