/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few kernel types that the programs access, reduced to the members they use. Offsets and sizes here are
 * irrelevant: every access is relocated at load time with the BTF of the running kernel (CO-RE), so one object
 * works for 5.10 to 7.x, and the build needs no kernel.
 *
 * A suffix after three underscores marks another version of the same type (CO-RE ignores the suffix).
 */
#ifndef RCACHED_BPF_KERNEL_TYPES_H
#define RCACHED_BPF_KERNEL_TYPES_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
	struct list_head *next;
	struct list_head *prev;
};

struct rb_node {
	unsigned long __rb_parent_color; /* the two low bits are the colour */
	struct rb_node *rb_right;
	struct rb_node *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct iova {
	struct rb_node node;
	unsigned long pfn_hi;
	unsigned long pfn_lo;
};

/* <= 6.6: size, pfns[]; since 6.7 size shares a union with next (full magazines in the depot). */
struct iova_magazine {
	unsigned long size;
	struct iova_magazine *next;
	unsigned long pfns[127];
};

struct iova_cpu_rcache {
	struct iova_magazine *loaded;
	struct iova_magazine *prev;
};

struct work_struct {
	int unused;
};

struct delayed_work {
	struct work_struct work;
};

struct iova_rcache {
	unsigned long depot_size;
	struct iova_magazine *depot; /* since 6.7: the top of a list */
	struct iova_cpu_rcache *cpu_rcaches; /* __percpu */
	struct iova_domain *iovad; /* since 6.7 */
	struct delayed_work work; /* since 6.7 */
};

/* <= 6.6: an array, from the bottom up. */
struct iova_rcache___array {
	struct iova_magazine *depot[32];
};

struct timer_list {
	int unused;
};

/* Since 5.18: rcaches is a pointer. */
struct iova_domain {
	struct rb_root rbroot;
	unsigned long granule;
	unsigned long start_pfn;
	unsigned long dma_32bit_pfn;
	struct iova_rcache *rcaches;
};

/* <= 5.17: rcaches is an array. */
struct iova_domain___embedded {
	struct iova_rcache rcaches[6];
};

/* <= 5.16: the flush queue is in the domain. */
struct iova_domain___fq {
	struct iova_fq *fq; /* __percpu */
	struct timer_list fq_timer;
};

struct iova_fq_entry {
	unsigned long iova_pfn;
};

/* A ring. Its length is mod_mask + 1 since 6.7, and that of entries[] before. */
struct iova_fq {
	struct iova_fq_entry entries[256];
	unsigned int head;
	unsigned int tail;
	unsigned int mod_mask;
};

enum iommu_dma_queue_type {
	IOMMU_DMA_OPTS_PER_CPU_QUEUE,
	IOMMU_DMA_OPTS_SINGLE_QUEUE,
};

/* Since 6.7. */
struct iommu_dma_options {
	enum iommu_dma_queue_type qt;
};

/* Since 5.17 the flush queue is in the cookie. */
struct iommu_dma_cookie {
	struct iova_domain iovad;
	struct iova_fq *fq; /* __percpu; <= 6.6 */
	struct iova_fq *percpu_fq; /* __percpu, unless options.qt means a single one; since 6.7 */
	struct timer_list fq_timer;
	struct iommu_dma_options options;
};

struct iommu_ops;

struct iommu_domain {
	unsigned int type;
	const struct iommu_ops *ops;
	struct iommu_dma_cookie *iova_cookie;
};

/* <= 5.11: intel-iommu keeps its IOVA domain next to the IOMMU domain instead of in a cookie. */
struct dmar_domain {
	struct iova_domain iovad;
	struct iommu_domain domain;
};

struct kobject {
	struct list_head entry;
};

struct kset {
	struct list_head list;
};

struct iommu_group {
	struct kobject kobj;
	int id;
	struct iommu_domain *default_domain;
	struct iommu_domain *domain;
};

struct bpf_prog_aux {
	__u32 id;
};

/* Since 5.12. active: runs in progress, per CPU; an int, or (7.0) one byte for each kind of context on arm64. */
struct bpf_prog {
	int *active; /* __percpu */
	struct bpf_prog_aux *aux;
};

struct bpf_iter__bpf_prog {
	struct bpf_prog *prog;
};

#pragma clang attribute pop

#endif
