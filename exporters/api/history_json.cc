// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/history_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "exporters/api/json.h"

namespace rcached::api {
namespace {

// The double with the same shortest digits: 1.5e-06f becomes 1.5e-06, not 1.5000000530707533e-06.
double with_its_digits(float value) {
  std::array<char, 32> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  double exact = value;
  std::from_chars(digits.data(), written.ptr, exact);
  return exact;
}

Json column(const std::vector<float>& values) {
  Json out = Json::array();
  for (const float value : values) {
    out.push_back(std::isfinite(value) ? Json(with_its_digits(value)) : Json());
  }
  return out;
}

}  // namespace

std::string history_body(const View& view, const NamedDomain& domain) {
  const History none;
  const History& history = view.history ? *view.history : none;
  const auto found =
      std::find_if(history.domains.begin(), history.domains.end(),
                   [&](const DomainHistory& candidate) { return candidate.id == domain.info.id; });
  const DomainHistory empty;
  const DomainHistory& h = found == history.domains.end() ? empty : *found;
  return dump({{"domain", text(domain.info.label)},
               {"interval_seconds", history.interval_s},
               {"first", h.tree_ranges.empty() ? Json() : Json(h.first_unix_s)},
               {"tree", column(h.tree_ranges)},
               {"outstanding", column(h.outstanding)},
               {"cpu_cached", column(h.cpu_cached)},
               {"depot_cached", column(h.depot_cached)},
               {"allocations_per_second", column(h.allocations_per_second)},
               {"overflows_per_second", column(h.overflows_per_second)},
               {"tree_allocation_mean", column(h.tree_allocation_mean_seconds)},
               {"tree_allocation_p99", column(h.tree_allocation_p99_seconds)}});
}

}  // namespace rcached::api
