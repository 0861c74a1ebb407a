// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/tracing_permission.h"

#include <bpf/bpf.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace rcached {

Error tracing_refused() {
  if (geteuid() != 0)
    return {ErrorCode::permission,
            "this process may not load BPF tracing programs (bpf: Operation not permitted)",
            "run as root, or give it CAP_BPF, CAP_PERFMON and CAP_SYSLOG as config/rcached.service does"};
  return {ErrorCode::permission,
          "the kernel refuses BPF tracing programs even to root (bpf: Operation not permitted), by a "
          "security policy of this machine",
          "allow BPF tracing (container seccomp profile, LSM policy, lockdown), or run on the host; "
          "`rcached run --source synthetic` needs no BPF"};
}

Error kprobe_refused() {
  return {
      ErrorCode::permission, "this process may not create kprobes (perf_event_open: Permission denied)",
      "set kernel.perf_event_paranoid to 2 or lower, or run with CAP_SYS_ADMIN: some distributions' kernels "
      "up to 5.10 require it"};
}

Expected<void> probe_tracing_permission(const KernelTypes& types) {
  const auto function = types.function("alloc_iova_fast");
  if (!function)
    return fail(ErrorCode::attach, "the kernel's BTF has no function alloc_iova_fast",
                "rcached needs a kernel with CONFIG_IOMMU_IOVA");

  bpf_insn program[2] = {};  // r0 = 0; exit
  program[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
  program[1].code = BPF_JMP | BPF_EXIT;
  bpf_prog_load_opts options{};
  options.sz = sizeof(options);
  options.expected_attach_type = BPF_TRACE_FENTRY;
  options.attach_btf_id = *function;
  const int fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "rcached_check", "GPL", program, 2, &options);
  if (fd >= 0) {
    close(fd);
    return {};
  }
  if (fd == -EPERM || fd == -EACCES) return tl::unexpected<Error>(tracing_refused());
  return fail(ErrorCode::attach,
              fmt::format("the kernel rejects a BPF tracing program (bpf: {})", std::strerror(-fd)),
              "see `dmesg` for the reason; rcached needs Linux 5.10 or later with BPF trampolines");
}

}  // namespace rcached
