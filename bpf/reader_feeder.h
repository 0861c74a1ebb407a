/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Output of reader_feeder.bpf.c for the host tests: the layout of structures in this kernel. */
#ifndef RCACHED_BPF_READER_FEEDER_H
#define RCACHED_BPF_READER_FEEDER_H

#include <linux/types.h>

#define FAKE_MEMORY_BYTES (1 << 20)

/* Offsets and sizes in bytes; those of a flush queue are for 6.7 and later. */
struct fake_layout {
	__u32 domain_bytes, rbroot, granule, start_pfn, dma_32bit_pfn, rcaches;
	__u32 rcache_bytes, depot_size, depot, cpu_rcaches;
	__u32 cpu_rcache_bytes, loaded, prev;
	__u32 magazine_bytes, size, pfns, capacity;
	__u32 iova_bytes, node, pfn_hi, pfn_lo;
	__u32 parent, left, right;
	__u32 cookie_bytes, iovad, percpu_fq, qt;
	__u32 fq_bytes, head, tail, mod_mask;
};

#endif
