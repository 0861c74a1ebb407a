/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The walk over a domain's tree of ranges (iova_domain.rbroot), ascending from a pfn, without its lock.
 *
 * Every node is read once, and its parent pointer must name the node that the walk came from: so each node
 * was in this tree when it was read. One that was freed and has become part of another domain's tree, or a
 * subtree that was rotated away under the walk, does not pass, and the walk ends there. Nodes whose left
 * side is being walked wait in `path`, as they were read.
 *
 * One flat loop over a state in memory, not in registers: what the verifier does not follow it does not
 * multiply. It allows 8192 branches waiting, 16 a step, so checks are folded into one another. By bpf_loop()
 * (>= 5.17) it follows a few steps instead of all, which loads in a fraction of the time.
 */
#ifndef RCACHED_BPF_READER_TREE_BPF_H
#define RCACHED_BPF_READER_TREE_BPF_H

#include "reader.h"
#include "base.bpf.h"

#define TREE_STEPS 512
#define STEPS_A_CALL 4 /* of bpf_loop(): with one, a walk takes a third longer */
#define IOVA_ANCHOR (~0ULL) /* pfn of iova_domain.anchor, the last node of every tree */

/* Not static: the compiler must not keep them in registers. */
struct {
	__u64 node;
	__u64 right;
	__u64 lo;
	__u64 hi;
} path[RCACHED_READ_DEPTH];
struct {
	__u64 node; /* to be read now; 0: go on with the last one of `path` */
	__u64 parent; /* where the walk came from; 0 at the root */
	__u64 least; /* that the next range may begin at */
	__u32 depth; /* of path */
	__u32 limit; /* ranges, RCACHED_READ_RANGES at most */
	__u32 step; /* enum step: how the last one ended */
} walk;
__u8 node_copy[128] __attribute__((aligned(8)));

enum step {
	STEP_ON = 0,
	STEP_DONE, /* enough ranges, or the anchor */
	STEP_BROKEN, /* what was read so far stands */
	STEP_NONSENSE, /* the ranges do not ascend: nothing stands */
};

/* Kept apart from the offset's relocation, which the compiler would otherwise fold into the load. */
static __always_inline u64 copied(u64 offset)
{
	barrier_var(offset);
	return *(u64 *)(node_copy + offset);
}

static __always_inline int visit(u64 lo, u64 hi)
{
	u32 count = tree_answer.count;

	/* Some sign: lo is below the last range, or hi below lo, or one is no pfn, which the anchor's is not. */
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

/* Visits the last node of `path`; its right side comes next. */
static __always_inline int step_back(void)
{
	u32 depth = walk.depth, last = (depth - 1) & (RCACHED_READ_DEPTH - 1);

	if (!depth) /* no node is left, and no anchor was seen */
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

/* As bpf_loop() calls it: not 0 ends the loop. */
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

/* Ranges with lo >= request.from, into tree_answer. `call`: by bpf_loop(). */
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
