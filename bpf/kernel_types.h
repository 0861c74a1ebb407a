/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few kernel types that the programs look into, reduced to the members they use. Offsets and sizes here
 * mean nothing: every access is relocated at load against the BTF of the running kernel (CO-RE), so one
 * object serves 5.10 to 7.x and the build needs no kernel of its own.
 *
 * A suffix of three underscores marks a second shape of the same type (CO-RE ignores the suffix).
 */
#ifndef RCACHED_BPF_KERNEL_TYPES_H
#define RCACHED_BPF_KERNEL_TYPES_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
	struct list_head *next;
	struct list_head *prev;
};

struct iova {
	unsigned long pfn_hi;
	unsigned long pfn_lo;
};

/* <= 6.6: size, pfns[]; since 6.7 size shares a union with next (full magazines in the depot). */
struct iova_magazine {
	unsigned long size;
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
	struct iova_cpu_rcache *cpu_rcaches; /* __percpu */
	struct iova_domain *iovad; /* since 6.7 */
	struct delayed_work work; /* since 6.7 */
};

struct timer_list {
	int unused;
};

/* Since 5.18: rcaches is a pointer. */
struct iova_domain {
	unsigned long granule;
	struct iova_rcache *rcaches;
};

/* <= 5.17: rcaches is an array. */
struct iova_domain___embedded {
	struct iova_rcache rcaches[6];
};

/* <= 5.16: the flush queue lives in the domain. */
struct iova_domain___fq {
	struct timer_list fq_timer;
};

/* Since 5.17 it lives in the cookie. */
struct iommu_dma_cookie {
	struct iova_domain iovad;
	struct timer_list fq_timer;
};

struct iommu_ops;

struct iommu_domain {
	unsigned int type;
	const struct iommu_ops *ops;
	struct iommu_dma_cookie *iova_cookie;
};

/* <= 5.11: intel-iommu keeps its IOVA domain beside the IOMMU domain instead of in a cookie. */
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

#pragma clang attribute pop

#endif
