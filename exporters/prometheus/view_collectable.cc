// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/view_collectable.h"

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "exporters/domain_names.h"
#include "exporters/prometheus/family_set.h"
#include "exporters/prometheus/metric_table.h"

namespace rcached {
namespace {

constexpr std::array<std::string_view, kCachedOrders + 1> kOrderNames = {"0", "1", "2", "3", "4", "5", "6+"};
constexpr double kNanosecond = 1e-9;

double number(std::uint64_t value) { return static_cast<double>(value); }

// The depot size that the saturation ratio is measured against: where a bounded depot overflows, where an
// unbounded one is reclaimed. 0: not known.
std::uint32_t depot_mark(const KernelInfo& kernel) {
  return kernel.profile.depot == DepotKind::bounded ? kernel.profile.depot_capacity : kernel.online_cpus;
}

void add_kernel(FamilySet& out, const KernelInfo& kernel) {
  const bool bounded = kernel.profile.depot == DepotKind::bounded;
  out.add(metric("iova_kernel_info"),
          {kernel.release, bounded ? "bounded" : "unbounded",
           std::to_string(kernel.profile.magazine_capacity), "rbtree"},
          1);
  if (depot_mark(kernel) == 0) return;
  out.add(bounded ? metric("iova_rcache_depot_limit_magazines")
                  : metric("iova_rcache_depot_reclaim_threshold_magazines"),
          depot_mark(kernel));
}

// What every size has, also those that are never cached.
void add_operations(FamilySet& out, std::string_view domain, std::string_view order, const OrderSnapshot& s) {
  out.add(metric("iova_outstanding_ranges"), {domain, order}, number(s.outstanding));
  out.add(metric("iova_allocations_total"), {domain, order}, number(s.allocations));
  out.add(metric("iova_allocation_failures_total"), {domain, order}, number(s.allocation_failures));
  out.add(metric("iova_tree_allocations_total"), {domain, order}, number(s.tree_allocations));
  out.add(metric("iova_frees_total"), {domain, order}, number(s.frees));
  out.add(metric("iova_tree_frees_total"), {domain, order}, number(s.tree_frees));
  out.add(metric("iova_mismatched_frees_total"), {domain, order}, number(s.mismatched_frees));
}

void add_caches(FamilySet& out, std::string_view domain, std::string_view order, const OrderSnapshot& s,
                const KernelInfo& kernel) {
  const double magazines = s.depot_magazines;
  out.add(metric("iova_rcache_cpu_cached"), {domain, order}, number(s.cpu_cached));
  out.add(metric("iova_rcache_cpu_capacity"), {domain, order}, number(s.cpu_capacity));
  out.add(metric("iova_rcache_cpus_holding"), {domain, order}, s.cpus_holding);
  out.add(metric("iova_rcache_depot_magazines"), {domain, order}, magazines);
  out.add(metric("iova_rcache_depot_cached"), {domain, order}, magazines * kernel.profile.magazine_capacity);
  if (depot_mark(kernel) != 0) {
    out.add(metric("iova_rcache_depot_saturation_ratio"), {domain, order}, magazines / depot_mark(kernel));
  }
  out.add(metric("iova_depot_pushes_total"), {domain, order}, number(s.depot_pushes));
  out.add(metric("iova_depot_pops_total"), {domain, order}, number(s.depot_pops));
  out.add(metric("iova_depot_overflows_total"), {domain, order}, number(s.depot_overflows));
  out.add(metric("iova_depot_reclaims_total"), {domain, order}, number(s.depot_reclaims));
}

void add_trust(FamilySet& out, std::string_view domain, const DomainSnapshot& s) {
  for (const Confidence value :
       {Confidence::exact, Confidence::resynced, Confidence::partial, Confidence::lossy}) {
    out.add(metric("rcached_domain_confidence"), {domain, to_string(value)}, s.confidence == value ? 1 : 0);
  }

  const PredictionSnapshot& p = s.prediction;
  out.add(metric("rcached_predictions_total"), {domain}, number(p.predictions));
  out.add(metric("rcached_prediction_hits_total"), {domain}, number(p.hits));
  const std::size_t misses = metric("rcached_prediction_misses_total");
  out.add(misses, {domain, "reordered"}, number(p.miss_reordered));
  out.add(misses, {domain, "depot_race"}, number(p.miss_depot_race));
  out.add(misses, {domain, "migration"}, number(p.miss_migration));
  out.add(misses, {domain, "unknown"}, number(p.miss_unknown));

  out.add(metric("rcached_drift_ranges"), {domain}, number(s.drift.ranges));
  const std::size_t corrections = metric("rcached_drift_corrections_total");
  out.add(corrections, {domain, "loaded"}, number(s.drift.corrected_loaded));
  out.add(corrections, {domain, "prev"}, number(s.drift.corrected_prev));
  out.add(corrections, {domain, "depot"}, number(s.drift.corrected_depot));
  out.add(metric("rcached_loss_marks_total"), {domain}, number(s.loss_marks));
}

// A time of the snapshot as Unix time; what never was has none.
void add_time(FamilySet& out, std::size_t metric, std::string_view domain, std::uint64_t monotonic_ns,
              std::int64_t unix_minus_monotonic_ns) {
  if (monotonic_ns == 0) return;
  const std::int64_t unix_ns = static_cast<std::int64_t>(monotonic_ns) + unix_minus_monotonic_ns;
  out.add(metric, {domain}, static_cast<double>(unix_ns) * kNanosecond);
}

void add_audits(FamilySet& out, std::string_view domain, const AuditSnapshot& a, std::int64_t offset_ns) {
  const std::size_t audits = metric("rcached_audits_total");
  out.add(audits, {domain, "clean"}, number(a.audits - a.repairs));
  out.add(audits, {domain, "repaired"}, number(a.repairs));
  out.add(audits, {domain, "abandoned"}, number(a.abandoned));
  const std::size_t drift = metric("rcached_audit_drift_ranges_total");
  out.add(drift, {domain, "loaded"}, number(a.drift.loaded));
  out.add(drift, {domain, "prev"}, number(a.drift.prev));
  out.add(drift, {domain, "depot"}, number(a.drift.depot));
  out.add(drift, {domain, "tree"}, number(a.drift.tree));
  out.add(drift, {domain, "fq"}, number(a.drift.fq));
  add_time(out, metric("rcached_last_audit_timestamp_seconds"), domain, a.last_audit_ns, offset_ns);
  add_time(out, metric("rcached_last_repair_timestamp_seconds"), domain, a.last_repair_ns, offset_ns);
  add_time(out, metric("rcached_last_loss_timestamp_seconds"), domain, a.last_loss_ns, offset_ns);
  add_time(out, metric("rcached_resynced_timestamp_seconds"), domain, a.resynced_ns, offset_ns);
}

// What only reading kernel memory can tell.
void add_readings(FamilySet& out, std::string_view domain, const DomainSnapshot& s, std::int64_t offset_ns) {
  if (s.memory) {
    out.add(metric("iova_magazine_bytes"), {domain}, number(s.memory->magazine_bytes));
    out.add(metric("iova_range_bytes"), {domain}, number(s.memory->range_bytes));
    add_time(out, metric("iova_memory_read_timestamp_seconds"), domain, s.memory->time_ns, offset_ns);
  }
  if (s.space32) {
    out.add(metric("iova_32bit_free_pages"), {domain}, number(s.space32->free_pages));
    out.add(metric("iova_32bit_largest_gap_pages"), {domain}, number(s.space32->largest_gap_pages));
    add_time(out, metric("iova_32bit_read_timestamp_seconds"), domain, s.space32->time_ns, offset_ns);
  }
}

void add_flush_queue(FamilySet& out, std::string_view domain, const FlushQueueSnapshot& queue, bool per_cpu) {
  out.add(metric("iova_flush_queue_drains_total"), {domain}, number(queue.drains));
  out.add(metric("iova_flush_queue_drained_ranges_total"), {domain}, number(queue.drained_ranges));
  out.add(metric("iova_flush_queue_drain_seconds_total"), {domain}, number(queue.duration_ns) * kNanosecond);
  out.add(metric("iova_flush_queue_drain_longest_seconds"), {domain}, number(queue.longest_ns) * kNanosecond);
  out.add(metric("iova_flush_queue_drain_largest_ranges"), {domain}, number(queue.largest));
  if (!per_cpu) return;
  for (const FlushQueueSnapshot::Cpu& on : queue.cpus) {
    const std::string cpu = std::to_string(on.cpu);
    out.add(metric("iova_flush_queue_cpu_drains_total"), {domain, cpu}, number(on.drains));
    out.add(metric("iova_flush_queue_cpu_drained_ranges_total"), {domain, cpu}, number(on.drained_ranges));
  }
}

void add_cpu_fills(FamilySet& out, std::string_view domain, const DomainSnapshot& s) {
  for (const CpuFill& fill : s.cpu_fills) {
    if (fill.order >= kCachedOrders) continue;
    const std::string cpu = std::to_string(fill.cpu);
    const std::string_view order = kOrderNames[fill.order];
    out.add(metric("iova_rcache_cpu_loaded"), {domain, order, cpu}, fill.loaded);
    out.add(metric("iova_rcache_cpu_prev"), {domain, order, cpu}, fill.prev);
  }
}

// An empty label value means "no such label" to Prometheus; a word keeps the label set of a metric constant.
std::string_view or_word(std::string_view value, std::string_view word) {
  return value.empty() ? word : value;
}

void add_domain(FamilySet& out, const NamedDomain& named, const View& view) {
  const DomainSnapshot& s = *named.state;
  const DomainInfo& info = named.info;
  const std::string_view domain = info.label;
  const std::string granule = info.granule_bytes == 0 ? "unknown" : std::to_string(info.granule_bytes);
  out.add(metric("iova_domain_info"),
          {domain, or_word(info.type, "unknown"), or_word(info.devices, "none"), or_word(info.driver, "none"),
           granule},
          1);
  out.add(metric("iova_tree_ranges"), {domain}, number(s.tree_ranges));
  out.add(metric("iova_outstanding_before_start_ranges"), {domain}, number(s.outstanding_before_start));
  if (s.fq_pending) out.add(metric("iova_fq_pending_ranges"), {domain}, number(*s.fq_pending));
  out.add(metric("iova_reserved_ranges"), {domain}, number(s.reserved));
  out.add(metric("iova_unaccounted_ranges"), {domain}, static_cast<double>(s.unaccounted));
  out.add(metric("iova_rcache_flushes_total"), {domain}, number(s.rcache_flushes));
  add_flush_queue(out, domain, s.flush_queue, view.status.per_cpu_series);
  add_readings(out, domain, s, view.status.unix_minus_monotonic_ns);
  for (unsigned order = 0; order <= kCachedOrders; ++order) {
    add_operations(out, domain, kOrderNames[order], s.orders[order]);
    if (order < kCachedOrders) add_caches(out, domain, kOrderNames[order], s.orders[order], view.kernel);
  }
  if (view.status.per_cpu_series) add_cpu_fills(out, domain, s);
  add_trust(out, domain, s);
  add_audits(out, domain, s.audit, view.status.unix_minus_monotonic_ns);
}

// A function may carry several programs of one method; one series each, so their numbers are added up.
void add_programs(FamilySet& out, const std::vector<ProgramStatus>& programs) {
  std::map<std::pair<std::string_view, std::string_view>, ProgramStatus> sums;
  std::uint64_t skipped = 0;
  for (const ProgramStatus& program : programs) {
    const auto [slot, fresh] = sums.try_emplace({program.function, program.method}, program);
    if (program.makes_events) skipped += program.skipped;
    if (fresh) continue;
    slot->second.runs += program.runs;
    slot->second.run_ns += program.run_ns;
    slot->second.skipped += program.skipped;
    slot->second.skips_countable = slot->second.skips_countable && program.skips_countable;
  }
  out.add(metric("rcached_events_lost_total"), {"skipped", "all"}, number(skipped));
  for (const auto& [key, program] : sums) {
    const auto& [function, method] = key;
    out.add(metric("rcached_program_runs_total"), {function, method}, number(program.runs));
    out.add(metric("rcached_program_run_seconds_total"), {function, method},
            number(program.run_ns) * kNanosecond);
    if (program.skips_countable) {
      out.add(metric("rcached_program_skipped_total"), {function, method}, number(program.skipped));
    }
  }
}

void add_reader(FamilySet& out, const ReaderStatus& reader) {
  if (!reader.available) return;
  const std::size_t reads = metric("rcached_kernel_reads_total");
  out.add(reads, {"good"}, number(reader.reads - reader.changed - reader.faults));
  out.add(reads, {"changed"}, number(reader.changed));
  out.add(reads, {"fault"}, number(reader.faults));
  out.add(metric("rcached_kernel_read_seconds_total"), number(reader.time_ns) * kNanosecond);
  out.add(metric("rcached_kernel_read_longest_seconds"), number(reader.longest_ns) * kNanosecond);
  out.add(metric("rcached_kernel_read_budget_ratio"), number(reader.budget_ns_per_s) * kNanosecond);
}

void add_status(FamilySet& out, const DaemonStatus& status) {
  out.add(metric("rcached_events_total"), number(status.events));
  out.add(metric("rcached_malformed_events_total"), number(status.malformed));
  out.add(metric("rcached_consumer_lag_seconds"), number(status.lag_ns) * kNanosecond);
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  for (const CpuLoss& cpu : status.cpus) {
    sent += cpu.sent;
    received += cpu.received;
    const std::string name = std::to_string(cpu.cpu);
    out.add(metric("rcached_events_lost_total"), {"ring_full", name}, number(cpu.ring_full));
    out.add(metric("rcached_events_lost_total"), {"entry_missing", name}, number(cpu.entry_missing));
  }
  out.add(metric("rcached_events_sent_total"), number(sent));
  out.add(metric("rcached_events_received_total"), number(received));
  out.add(metric("rcached_unattributed_flush_queue_drains_total"), number(status.unattributed_fq_drains));
  add_programs(out, status.programs);
  add_reader(out, status.reader);

  bool known = false;
  for (const std::string_view mode : {"mirror", "aggregate", "snapshot"}) {
    out.add(metric("rcached_mode"), {mode}, status.mode == mode ? 1 : 0);
    known = known || status.mode == mode;
  }
  if (!known) out.add(metric("rcached_mode"), {or_word(status.mode, "unknown")}, 1);
  out.add(metric("rcached_build_info"), {or_word(status.version, "unknown")}, 1);
  out.add(metric("rcached_start_time_seconds"), number(status.started_unix_s));
}

}  // namespace

std::vector<prometheus::MetricFamily> ViewCollectable::Collect() const {
  FamilySet out;
  add_kernel(out, view_.kernel);
  for (const NamedDomain& domain : named_domains(view_)) add_domain(out, domain, view_);
  add_status(out, view_.status);
  return out.take();
}

}  // namespace rcached
