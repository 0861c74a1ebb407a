// SPDX-License-Identifier: GPL-2.0-only
/*
 * The attach points. Every function has fentry/fexit programs and kprobe/kretprobe programs; the daemon loads
 * one of the two kinds for each function (daemon/source/attach_plan.h). operations.bpf.h handles the calls.
 *
 * Names: <kernel function>_<method>, and <kernel function>_nested for its twin (twin.bpf.h); the daemon finds
 * programs by these names.
 */
#include "operations.bpf.h"
#include "twin.bpf.h"
#include "kernel_state.bpf.h"
#include "kernel_code.bpf.h"

#include <linux/ptrace.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

/* The frame (frame.bpf.h) in a kprobe and in a kretprobe: the stack pointer at the entry of the function. */
#if defined(__TARGET_ARCH_x86)
#define ENTRY_SP(ctx) ((u64)PT_REGS_SP(ctx))
#define RETURN_SP(ctx) ((u64)PT_REGS_SP(ctx) - sizeof(u64))
#else
#define ENTRY_SP(ctx) ((u64)PT_REGS_SP(ctx))
#define RETURN_SP(ctx) ((u64)PT_REGS_SP(ctx))
#endif

/* An argument as a plain number: the verifier allows no arithmetic with the typed pointer. */
static __always_inline u64 scalar_argument(const void *ctx, int index)
{
	u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), ctx + index * sizeof(u64));
	return value;
}

/* alloc_iova_fast(iovad, size, limit_pfn, flush_rcache) */
SEC("fexit/alloc_iova_fast")
int BPF_PROG(alloc_iova_fast_fexit, u64 iovad, u64 size, u64 limit_pfn, u64 flush, u64 pfn)
{
	return first_alloc(frame_of(ctx), iovad, size, limit_pfn, pfn);
}

SEC("fexit/alloc_iova_fast")
int BPF_PROG(alloc_iova_fast_nested, u64 iovad, u64 size, u64 limit_pfn, u64 flush, u64 pfn)
{
	return twin_alloc(frame_of(ctx), iovad, size, limit_pfn, pfn);
}

SEC("kprobe/alloc_iova_fast")
int alloc_iova_fast_kprobe(struct pt_regs *ctx)
{
	return call_begin(call_key(ENTRY_SP(ctx), FN_ALLOC), (struct call){.domain = PT_REGS_PARM1(ctx),
									   .size = PT_REGS_PARM2(ctx),
									   .arg = PT_REGS_PARM3(ctx)});
}

SEC("kretprobe/alloc_iova_fast")
int alloc_iova_fast_kretprobe(struct pt_regs *ctx)
{
	struct call call;

	if (!call_finish(call_key(RETURN_SP(ctx), FN_ALLOC), &call))
		return 0;
	return on_alloc(RETURN_SP(ctx), call.domain, call.size, call.arg, PT_REGS_RC(ctx));
}

/* free_iova_fast(iovad, pfn, size) */
SEC("fexit/free_iova_fast")
int BPF_PROG(free_iova_fast_fexit, u64 iovad, u64 pfn, u64 size)
{
	return first_free(frame_of(ctx), iovad, pfn, size, FREE_ASK_NESTED);
}

SEC("fexit/free_iova_fast")
int BPF_PROG(free_iova_fast_nested, u64 iovad, u64 pfn, u64 size)
{
	return twin_free(frame_of(ctx), iovad, pfn, size, FREE_ASK_NESTED);
}

SEC("kprobe/free_iova_fast")
int free_iova_fast_kprobe(struct pt_regs *ctx)
{
	return call_begin(call_key(ENTRY_SP(ctx), FN_FREE), (struct call){.domain = PT_REGS_PARM1(ctx),
									  .pfn = PT_REGS_PARM2(ctx),
									  .size = PT_REGS_PARM3(ctx)});
}

SEC("kretprobe/free_iova_fast")
int free_iova_fast_kretprobe(struct pt_regs *ctx)
{
	struct call call;

	if (!call_finish(call_key(RETURN_SP(ctx), FN_FREE), &call))
		return 0;
	return on_free(RETURN_SP(ctx), call.domain, call.pfn, call.size, FREE_ASK_NESTED);
}

/* bool iova_rcache_insert(iovad, pfn, size): if false, the pfn is freed to the tree */
SEC("fexit/iova_rcache_insert")
int BPF_PROG(iova_rcache_insert_fexit, u64 iovad, u64 pfn, u64 size, u64 inserted)
{
	return first_free(frame_of(ctx), iovad, pfn, size, (inserted & 0xff) ? FREE_TO_CACHE : FREE_TO_TREE);
}

SEC("fexit/iova_rcache_insert")
int BPF_PROG(iova_rcache_insert_nested, u64 iovad, u64 pfn, u64 size, u64 inserted)
{
	return twin_free(frame_of(ctx), iovad, pfn, size, (inserted & 0xff) ? FREE_TO_CACHE : FREE_TO_TREE);
}

