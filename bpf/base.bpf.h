/* SPDX-License-Identifier: GPL-2.0-only */
/* Included by every program: the kernel types in use, libbpf's helpers, and short names of integers. */
#ifndef RCACHED_BPF_BASE_BPF_H
#define RCACHED_BPF_BASE_BPF_H

#include "kernel_types.h"

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

typedef __u64 u64;
typedef __u32 u32;
typedef __u16 u16;
typedef __u8 u8;

#endif
