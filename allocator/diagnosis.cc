// SPDX-License-Identifier: Apache-2.0
#include "allocator/diagnosis.h"

#include <array>
#include <cstdio>
#include <optional>
#include <utility>

namespace rcached {
namespace {

constexpr double kHour = 3600;
constexpr double kTrend = 30;  // seconds
constexpr double kLoad = 10;   // allocations a second below which shares say nothing

template <typename... Values>
std::string text(const char* format, Values... values) {
  std::array<char, 160> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, values...);
  return buffer.data();
}

Verdict depot_saturated(const DomainRates& rates) {
  if (rates.depot_overflows <= 0) {
    return {"depot-saturated", false, text("no magazine overflowed in the last %.0f s", rates.seconds)};
  }
  return {"depot-saturated", true,
          text("%.2f magazines/s freed to the tree in the last %.0f s, %.2f %% of one CPU's time spent in it",
               rates.depot_overflows, rates.seconds, 100 * rates.depot_overflow_seconds)};
}

Verdict depot_filling(const DomainSnapshot& domain, const DomainRates& rates, const KernelProfile& profile) {
  // The order whose depot is full first.
  std::optional<std::pair<double, unsigned>> soonest;
  for (unsigned order = 0; order < kCachedOrders; ++order) {
    const double room = static_cast<double>(profile.depot_capacity) - domain.orders[order].depot_magazines;
    const double pace = rates.depot_magazines[order];
    if (pace <= 0 || room <= 0) continue;
    if (const double seconds = room / pace; !soonest || seconds < soonest->first) soonest = {seconds, order};
  }
  if (!soonest) return {"depot-filling", false, text("no depot grew in the last %.0f s", rates.seconds)};
  const auto [seconds, order] = *soonest;
  // The first magazines of a young depot say nothing of a trend.
  const bool far_enough =
      domain.orders[order].depot_magazines * 4 >= profile.depot_capacity && rates.seconds >= kTrend;
  return {"depot-filling", far_enough && rates.depot_overflows <= 0 && seconds < kHour,
          text("the depot of order %u holds %u of %u magazines and will be full in %.0f s at the rate of the "
               "last %.0f s",
               order, domain.orders[order].depot_magazines, profile.depot_capacity, seconds, rates.seconds)};
}

Verdict reclaim_churn(const DomainRates& rates) {
  if (rates.depot_reclaims <= 0) {
    return {"reclaim-churn", false, text("no magazine was reclaimed in the last %.0f s", rates.seconds)};
  }
  return {
      "reclaim-churn", true,
      text("%.2f magazines/s reclaimed to the tree in the last %.0f s", rates.depot_reclaims, rates.seconds)};
}

Verdict size_mismatch(const DomainSnapshot& domain, const DomainRates& rates) {
  if (rates.mismatched_frees <= 0) {
    return {"size-mismatch", false, text("no free with a different size in the last %.0f s", rates.seconds)};
  }
  std::string orders;
  for (unsigned order = 0; order <= kCachedOrders; ++order) {
    if (domain.orders[order].mismatched_frees == 0) continue;
    orders +=
        (orders.empty() ? "" : ", ") + (order == kCachedOrders ? std::string("6+") : std::to_string(order));
  }
  return {"size-mismatch", true,
          text("%.2f frees/s with a different size than allocated in the last %.0f s; since the start in "
               "orders %s",
               rates.mismatched_frees, rates.seconds, orders.c_str())};
}

Verdict uncacheable_load(const DomainRates& rates) {
  const double share = rates.allocations > 0 ? rates.uncacheable_allocations / rates.allocations : 0;
  return {"uncacheable-load", rates.allocations >= kLoad && share > 0.5,
          text("%.1f %% of %.0f allocations/s are too large for the caches", 100 * share, rates.allocations)};
}

}  // namespace

std::vector<Verdict> diagnose(const DomainSnapshot& domain, const DomainRates& rates,
                              const KernelProfile& profile) {
  std::vector<Verdict> verdicts;
  if (profile.depot == DepotKind::bounded) {
    verdicts.push_back(depot_saturated(rates));
    verdicts.push_back(depot_filling(domain, rates, profile));
  } else {
    verdicts.push_back(reclaim_churn(rates));
  }
  verdicts.push_back(size_mismatch(domain, rates));
  verdicts.push_back(uncacheable_load(rates));
  return verdicts;
}

}  // namespace rcached