SEC("kprobe/iova_rcache_insert")
int iova_rcache_insert_kprobe(struct pt_regs *ctx)
{
	return call_begin(call_key(ENTRY_SP(ctx), FN_FREE), (struct call){.domain = PT_REGS_PARM1(ctx),
									  .pfn = PT_REGS_PARM2(ctx),
									  .size = PT_REGS_PARM3(ctx)});
}

SEC("kretprobe/iova_rcache_insert")
int iova_rcache_insert_kretprobe(struct pt_regs *ctx)
{
	struct call call;

	if (!call_finish(call_key(RETURN_SP(ctx), FN_FREE), &call))
		return 0;
	return on_free(RETURN_SP(ctx), call.domain, call.pfn, call.size,
		       (PT_REGS_RC(ctx) & 0xff) ? FREE_TO_CACHE : FREE_TO_TREE);
}

/* struct iova *alloc_iova(iovad, size, limit_pfn, size_aligned) */
SEC("fentry/alloc_iova")
int BPF_PROG(alloc_iova_fentry, u64 iovad, u64 size)
{
	return on_tree_alloc_enter(frame_of(ctx), iovad, size);
}

SEC("fexit/alloc_iova")
int BPF_PROG(alloc_iova_fexit, u64 iovad, u64 size, u64 limit_pfn, u64 size_aligned, struct iova *iova)
{
	u64 frame = frame_of(ctx);
	struct call call = {};

	call_take(call_key(frame, FN_TREE_ALLOC), &call);
	return on_tree_alloc_exit(frame, call.start_ns, iovad, size, iova);
}

SEC("kprobe/alloc_iova")
int alloc_iova_kprobe(struct pt_regs *ctx)
{
	return on_tree_alloc_enter(ENTRY_SP(ctx), PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx));
}

SEC("kretprobe/alloc_iova")
int alloc_iova_kretprobe(struct pt_regs *ctx)
{
	struct call call;

	if (!call_finish(call_key(RETURN_SP(ctx), FN_TREE_ALLOC), &call))
		return 0;
	return on_tree_alloc_exit(RETURN_SP(ctx), call.start_ns, call.domain, call.size,
				  (struct iova *)PT_REGS_RC(ctx));
}

/* free_iova(iovad, pfn) */
SEC("fentry/free_iova")
int BPF_PROG(free_iova_fentry, u64 iovad, u64 pfn)
{
	return on_free_iova(frame_of(ctx), iovad, pfn);
}

SEC("kprobe/free_iova")
int free_iova_kprobe(struct pt_regs *ctx)
{
	return on_free_iova(ENTRY_SP(ctx), PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx));
}

/* __free_iova(iovad, iova) */
SEC("fentry/__free_iova")
int BPF_PROG(__free_iova_fentry, u64 iovad, u64 iova)
{
	return on_inner_free(frame_of(ctx), iovad, (struct iova *)iova);
}

SEC("kprobe/__free_iova")
int __free_iova_kprobe(struct pt_regs *ctx)
{
	return on_inner_free(ENTRY_SP(ctx), PT_REGS_PARM1(ctx), (struct iova *)PT_REGS_PARM2(ctx));
}

/* iova_magazine_free_pfns(magazine, iovad) */
SEC("fentry/iova_magazine_free_pfns")
int BPF_PROG(iova_magazine_free_pfns_fentry, u64 magazine, u64 iovad)
{
	return on_magazine_free_enter(frame_of(ctx), iovad, (struct iova_magazine *)magazine);
}

SEC("fexit/iova_magazine_free_pfns")
int BPF_PROG(iova_magazine_free_pfns_fexit)
{
	return on_magazine_free_exit(frame_of(ctx));
}

SEC("kprobe/iova_magazine_free_pfns")
int iova_magazine_free_pfns_kprobe(struct pt_regs *ctx)
{
	return on_magazine_free_enter(ENTRY_SP(ctx), PT_REGS_PARM2(ctx),
				      (struct iova_magazine *)PT_REGS_PARM1(ctx));
}

SEC("kretprobe/iova_magazine_free_pfns")
int iova_magazine_free_pfns_kretprobe(struct pt_regs *ctx)
{
	return on_magazine_free_exit(RETURN_SP(ctx));
}

/* free_cpu_cached_iovas(cpu, iovad) */
SEC("fentry/free_cpu_cached_iovas")
int BPF_PROG(free_cpu_cached_iovas_fentry, u64 cpu, u64 iovad)
{
	return on_cpu_flush_enter(frame_of(ctx), iovad);
}

SEC("fexit/free_cpu_cached_iovas")
int BPF_PROG(free_cpu_cached_iovas_fexit, u64 cpu, u64 iovad)
{
	return on_cpu_flush_exit(iovad, cpu);
}

SEC("kprobe/free_cpu_cached_iovas")
int free_cpu_cached_iovas_kprobe(struct pt_regs *ctx)
{
	on_cpu_flush_enter(ENTRY_SP(ctx), PT_REGS_PARM2(ctx));
	return call_begin(call_key(ENTRY_SP(ctx), FN_CPU_FLUSH),
			  (struct call){.domain = PT_REGS_PARM2(ctx), .arg = PT_REGS_PARM1(ctx)});
}

