// SPDX-License-Identifier: Apache-2.0
// The reference size of a depot, and the name of its kind.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "view/view.h"

namespace rcached {

// In magazines: where a bounded depot overflows, where an unbounded one is reclaimed. nullopt: not known.
inline std::optional<std::uint32_t> depot_mark(const KernelInfo& kernel) {
  const std::uint32_t mark =
      kernel.profile.depot == DepotKind::bounded ? kernel.profile.depot_capacity : kernel.online_cpus;
  return mark == 0 ? std::nullopt : std::optional(mark);
}

inline std::string_view depot_kind(const KernelInfo& kernel) {
  return kernel.profile.depot == DepotKind::bounded ? "bounded" : "unbounded";
}

}  // namespace rcached
