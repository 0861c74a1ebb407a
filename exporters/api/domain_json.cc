// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/domain_json.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "exporters/api/json.h"
#include "view/confidence_text.h"
#include "view/depot_mark.h"
#include "view/duration_quantile.h"

namespace rcached::api {
namespace {

constexpr std::array<std::string_view, kCachedOrders + 1> kOrderNames = {"0", "1", "2", "3", "4", "5", "6+"};

// One domain and what else of the View is about it.
struct Subject {
  const View& view;
  const DomainSnapshot& state;
  const DomainInfo& info;
  const DomainRates* rates = nullptr;              // null: not known
  const std::vector<Verdict>* verdicts = nullptr;  // null: none
  std::optional<std::uint32_t> mark;               // of the depots
  std::uint64_t now_ns = 0;

  Subject(const View& all, const NamedDomain& domain, std::uint64_t now)
      : view(all), state(*domain.state), info(domain.info), mark(depot_mark(all.kernel)), now_ns(now) {
    const auto position = static_cast<std::size_t>(domain.state - all.snapshot.domains.data());
    if (position < all.rates.size() && all.rates[position]) rates = &*all.rates[position];
    if (position < all.verdicts.size()) verdicts = &all.verdicts[position];
  }

  Json time(std::uint64_t monotonic_ns) const {
    return unix_time(monotonic_ns, view.status.unix_minus_monotonic_ns);
  }
};

// "a,b" -> ["a","b"]
Json names(std::string_view list) {
  Json out = Json::array();
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view name = list.substr(0, comma);
    if (!name.empty()) out.push_back(text(name));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return out;
}

Json confidence(const Subject& s) {
  const AuditSnapshot& audit = s.state.audit;
  return {{"state", to_string(s.state.confidence)},     {"text", confidence_text(s.state, s.now_ns)},
          {"loss_marks", s.state.loss_marks},           {"last_loss", s.time(audit.last_loss_ns)},
          {"resynced", s.time(audit.resynced_ns)},      {"last_audit", s.time(audit.last_audit_ns)},
          {"last_repair", s.time(audit.last_repair_ns)}};
}

template <class T>
Json ranges(const T& value) {
  return Json::object({{"ranges", value}});
}

Json balance(const Subject& s) {
  const auto level = [&](std::uint64_t value, double DomainRates::*rate) {
    return Json{{"ranges", value}, {"per_second", s.rates == nullptr ? Json() : Json(s.rates->*rate)}};
  };
  return {{"tree", level(s.state.tree_ranges, &DomainRates::tree_ranges)},
          {"outstanding", level(s.state.outstanding, &DomainRates::outstanding)},
          {"cpu_cached", level(s.state.cpu_cached, &DomainRates::cpu_cached)},
          {"depot_cached", level(s.state.depot_cached, &DomainRates::depot_cached)},
          {"reserved", ranges(s.state.reserved)},
          {"unaccounted", ranges(s.state.unaccounted)},
          {"outstanding_before_start", ranges(s.state.outstanding_before_start)},
          {"fq_pending", ranges(or_null(s.state.fq_pending))}};
}

Json ratio(std::uint32_t magazines, std::optional<std::uint32_t> mark) {
  return mark ? Json(static_cast<double>(magazines) / *mark) : Json();
}

Json depot(const Subject& s) {
  Json magazines = Json::array();
  unsigned fullest = 0;  // of several that are equally full the smallest order
  for (unsigned order = 0; order < kCachedOrders; ++order) {
    const std::uint32_t held = s.state.orders[order].depot_magazines;
    magazines.push_back(held);
    if (held > s.state.orders[fullest].depot_magazines) fullest = order;
  }
  Json most;
  if (const std::uint32_t held = s.state.orders[fullest].depot_magazines; held != 0) {
    most = {{"order", kOrderNames[fullest]}, {"magazines", held}, {"ratio", ratio(held, s.mark)}};
  }
  return {{"kind", depot_kind(s.view.kernel)},
          {"mark_magazines", or_null(s.mark)},
          {"magazines", std::move(magazines)},
          {"fullest", std::move(most)}};
}

Json rates(const DomainRates* r) {
  if (r == nullptr) return nullptr;
  return {{"seconds", r->seconds},
          {"allocations", r->allocations},
          {"allocation_failures", r->allocation_failures},
          {"tree_allocations", r->tree_allocations},
          {"frees", r->frees},
          {"depot_overflows", r->depot_overflows},
          {"depot_reclaims", r->depot_reclaims},
          {"mismatched_frees", r->mismatched_frees}};
}

Json durations(const DurationHistogram& histogram) {
  return {{"count", histogram.count()},
          {"seconds", seconds(histogram.sum_ns)},
          {"p50", or_null(duration_quantile(histogram, 0.5))},
          {"p99", or_null(duration_quantile(histogram, 0.99))}};
}

Json memory(const Subject& s) {
  if (!s.state.memory) return nullptr;
  return {{"magazine_bytes", s.state.memory->magazine_bytes},
          {"range_bytes", s.state.memory->range_bytes},
          {"read", s.time(s.state.memory->time_ns)}};
}

Json space32(const Subject& s) {
  if (!s.state.space32) return nullptr;
  return {{"free_pages", s.state.space32->free_pages},
          {"largest_gap_pages", s.state.space32->largest_gap_pages},
          {"read", s.time(s.state.space32->time_ns)}};
}

Json verdicts(const std::vector<Verdict>* list) {
  Json out = Json::array();
  if (list == nullptr) return out;
  for (const Verdict& verdict : *list) {
    out.push_back(
        {{"verdict", text(verdict.name)}, {"holds", verdict.holds}, {"evidence", text(verdict.evidence)}});
  }
  return out;
}

Json summary(const Subject& s) {
  return {
      {"domain", text(s.info.label)},
      {"type", text(s.info.type.empty() ? "unknown" : s.info.type)},
      {"devices", names(s.info.devices)},
      {"drivers", names(s.info.driver)},
      {"granule_bytes", s.info.granule_bytes == 0 ? Json() : Json(s.info.granule_bytes)},
      {"confidence", confidence(s)},
      {"balance", balance(s)},
      {"depot", depot(s)},
      {"rates", rates(s.rates)},
      {"tree_allocation", durations(s.state.tree_allocation)},
      {"depot_overflow", durations(s.state.depot_overflow)},
      {"memory", memory(s)},
      {"space32", space32(s)},
      {"prediction", {{"predictions", s.state.prediction.predictions}, {"hits", s.state.prediction.hits}}},
      {"drift_ranges", s.state.drift.ranges},
      {"verdicts", verdicts(s.verdicts)}};
}

Json order_json(const Subject& s, unsigned order) {
  const OrderSnapshot& o = s.state.orders[order];
  const bool cached = order < kCachedOrders;
  const auto of_caches = [&](auto value) { return cached ? Json(value) : Json(); };
  const std::uint64_t depot_cached =
      std::uint64_t{o.depot_magazines} * s.view.kernel.profile.magazine_capacity;
  return {{"order", kOrderNames[order]},
          {"outstanding", o.outstanding},
          {"cpu_cached", of_caches(o.cpu_cached)},
          {"cpu_capacity", of_caches(o.cpu_capacity)},
          {"cpus_holding", of_caches(o.cpus_holding)},
          {"depot_magazines", of_caches(o.depot_magazines)},
          {"depot_cached", of_caches(depot_cached)},
          {"depot_ratio", cached ? ratio(o.depot_magazines, s.mark) : Json()},
          {"allocations", o.allocations},
          {"allocation_failures", o.allocation_failures},
          {"tree_allocations", o.tree_allocations},
          {"frees", o.frees},
          {"tree_frees", o.tree_frees},
          {"mismatched_frees", o.mismatched_frees},
          {"depot_pushes", of_caches(o.depot_pushes)},
          {"depot_pops", of_caches(o.depot_pops)},
          {"depot_overflows", of_caches(o.depot_overflows)},
          {"depot_reclaims", of_caches(o.depot_reclaims)}};
}

Json orders(const Subject& s) {
  Json out = Json::array();
  for (unsigned order = 0; order <= kCachedOrders; ++order) out.push_back(order_json(s, order));
  return out;
}

Json node_of(const KernelInfo& kernel, std::uint16_t cpu) {
  if (cpu >= kernel.cpu_nodes.size() || kernel.cpu_nodes[cpu] < 0) return nullptr;
  return kernel.cpu_nodes[cpu];
}

// By columns, and a CPU of which only some orders were seen has null for the others: nobody knows them yet.
Json cpus(const Subject& s) {
  Json cpu = Json::array();
  Json node = Json::array();
  Json loaded = Json::array();
  Json prev = Json::array();
  const Json unseen = Json::array_t(kCachedOrders);
  for (const CpuFill& fill : s.state.cpu_fills) {  // by cpu, then order
    if (fill.order >= kCachedOrders) continue;
    if (cpu.empty() || cpu.back() != fill.cpu) {
      cpu.push_back(fill.cpu);
      node.push_back(node_of(s.view.kernel, fill.cpu));
      loaded.push_back(unseen);
      prev.push_back(unseen);
    }
    loaded.back()[fill.order] = fill.loaded;
    prev.back()[fill.order] = fill.prev;
  }
  return {{"magazine_capacity", s.view.kernel.profile.magazine_capacity},
          {"cpu", std::move(cpu)},
          {"node", std::move(node)},
          {"loaded", std::move(loaded)},
          {"prev", std::move(prev)}};
}

Json flush_queue(const FlushQueueSnapshot& queue) {
  return {{"drains", queue.drains},
          {"drained_ranges", queue.drained_ranges},
          {"seconds", seconds(queue.duration_ns)},
          {"longest_seconds", seconds(queue.longest_ns)},
          {"largest_ranges", queue.largest}};
}

Json audit(const AuditSnapshot& a) {
  return {{"audits", a.audits},
          {"repairs", a.repairs},
          {"abandoned", a.abandoned},
          {"drift",
           {{"loaded", a.drift.loaded},
            {"prev", a.drift.prev},
            {"depot", a.drift.depot},
            {"tree", a.drift.tree},
            {"fq", a.drift.fq}}}};
}

Json misses(const PredictionSnapshot& p) {
  return {{"reordered", p.miss_reordered},
          {"depot_race", p.miss_depot_race},
          {"migration", p.miss_migration},
          {"unknown", p.miss_unknown}};
}

Json snapshot_time(const View& view) {
  return unix_time(view.snapshot.time_ns, view.status.unix_minus_monotonic_ns);
}

}  // namespace

std::string domains_body(const View& view, const std::vector<NamedDomain>& domains, std::uint64_t now_ns) {
  Json list = Json::array();
  for (const NamedDomain& domain : domains) list.push_back(summary(Subject(view, domain, now_ns)));
  return dump({{"time", snapshot_time(view)}, {"ready", view.status.ready}, {"domains", std::move(list)}});
}

std::string domain_body(const View& view, const NamedDomain& domain, std::uint64_t now_ns) {
  const Subject s(view, domain, now_ns);
  return dump({{"time", snapshot_time(view)},
               {"domain", summary(s)},
               {"orders", orders(s)},
               {"cpus", cpus(s)},
               {"flush_queue", flush_queue(s.state.flush_queue)},
               {"audit", audit(s.state.audit)},
               {"misses", misses(s.state.prediction)},
               {"rcache_flushes", s.state.rcache_flushes}});
}

}  // namespace rcached::api
