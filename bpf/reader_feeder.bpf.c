// SPDX-License-Identifier: GPL-2.0-only
/*
 * Provides the host tests of the reader with kernel memory: an array that user space has mapped and fills with
 * kernel structures, its address in the kernel, and the layout of the running kernel from CO-RE.
 */
#include "reader_feeder.h"
#include "base.bpf.h"

char LICENSE[] SEC("license") = "GPL";

__u8 memory[FAKE_MEMORY_BYTES] __attribute__((aligned(4096)));
__u64 memory_address;
struct fake_layout layout;

/* Separate from the relocation, which the compiler would otherwise merge into the store. */
static __always_inline u32 plain(u64 value)
{
	barrier_var(value);
	return value;
}

#define OFFSET(member, type, field) (layout.member = plain(bpf_core_field_offset(type, field)))
#define SIZE(member, type) (layout.member = plain(bpf_core_type_size(type)))

SEC("raw_tp/sys_enter")
int feeder_layout(void *ctx)
{
	struct iova_domain *domain = NULL;
	struct iova_rcache *rcache = NULL;
	struct iommu_dma_cookie *cookie = NULL;

	memory_address = (u64)memory;
	/* the tests build structures of 6.7 and later; on older kernels there is no layout, and they skip */
	if (!bpf_core_field_exists(domain->rcaches) || !bpf_core_field_exists(rcache->depot) ||
	    !bpf_core_field_exists(cookie->percpu_fq))
		return 0;
	SIZE(domain_bytes, struct iova_domain);
	OFFSET(rbroot, struct iova_domain, rbroot);
	OFFSET(granule, struct iova_domain, granule);
	OFFSET(start_pfn, struct iova_domain, start_pfn);
	OFFSET(dma_32bit_pfn, struct iova_domain, dma_32bit_pfn);
	OFFSET(rcaches, struct iova_domain, rcaches);
	SIZE(rcache_bytes, struct iova_rcache);
	OFFSET(depot_size, struct iova_rcache, depot_size);
	OFFSET(depot, struct iova_rcache, depot);
	OFFSET(cpu_rcaches, struct iova_rcache, cpu_rcaches);
	SIZE(cpu_rcache_bytes, struct iova_cpu_rcache);
	OFFSET(loaded, struct iova_cpu_rcache, loaded);
	OFFSET(prev, struct iova_cpu_rcache, prev);
	SIZE(magazine_bytes, struct iova_magazine);
	OFFSET(size, struct iova_magazine, size);
	OFFSET(pfns, struct iova_magazine, pfns);
	layout.capacity = plain(bpf_core_field_size(struct iova_magazine, pfns)) / sizeof(u64);
	SIZE(iova_bytes, struct iova);
	OFFSET(node, struct iova, node);
	OFFSET(pfn_hi, struct iova, pfn_hi);
	OFFSET(pfn_lo, struct iova, pfn_lo);
	OFFSET(parent, struct rb_node, __rb_parent_color);
	OFFSET(left, struct rb_node, rb_left);
	OFFSET(right, struct rb_node, rb_right);
	SIZE(cookie_bytes, struct iommu_dma_cookie);
	OFFSET(iovad, struct iommu_dma_cookie, iovad);
	OFFSET(percpu_fq, struct iommu_dma_cookie, percpu_fq);
	OFFSET(qt, struct iommu_dma_cookie, options.qt);
	SIZE(fq_bytes, struct iova_fq);
	OFFSET(head, struct iova_fq, head);
	OFFSET(tail, struct iova_fq, tail);
	OFFSET(mod_mask, struct iova_fq, mod_mask);
	return 0;
}
