// SPDX-License-Identifier: Apache-2.0
// Error: what a caller can act on, as a value. `message` says what happened, to what, where; `mend` says what
// the operator can do about it. The code is also the process's exit code (listed in `rcached --help`).
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace rcached {

enum class ErrorCode : int {
  ok = 0,
  internal = 1,
  usage = 2,           // wrong command line
  config = 3,          // config missing, malformed, unknown or wrong key
  permission = 4,      // not root / CAP_BPF, CAP_PERFMON missing, or the kernel's policy refuses tracing
  no_btf = 5,          // /sys/kernel/btf/vmlinux missing
  lockdown = 6,        // kernel lockdown forbids reading kernel memory
  no_iommu = 7,        // no IOMMU group does DMA translation
  unknown_layout = 8,  // the kernel's IOVA structures are not what the probes understand
  attach = 9,          // a probe could not be loaded or attached
  port_taken = 10,     // the HTTP address is in use, or its port not ours to open
  second_instance = 11,
};

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  std::string mend;  // may be empty
};

template <typename T>
using Expected = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string message, std::string mend = {}) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(mend)});
}

}  // namespace rcached
