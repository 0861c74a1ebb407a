/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looks at the machine code of a kernel function. Whether free_iova calls __free_iova depends on the version and on the
 * compiler, which may inline it. If it does, both of their programs see the same free, and only one may report it.
 */
#ifndef RCACHED_BPF_KERNEL_CODE_BPF_H
#define RCACHED_BPF_KERNEL_CODE_BPF_H

#include "base.bpf.h"

/* Longer than free_iova; no function after it in iova.c calls __free_iova. */
#define CODE_BYTES 512

__u8 code_copy[CODE_BYTES];

/* 1: the code that begins at `function` has a direct call of `target`, or a jump to it (a tail call). */
static __always_inline int code_reaches(u64 function, u64 target)
{
	if (!function || !target || bpf_probe_read_kernel(code_copy, sizeof(code_copy), (void *)function))
		return 0;
#if defined(__TARGET_ARCH_arm64)
	/* b and bl: the lower 26 bits are the distance in instructions. */
	for (u32 i = 0; i < CODE_BYTES; i += 4) {
		u32 code = *(u32 *)(code_copy + i);
		u64 distance = (u64)((__s64)((u64)code << 38) >> 36);

		if ((code & 0x7c000000) == 0x14000000 && function + i + distance == target)
			return 1;
	}
#else
	/* call, jmp and jcc: the last 4 bytes are the distance from the end of the instruction. */
	for (u32 i = 2; i + 4 <= CODE_BYTES; i++) {
		u64 distance = (u64)(__s64)(__s32) * (volatile u32 *)(code_copy + i);
		u16 before;

		if (function + i + 4 + distance != target)
			continue;
		before = *(volatile u16 *)(code_copy + i - 2);
		if ((before & 0xfe00) == 0xe800 || (before & 0xf0ff) == 0x800f)
			return 1;
	}
#endif
	return 0;
}

#endif
