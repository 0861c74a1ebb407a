// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/capabilities.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/capability.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <thread>
#include <type_traits>

namespace rcached {
namespace {

struct Release {
  void operator()(cap_t capabilities) const { cap_free(capabilities); }
};
using Capabilities = std::unique_ptr<std::remove_pointer_t<cap_t>, Release>;

// 0 or errno. `kept` must be in the permitted set already.
int set_capabilities(const cap_value_t* kept, int count) {
  const Capabilities wanted(cap_init());
  if (!wanted) return errno;
  if (count > 0 && (cap_set_flag(wanted.get(), CAP_PERMITTED, count, kept, CAP_SET) != 0 ||
                    cap_set_flag(wanted.get(), CAP_EFFECTIVE, count, kept, CAP_SET) != 0))
    return errno;
  if (cap_reset_ambient() != 0 && errno != EINVAL)
    return errno;  // EINVAL: a kernel without ambient capabilities
  return cap_set_proc(wanted.get()) == 0 ? 0 : errno;
}

bool has_cap_bpf() {
  const Capabilities current(cap_get_proc());
  cap_flag_value_t value = CAP_CLEAR;
  return current && cap_get_flag(current.get(), CAP_BPF, CAP_EFFECTIVE, &value) == 0 && value == CAP_SET;
}

// Tested in a thread without capabilities: EPERM if the kernel requires one, else an error about the
// descriptor.
bool bpf_calls_need_capability() {
  bool refused = false;
  std::thread([&refused] {
    if (set_capabilities(nullptr, 0) != 0) return;
    __u32 key = 0;
    __u64 value = 0;
    refused = bpf_map_lookup_elem(-1, &key, &value) != 0 && errno == EPERM;
  }).join();
  return refused;
}

}  // namespace

Expected<void> drop_capabilities() {
  const cap_value_t kept[] = {CAP_BPF};
  const bool keep = has_cap_bpf() && bpf_calls_need_capability();
  if (const int error = set_capabilities(kept, keep ? 1 : 0); error != 0) {
    return fail(ErrorCode::internal,
                fmt::format("cannot drop capabilities: {}", std::generic_category().message(error)),
                "report this as a bug, with the settings of the systemd unit");
  }
  if (keep) spdlog::debug("CAP_BPF is kept: reading maps needs it before Linux 5.19");
  return {};
}

}  // namespace rcached
