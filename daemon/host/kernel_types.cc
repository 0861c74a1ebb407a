// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/kernel_types.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <string>

namespace rcached {

Expected<KernelTypes> KernelTypes::load() {
  ::btf* btf = btf__parse("/sys/kernel/btf/vmlinux", nullptr);
  if (btf == nullptr || libbpf_get_error(btf) != 0) {
    return fail(ErrorCode::no_btf,
                "the kernel provides no type information (/sys/kernel/btf/vmlinux is missing or unreadable)",
                "boot a kernel with CONFIG_DEBUG_INFO_BTF=y; the distribution kernels of Debian 11 and later "
                "have it");
  }
  return KernelTypes(std::shared_ptr<const ::btf>(btf, [btf](const ::btf*) { btf__free(btf); }));
}

std::optional<std::uint32_t> KernelTypes::function(std::string_view name) const {
  const int id = btf__find_by_name_kind(btf_.get(), std::string(name).c_str(), BTF_KIND_FUNC);
  if (id <= 0) return std::nullopt;
  return static_cast<std::uint32_t>(id);
}

}  // namespace rcached
