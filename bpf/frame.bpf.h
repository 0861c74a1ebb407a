/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What identifies a call between its entry and its return. The rule:
 *
 * A call is (frame, function). The frame is an address on the stack that the call keeps until it returns, so no
 * other call that is in progress on any CPU, in a task, a softirq or an interrupt, has the same one. For a trampoline
 * (fentry/fexit) it is ctx: both programs of one call get the address of the arguments that one trampoline saved
 * (arch_prepare_bpf_trampoline: "lea rdi, [rbp - regs_off]" on x86, "add x0, sp, #args_off" on arm64). For kprobes it
 * is the stack pointer at the entry, and the function is needed because a tail call has the same stack pointer.
 *
 * An inner call does not know the frame of its outer call. It finds the outer call by the task (by its address: the
 * idle tasks of all CPUs have pid 0) or by the range, and is part of it only if its own frame is on the same stack and
 * deeper: an interrupt on top of the outer call runs on another stack.
 */
#ifndef RCACHED_BPF_FRAME_BPF_H
#define RCACHED_BPF_FRAME_BPF_H

#include "base.bpf.h"

/* The smallest kernel stack. Two stacks have a guard page and their alignment in between, so they are further apart. */
#define KERNEL_STACK 16384

enum function {
	FN_ALLOC = 1,
	FN_FREE,
	FN_TREE_ALLOC,
	FN_TREE_FREE,
	FN_MAGAZINE_FREE,
	FN_CPU_FLUSH,
	FN_RESERVE,
	FN_FQ,
	FN_FLUSH, /* by task: an allocation's emergency flush */
	FN_RECLAIM, /* by task */
};

/* Its own address, set by frames_begin(). */
__u64 frame_origin;

static __always_inline void frames_begin(void)
{
	frame_origin = (u64)&frame_origin;
}

/* A frame as a number. The verifier allows no arithmetic with ctx, but the difference of two pointers is a number. */
static __always_inline u64 frame_of(const void *ctx)
{
	u64 frame = (u64)ctx;

	asm volatile("%0 -= %1" : "+r"(frame) : "r"(&frame_origin));
	return frame + frame_origin;
}

/* The upper 8 bits of a kernel address are always set. */
static __always_inline u64 call_key(u64 place, enum function function)
{
	return place << 8 | function;
}

static __always_inline u64 task_key(enum function function)
{
	return call_key(bpf_get_current_task(), function);
}

static __always_inline int same_stack(u64 a, u64 b)
{
	return a - b + KERNEL_STACK < 2 * KERNEL_STACK;
}

static __always_inline int inside(u64 inner, u64 outer)
{
	return outer - inner < KERNEL_STACK;
}

#endif