SEC("kretprobe/free_cpu_cached_iovas")
int free_cpu_cached_iovas_kretprobe(struct pt_regs *ctx)
{
	struct call call;

	if (!call_finish(call_key(RETURN_SP(ctx), FN_CPU_FLUSH), &call))
		return 0;
	return on_cpu_flush_exit(call.domain, call.arg);
}

/* iova_depot_work_func(work), since 6.7 */
SEC("fentry/iova_depot_work_func")
int BPF_PROG(iova_depot_work_func_fentry)
{
	return on_reclaim_enter(frame_of(ctx), scalar_argument(ctx, 0));
}

SEC("fexit/iova_depot_work_func")
int BPF_PROG(iova_depot_work_func_fexit)
{
	return on_reclaim_exit();
}

SEC("kprobe/iova_depot_work_func")
int iova_depot_work_func_kprobe(struct pt_regs *ctx)
{
	return on_reclaim_enter(ENTRY_SP(ctx), PT_REGS_PARM1(ctx));
}

SEC("kretprobe/iova_depot_work_func")
int iova_depot_work_func_kretprobe(struct pt_regs *ctx)
{
	return on_reclaim_exit();
}

/* struct iova *reserve_iova(iovad, pfn_lo, pfn_hi) */
SEC("fexit/reserve_iova")
int BPF_PROG(reserve_iova_fexit, u64 iovad, u64 pfn_lo, u64 pfn_hi, u64 iova)
{
	return on_reserve(iovad, pfn_lo, pfn_hi, iova);
}

SEC("kprobe/reserve_iova")
int reserve_iova_kprobe(struct pt_regs *ctx)
{
	return call_begin(call_key(ENTRY_SP(ctx), FN_RESERVE), (struct call){.domain = PT_REGS_PARM1(ctx),
									     .pfn = PT_REGS_PARM2(ctx),
									     .arg = PT_REGS_PARM3(ctx)});
}

SEC("kretprobe/reserve_iova")
int reserve_iova_kretprobe(struct pt_regs *ctx)
{
	struct call call;

	if (!call_finish(call_key(RETURN_SP(ctx), FN_RESERVE), &call))
		return 0;
	return on_reserve(call.domain, call.pfn, call.arg, PT_REGS_RC(ctx));
}

/* init_iova_domain(iovad, granule, start_pfn) */
SEC("fexit/init_iova_domain")
int BPF_PROG(init_iova_domain_fexit, u64 iovad, u64 granule)
{
	return on_domain(RCACHED_OP_DOMAIN_INIT, iovad, granule);
}

SEC("kprobe/init_iova_domain")
int init_iova_domain_kprobe(struct pt_regs *ctx)
{
	return on_domain(RCACHED_OP_DOMAIN_INIT, PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx));
}

/* put_iova_domain(iovad) */
SEC("fentry/put_iova_domain")
int BPF_PROG(put_iova_domain_fentry, u64 iovad)
{
	return on_domain(RCACHED_OP_DOMAIN_PUT, iovad, 0);
}

SEC("kprobe/put_iova_domain")
int put_iova_domain_kprobe(struct pt_regs *ctx)
{
	return on_domain(RCACHED_OP_DOMAIN_PUT, PT_REGS_PARM1(ctx), 0);
}

/* fq_flush_timeout(timer) */
SEC("fentry/fq_flush_timeout")
int BPF_PROG(fq_flush_timeout_fentry)
{
	return on_fq_drain_enter(frame_of(ctx), scalar_argument(ctx, 0));
}

SEC("fexit/fq_flush_timeout")
int BPF_PROG(fq_flush_timeout_fexit)
{
	return on_fq_drain_exit(frame_of(ctx));
}

SEC("kprobe/fq_flush_timeout")
int fq_flush_timeout_kprobe(struct pt_regs *ctx)
{
	return on_fq_drain_enter(ENTRY_SP(ctx), PT_REGS_PARM1(ctx));
}

SEC("kretprobe/fq_flush_timeout")
int fq_flush_timeout_kretprobe(struct pt_regs *ctx)
{
	return on_fq_drain_exit(RETURN_SP(ctx));
}

/* Run by the daemon, never attached. */
SEC("raw_tp/sys_enter")
int rcached_begin(void *ctx)
{
	frames_begin();
	read_per_cpu_offsets();
	inner_free_reports = code_reaches(symbols.free_iova, symbols.inner_free);
	return 0;
}

/* Runs once for every program of the system. */
SEC("iter/bpf_prog")
int rcached_find_active(struct bpf_iter__bpf_prog *ctx)
{
	find_active(ctx->prog);
	return 0;
}

SEC("raw_tp/sys_enter")
int rcached_walk_groups(void *ctx)
{
	walk_groups();
	return 0;
}
