// SPDX-License-Identifier: Apache-2.0
#include "allocator/trend.h"

#include <algorithm>
#include <utility>

namespace rcached {

Trend::Sample Trend::sample_of(const DomainSnapshot& domain, std::uint64_t now_ns) {
  Sample sample;
  sample.time_ns = now_ns;
  sample.levels = {domain.tree_ranges, domain.outstanding, domain.cpu_cached, domain.depot_cached};
  auto& counters = sample.counters;
  for (unsigned order = 0; order <= kCachedOrders; ++order) {
    const OrderSnapshot& s = domain.orders[order];
    if (order < kCachedOrders) sample.levels[4 + order] = s.depot_magazines;
    counters[0] += s.allocations;
    counters[1] += s.allocation_failures;
    counters[2] += s.tree_allocations;
    counters[3] += order == kCachedOrders ? s.allocations : 0;
    counters[4] += s.frees;
    counters[5] += s.depot_overflows;
    counters[6] += s.depot_reclaims;
    counters[7] += s.mismatched_frees;
  }
  counters[8] = domain.depot_overflow.sum_ns;
  return sample;
}

void Trend::observe(const Snapshot& snapshot, std::uint64_t now_ns) {
  ++observations_;
  for (const DomainSnapshot& state : snapshot.domains) {
    Domain& domain = domains_[state.id];
    domain.seen_in = observations_;
    auto& samples = domain.samples;
    const Sample sample = sample_of(state, now_ns);
    const bool fell =
        !samples.empty() && !std::ranges::equal(samples.back().counters, sample.counters,
                                                [](auto before, auto now) { return before <= now; });
    if (fell) samples.clear();  // another domain under the same number
    if (samples.size() > 1 && samples.back().time_ns - samples[samples.size() - 2].time_ns < kStepNs)
      samples.pop_back();
    samples.push_back(sample);
    while (now_ns - samples.front().time_ns > kWindowNs && samples.size() > 2) samples.pop_front();
  }
  std::erase_if(domains_, [this](const auto& entry) { return entry.second.seen_in != observations_; });
}

std::optional<DomainRates> Trend::rates(std::uint64_t domain_id) const {
  const auto found = domains_.find(domain_id);
  if (found == domains_.end() || found->second.samples.size() < 2) return std::nullopt;
  const auto& samples = found->second.samples;
  const Sample& first = samples.front();
  const Sample& last = samples.back();
  const double seconds = static_cast<double>(last.time_ns - first.time_ns) * 1e-9;
  if (seconds <= 0) return std::nullopt;

  // Least squares, with times and levels taken from the first sample on so that nothing large is subtracted.
  const auto count = static_cast<double>(samples.size());
  double mean_time = 0;
  for (const Sample& sample : samples)
    mean_time += static_cast<double>(sample.time_ns - first.time_ns) * 1e-9 / count;
  double spread = 0;
  std::array<double, kLevels> products{};
  for (const Sample& sample : samples) {
    const double time = static_cast<double>(sample.time_ns - first.time_ns) * 1e-9 - mean_time;
    spread += time * time;
    for (std::size_t i = 0; i < kLevels; ++i) {
      products[i] +=
          time * static_cast<double>(static_cast<std::int64_t>(sample.levels[i] - first.levels[i]));
    }
  }
  const auto slope = [&](std::size_t level) { return products[level] / spread; };
  const auto rate = [&](std::size_t counter) {
    return static_cast<double>(last.counters[counter] - first.counters[counter]) / seconds;
  };

  DomainRates rates;
  rates.seconds = seconds;
  rates.tree_ranges = slope(0);
  rates.outstanding = slope(1);
  rates.cpu_cached = slope(2);
  rates.depot_cached = slope(3);
  for (std::size_t order = 0; order < kCachedOrders; ++order) rates.depot_magazines[order] = slope(4 + order);
  rates.allocations = rate(0);
  rates.allocation_failures = rate(1);
  rates.tree_allocations = rate(2);
  rates.uncacheable_allocations = rate(3);
  rates.frees = rate(4);
  rates.depot_overflows = rate(5);
  rates.depot_reclaims = rate(6);
  rates.mismatched_frees = rate(7);
  rates.depot_overflow_seconds = rate(8) * 1e-9;
  return rates;
}

}  // namespace rcached
