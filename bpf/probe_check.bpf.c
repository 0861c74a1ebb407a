// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shows whether the kernel runs attached programs at all. A test run of a tracing program makes the kernel call
 * bpf_fentry_test1 (net/bpf/test_run.c, 5.6 and later); the programs attached to it must have run then. They have not
 * while kernel.ftrace_enabled is 0 or kprobes are disarmed: attached programs stay attached and no event comes.
 */
#include "base.bpf.h"

char LICENSE[] SEC("license") = "GPL";

__u64 fentry_runs;
__u64 kprobe_runs;

SEC("fentry/bpf_fentry_test1")
int check_fentry(void *ctx)
{
	__sync_fetch_and_add(&fentry_runs, 1);
	return 0;
}

SEC("kprobe/bpf_fentry_test1")
int check_kprobe(void *ctx)
{
	__sync_fetch_and_add(&kprobe_runs, 1);
	return 0;
}
