// SPDX-License-Identifier: Apache-2.0
// KernelTypes: the type information (BTF) of the running kernel, parsed once: about five megabytes;
// parsing takes longer than all later lookups.
//
// Immutable after load; safe to share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "daemon/host/kernel_layout.h"

namespace rcached {

class KernelTypes {
 public:
  // Errors: no_btf.
  static Expected<KernelTypes> load();

  // Errors: unknown_layout.
  Expected<KernelLayout> layout() const { return read_kernel_layout(btf_.get()); }

  // The BTF id of a kernel function, by its exact name.
  std::optional<std::uint32_t> function(std::string_view name) const;

 private:
  explicit KernelTypes(std::shared_ptr<const ::btf> btf) : btf_(std::move(btf)) {}

  std::shared_ptr<const ::btf> btf_;
};

}  // namespace rcached
