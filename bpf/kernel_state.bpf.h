/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The walk over all IOMMU groups that finds the IOVA domain of each group. The daemon runs it on demand
 * (BPF_PROG_TEST_RUN on raw_tp, the only type that 5.10 can run); it is never attached.
 */
#ifndef RCACHED_BPF_KERNEL_STATE_BPF_H
#define RCACHED_BPF_KERNEL_STATE_BPF_H

#include "maps.bpf.h"

/* iommu_domain.type: the core manages IOVAs for it (__IOMMU_DOMAIN_DMA_API). */
#define DOMAIN_DMA_API (1u << 1)

static __always_inline u64 iovad_of(struct iommu_domain *domain)
{
	struct iommu_dma_cookie *cookie = NULL;
	struct dmar_domain *dmar = NULL;
	const void *ops = NULL;

	if (bpf_core_field_exists(dmar->iovad)) {
		if (bpf_core_read(&ops, sizeof(ops), &domain->ops))
			discovery.faults++;
		if (symbols.intel_iommu_ops && (u64)ops == symbols.intel_iommu_ops)
			return (u64)domain - bpf_core_field_offset(struct dmar_domain, domain) +
			       bpf_core_field_offset(struct dmar_domain, iovad);
	}
	if (bpf_core_read(&cookie, sizeof(cookie), &domain->iova_cookie))
		discovery.faults++;
	if (!cookie)
		return 0;
	return (u64)cookie + bpf_core_field_offset(struct iommu_dma_cookie, iovad);
}

static __always_inline void read_group(struct rcached_group *out, struct iommu_group *group)
{
	struct iommu_domain *domain = NULL;
	struct iova_domain *iovad;
	unsigned long granule = 0;
	unsigned int type = 0;
	int id = -1;

	if (bpf_core_read(&id, sizeof(id), &group->id) ||
	    bpf_core_read(&domain, sizeof(domain), &group->default_domain))
		discovery.faults++;
	if (!domain)
		bpf_core_read(&domain, sizeof(domain), &group->domain);
	out->group = id;
	out->type = 0;
	out->domain = 0;
	out->granule_bytes = 0;
	if (!domain)
		return;
	if (bpf_core_read(&type, sizeof(type), &domain->type))
		discovery.faults++;
	out->type = type;
	if (!(type & DOMAIN_DMA_API))
		return;
	out->domain = iovad_of(domain);
	iovad = (void *)out->domain;
	if (iovad)
		bpf_core_read(&granule, sizeof(granule), &iovad->granule);
	out->granule_bytes = granule;
}

/* One chunk of the walk; `next` == 0 starts a new walk. */
static __always_inline void walk_groups(void)
{
	struct kset *kset = NULL;
	struct list_head *entry = NULL;
	struct iommu_group *group;
	struct list_head *node;

	discovery.count = 0;
	if (!discovery.next) {
		discovery.done = 0;
		discovery.faults = 0;
		if (symbols.iommu_group_kset)
			bpf_probe_read_kernel(&kset, sizeof(kset), (void *)symbols.iommu_group_kset);
		if (!kset) {
			discovery.done = 1;
			return;
		}
		discovery.head = (u64)&kset->list;
		bpf_core_read(&entry, sizeof(entry), &kset->list.next);
		discovery.next = (u64)entry;
	}
	for (u32 i = 0; i < RCACHED_DISCOVER_CHUNK; i++) {
		if (!discovery.next || discovery.next == discovery.head) {
			discovery.done = 1;
			return;
		}
		group = (void *)(discovery.next - bpf_core_field_offset(struct kobject, entry) -
				 bpf_core_field_offset(struct iommu_group, kobj));
		read_group(&discovery.groups[i], group);
		discovery.count = i + 1;
		node = (void *)discovery.next;
		/* a group that was removed from the list points to itself: the walk cannot continue */
		if (bpf_core_read(&entry, sizeof(entry), &node->next) || entry == node) {
			discovery.faults++;
			discovery.done = 1;
			return;
		}
		discovery.next = (u64)entry;
	}
}

#endif
