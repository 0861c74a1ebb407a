// SPDX-License-Identifier: Apache-2.0
// Quantiles of a DurationHistogram: the upper bound of the bucket that contains the quantile, so "99 % took at
// most this long" is true. Pure.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "allocator/snapshot.h"

namespace rcached {

// In seconds; `quantile` in (0, 1]. nullopt: there are no events, or (count() > 0) the quantile is above the
// last bound, which would be too low as a result.
inline std::optional<double> duration_quantile(const DurationHistogram& histogram, double quantile) {
  const std::uint64_t count = histogram.count();
  if (count == 0) return std::nullopt;
  const double rank = std::ceil(quantile * static_cast<double>(count));
  std::uint64_t up_to = 0;
  for (std::size_t i = 0; i < DurationHistogram::kBoundsNs.size(); ++i) {
    up_to += histogram.counts[i];
    if (up_to != 0 && static_cast<double>(up_to) >= rank) {
      return static_cast<double>(DurationHistogram::kBoundsNs[i]) / 1e9;
    }
  }
  return std::nullopt;
}

}  // namespace rcached
