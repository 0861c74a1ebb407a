// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/samples.h"

namespace rcached::samples {

const std::array<Piece, DurationHistogram::kBoundsNs.size() + 1>& duration_bounds() {
  static const auto kBounds = [] {
    std::array<Piece, DurationHistogram::kBoundsNs.size() + 1> bounds;
    for (std::size_t i = 0; i < DurationHistogram::kBoundsNs.size(); ++i) {
      // Not ns * 1e-9, which is not always the number nearest to the decimal fraction.
      const double bound = static_cast<double>(DurationHistogram::kBoundsNs[i]) / 1e9;
      bounds[i] = Piece("le=\"" + canonical_number(bound) + "\"} ");
    }
    bounds.back() = Piece("le=\"+Inf\"} ");
    return bounds;
  }();
  return kBounds;
}

std::vector<ProgramSum> program_sums(const std::vector<ProgramStatus>& programs) {
  std::map<std::pair<std::string_view, std::string_view>, ProgramSum> sums;
  for (const ProgramStatus& program : programs) {
    ProgramSum& sum = sums[{program.function, program.method}];
    sum.runs += program.runs;
    sum.run_ns += program.run_ns;
    sum.skipped += program.skipped;
    sum.skips_countable = sum.skips_countable && program.skips_countable;
  }
  std::vector<ProgramSum> list;
  list.reserve(sums.size());
  for (auto& [key, sum] : sums) {
    sum.labels = block({{"program", key.first}, {"method", key.second}});
    list.push_back(std::move(sum));
  }
  return list;
}

}  // namespace rcached::samples
