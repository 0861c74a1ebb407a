/* SPDX-License-Identifier: GPL-2.0-only */
/* What every program begins with: the kernel's types in use, libbpf's helpers, short names of integers. */
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
