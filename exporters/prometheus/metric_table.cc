// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/metric_table.h"

#include <algorithm>
#include <stdexcept>

#include "exporters/prometheus/metric_sources.h"

namespace rcached {
namespace {

using namespace sources;
using enum MetricTier;
using D = DomainSnapshot;
using O = OrderSnapshot;
using F = FlushQueueSnapshot;
using A = AuditSnapshot;
using P = PredictionSnapshot;

constexpr MetricKind kGauge = MetricKind::gauge;
constexpr MetricKind kCounter = MetricKind::counter;
constexpr MetricKind kHistogram = MetricKind::histogram;
constexpr MetricKind kInfo = MetricKind::info;
constexpr MetricSource kInstrument = {};

}  // namespace

constexpr std::array<MetricRow, kMetricCount> kMetrics = {{
    // What is traced
    {"iova_kernel_info", kInfo, "bool", "release,depot,magazine_capacity,tree", standard, "all",
     "The traced kernel: release, kind of depot (bounded or unbounded), pfns per magazine and kind "
     "of tree.",
     kernel_info},
    {"iova_domain_info", kInfo, "bool", "domain,type,devices,driver,iommu,granule", standard, "all",
     "A domain: the type of its IOMMU group, its devices and their drivers, its IOMMU driver "
     "(intel, amd, smmu or virtio) and its granule in bytes.",
     domain_info},
    // The balance sheet
    {"iova_tree_ranges", kGauge, "ranges", "domain", standard, "all",
     "Ranges in the tree: outstanding + cached in cpu rcaches and depot + reserved + unaccounted.",
     per_domain<&D::tree_ranges>},
    {"iova_outstanding_ranges", kGauge, "ranges", "domain,order", alerting, "all",
     "Ranges mapped by drivers, or unmapped and waiting in the flush queue.", all_orders<&O::outstanding>},
    {"iova_outstanding_before_start_ranges", kGauge, "ranges", "domain", standard, "all",
     "The part of the outstanding ranges that was mapped before rcached first saw the domain.",
     per_domain<&D::outstanding_before_start>},
    {"iova_fq_pending_ranges", kGauge, "ranges", "domain", standard, "all",
     "The part of the outstanding ranges that is unmapped and waits in the flush queue; absent for "
     "domains without a flush queue.",
     fq_pending},
    {"iova_reserved_ranges", kGauge, "ranges", "domain", standard, "all",
     "Ranges set aside by reserve_iova, such as MSI windows.", per_domain<&D::reserved>},
    {"iova_unaccounted_ranges", kGauge, "ranges", "domain", standard, "all",
     "Ranges in the tree that no other part of the balance sheet explains; may be negative.",
     per_domain<&D::unaccounted>},
    // Memory of magazines and ranges, and the space below 4 GiB
    {"iova_magazine_bytes", kGauge, "bytes", "domain", alerting, "all",
     "Memory used by the magazines of all possible CPUs and of the depots; absent until first read.",
     per_domain_read<&D::memory, &MemorySnapshot::magazine_bytes>},
    {"iova_range_bytes", kGauge, "bytes", "domain", alerting, "all",
     "Memory used by the ranges of the tree (struct iova); absent until first read.",
     per_domain_read<&D::memory, &MemorySnapshot::range_bytes>},
    {"iova_memory_read_timestamp_seconds", kGauge, "seconds", "domain", standard, "all",
     "When iova_magazine_bytes and iova_range_bytes were read, in Unix time.",
     read_time_per_domain<&D::memory>},
    {"iova_32bit_free_pages", kGauge, "pages", "domain", standard, "all",
     "Granules below 4 GiB that no range covers; absent until the tree is first read.",
     per_domain_read<&D::space32, &Space32Snapshot::free_pages>},
    {"iova_32bit_largest_gap_pages", kGauge, "pages", "domain", alerting, "all",
     "Largest run of free granules below 4 GiB: the largest mapping that a 32-bit device can still get.",
     per_domain_read<&D::space32, &Space32Snapshot::largest_gap_pages>},
    {"iova_32bit_read_timestamp_seconds", kGauge, "seconds", "domain", standard, "all",
     "When the space below 4 GiB was read, in Unix time.", read_time_per_domain<&D::space32>},
    // Caches and depots
    {"iova_rcache_cpu_cached", kGauge, "ranges", "domain,order", alerting, "all",
     "Ranges cached in the loaded and prev magazines of all CPUs.", cached_orders<&O::cpu_cached>},
    {"iova_rcache_cpu_capacity", kGauge, "ranges", "domain,order", by_order, "all",
     "Ranges that the loaded and prev magazines of all CPUs seen so far can hold.",
     cached_orders<&O::cpu_capacity>},
    {"iova_rcache_cpus_holding", kGauge, "cpus", "domain,order", by_order, "all",
     "CPUs with at least one cached range.", cached_orders<&O::cpus_holding>},
    {"iova_rcache_cpu_ranges", kGauge, "ranges", "domain,order,cpu,node", per_cpu, "all",
     "Ranges in the loaded and prev magazines of one CPU; node is its NUMA node, or unknown. Only "
     "with metrics.per_cpu.",
     cpu_ranges},
    {"iova_rcache_magazine_ranges", kGauge, "ranges", "domain,order,cpu,node,magazine", per_magazine, "all",
     "Ranges in one magazine of one CPU: loaded or prev. Only with metrics.per_magazine.", magazine_ranges},
    {"iova_rcache_depot_cached", kGauge, "ranges", "domain,order", alerting, "all",
     "Ranges cached in the depot: its magazines times the magazine capacity.", depot_cached},
    {"iova_rcache_depot_magazines", kGauge, "magazines", "domain,order", by_order, "all",
     "Full magazines in the depot.", cached_orders<&O::depot_magazines>},
    {"iova_rcache_depot_limit_magazines", kGauge, "magazines", "", alerting, "<= 6.6",
     "Magazines that a bounded depot can hold; the next one overflows to the tree. Absent when "
     "depots are unbounded.",
     depot_limit},
    {"iova_rcache_depot_reclaim_threshold_magazines", kGauge, "magazines", "", alerting, ">= 6.7",
     "Magazines above which the kernel reclaims from an unbounded depot (the number of online "
     "CPUs). Absent when depots are bounded.",
     depot_reclaim_threshold},
    {"iova_rcache_depot_saturation_ratio", kGauge, "ratio", "domain,order", alerting, "all",
     "Depot magazines divided by the limit (bounded) or by the reclaim threshold (unbounded, may "
     "exceed 1).",
     saturation_ratio},
    // Operations
    {"iova_allocations_total", kCounter, "allocations", "domain,order", alerting, "all",
     "Calls of alloc_iova_fast that returned a range.", all_orders<&O::allocations>},
    {"iova_allocation_failures_total", kCounter, "allocations", "domain,order", alerting, "all",
     "Calls of alloc_iova_fast that returned nothing; normal for the first, 32-bit attempt of PCI "
     "devices.",
     all_orders<&O::allocation_failures>},
    {"iova_tree_allocations_total", kCounter, "allocations", "domain,order", by_order, "all",
     "Allocations that missed the caches and searched the tree.", all_orders<&O::tree_allocations>},
    {"iova_frees_total", kCounter, "frees", "domain,order", alerting, "all", "Calls of free_iova_fast.",
     all_orders<&O::frees>},
    {"iova_tree_frees_total", kCounter, "ranges", "domain,order", by_order, "all",
     "Ranges returned to the tree, one by one or with their magazine.", all_orders<&O::tree_frees>},
    {"iova_mismatched_frees_total", kCounter, "frees", "domain,order", alerting, "all",
     "Frees with a size other than the allocated one.", all_orders<&O::mismatched_frees>},
    {"iova_tree_allocation_duration_seconds", kHistogram, "seconds", "domain", histogram, "all",
     "Time that alloc_iova took to search the tree, including searches that found no space.",
     duration_histogram<&D::tree_allocation>},
    {"iova_depot_pushes_total", kCounter, "magazines", "domain,order", alerting, "all",
     "Full magazines pushed to the depot.", cached_orders<&O::depot_pushes>},
    {"iova_depot_pops_total", kCounter, "magazines", "domain,order", by_order, "all",
     "Magazines that CPUs took from the depot.", cached_orders<&O::depot_pops>},
    {"iova_depot_overflows_total", kCounter, "magazines", "domain,order", alerting, "<= 6.6",
     "Magazines freed to the tree by a free that found the depot full; 0 when depots are unbounded.",
     cached_orders<&O::depot_overflows>},
    {"iova_depot_reclaims_total", kCounter, "magazines", "domain,order", alerting, ">= 6.7",
     "Magazines freed to the tree by the depot's reclaim worker; 0 when depots are bounded.",
     cached_orders<&O::depot_reclaims>},
    {"iova_depot_overflow_duration_seconds", kHistogram, "seconds", "domain", histogram, "<= 6.6",
     "Time that a free spent returning the ranges of a magazine to the tree because the depot was full.",
     duration_histogram<&D::depot_overflow>},
    {"iova_rcache_flushes_total", kCounter, "calls", "domain", alerting, "all",
     "Calls of free_cpu_cached_iovas: emergency flushes and CPUs going offline.",
     per_domain<&D::rcache_flushes>},
    {"iova_flush_queue_drains_total", kCounter, "calls", "domain", alerting, "all",
     "Runs of the flush-queue timer, each of which drains the queues of all CPUs on one CPU.",
     per_domain<&D::flush_queue, &F::drains>},
    {"iova_flush_queue_drained_ranges_total", kCounter, "ranges", "domain", alerting, "all",
     "Ranges freed by runs of the flush-queue timer, all into the rcache of the CPU that ran it.",
     per_domain<&D::flush_queue, &F::drained_ranges>},
    {"iova_flush_queue_drain_seconds_total", kCounter, "seconds", "domain", alerting, "all",
     "Time spent in runs of the flush-queue timer.", seconds_per_domain<&D::flush_queue, &F::duration_ns>},
    {"iova_flush_queue_drain_longest_seconds", kGauge, "seconds", "domain", standard, "all",
     "The longest run of the flush-queue timer so far.", seconds_per_domain<&D::flush_queue, &F::longest_ns>},
    {"iova_flush_queue_drain_largest_ranges", kGauge, "ranges", "domain", standard, "all",
     "Ranges freed by the largest run of the flush-queue timer so far.",
     per_domain<&D::flush_queue, &F::largest>},
    {"iova_flush_queue_cpu_drains_total", kCounter, "calls", "domain,cpu", per_cpu, "all",
     "Runs of the flush-queue timer on one CPU. Only with metrics.per_cpu.",
     flush_queue_per_cpu<&F::Cpu::drains>},
    {"iova_flush_queue_cpu_drained_ranges_total", kCounter, "ranges", "domain,cpu", per_cpu, "all",
     "Ranges that the flush-queue timer freed into the rcache of one CPU. Only with metrics.per_cpu.",
     flush_queue_per_cpu<&F::Cpu::drained_ranges>},
    // How far the mirror can be trusted
    {"rcached_domain_confidence", kGauge, "bool", "domain,confidence", alerting, "-",
     "1 for the current confidence, 0 for the others: exact, resynced (read again after a loss), "
     "partial (older than rcached and not read yet) or lossy (events lost since the last reading).",
     confidence},
    {"rcached_predictions_total", kCounter, "predictions", "domain", standard, "-",
     "Cache allocations whose pfn the mirror predicted.", per_domain<&D::prediction, &P::predictions>},
    {"rcached_prediction_hits_total", kCounter, "predictions", "domain", standard, "-",
     "Predictions that were right.", per_domain<&D::prediction, &P::hits>},
    {"rcached_prediction_misses_total", kCounter, "predictions", "domain,class", standard, "-",
     "Predictions that were wrong, by where the pfn was: reordered (same magazine), depot_race, "
     "migration (another CPU) or unknown.",
     prediction_misses},
    {"rcached_drift_ranges", kGauge, "ranges", "domain", standard, "-",
     "Difference between the fill levels of the mirror and those last read in the kernel.",
     per_domain<&D::drift, &DriftSnapshot::ranges>},
    {"rcached_drift_corrections_total", kCounter, "ranges", "domain,part", standard, "-",
     "Ranges of drift corrected, by part: loaded, prev or depot.", drift_corrections},
    {"rcached_loss_marks_total", kCounter, "marks", "domain", standard, "-",
     "Times that the event stream reported a possible loss of events of the domain.",
     per_domain<&D::loss_marks>},
    {"rcached_last_loss_timestamp_seconds", kGauge, "seconds", "domain", standard, "-",
     "When events of the domain may last have been lost, in Unix time; absent if never.",
     time_per_domain<&D::audit, &A::last_loss_ns>},
    {"rcached_resynced_timestamp_seconds", kGauge, "seconds", "domain", standard, "-",
     "When an audit last recovered the domain from a loss, in Unix time; absent if never.",
     time_per_domain<&D::audit, &A::resynced_ns>},
    {"rcached_resyncs_total", kCounter, "resyncs", "domain", standard, "-",
     "Audits that recovered the domain from a loss: everything was read again and agreed.",
     per_domain<&D::audit, &A::resyncs>},
    {"rcached_audits_total", kCounter, "audits", "domain,result", standard, "-",
     "Audits of the mirror against kernel memory, by result: clean, repaired (differences were "
     "found) or abandoned (the domain changed during every attempt).",
     audits},
    {"rcached_audits_skipped_total", kCounter, "audits", "domain", standard, "-",
     "Audits that were due and not made, because there was no operation since the last one, which found "
     "nothing. Every tenth is made in any case.",
     per_domain<&D::audit, &A::skipped>},
    {"rcached_audit_drift_ranges_total", kCounter, "ranges", "domain,part", alerting, "-",
     "Ranges that audits found to differ and repaired, by part: loaded, prev, depot, tree or fq "
     "(flush queue).",
     audit_drift},
    {"rcached_last_audit_timestamp_seconds", kGauge, "seconds", "domain", standard, "-",
     "When an audit was last completed, in Unix time; absent if never.",
     time_per_domain<&D::audit, &A::last_audit_ns>},
    {"rcached_last_repair_timestamp_seconds", kGauge, "seconds", "domain", alerting, "-",
     "When an audit last found and repaired a difference, in Unix time; absent if never.",
     time_per_domain<&D::audit, &A::last_repair_ns>},
    // Why a tree grows
    {"rcached_verdict", kGauge, "bool", "domain,verdict", standard, "-",
     "1 if the verdict currently applies to the domain, 0 if it was evaluated and does not apply.", verdicts},
    // The daemon
    {"rcached_events_total", kCounter, "events", "", alerting, "-", "Events applied to the mirror.",
     status<&DaemonStatus::events>},
    {"rcached_events_sent_total", kCounter, "events", "", standard, "-",
     "Events sent by the probes; when idle this equals received plus lost with reason ring_full.",
     status_cpu_sum<&CpuLoss::sent>},
    {"rcached_events_received_total", kCounter, "events", "", standard, "-",
     "Events read from the rings of all CPUs.", status_cpu_sum<&CpuLoss::received>},
    {"rcached_events_lost_total", kCounter, "events", "reason,cpu", alerting, "-",
     "Events lost: ring_full and entry_missing (the entry probe of a call was skipped) by CPU; "
     "skipped (the kernel did not run a program) with cpu all.",
     lost_events},
    {"rcached_probes_silent", kGauge, "bool", "reason", alerting, "-",
     "1 while the kernel does not run the attached probes, so that no event comes: ftrace-disabled "
     "(kernel.ftrace_enabled is 0), kprobes-disabled (kprobes/enabled in debugfs is 0) or unknown.",
     probes_silent},
    {"rcached_malformed_events_total", kCounter, "events", "", standard, "-",
     "Records rejected because of a wrong size or an unknown operation.", status<&DaemonStatus::malformed>},
    {"rcached_events_late_total", kCounter, "events", "", standard, "-",
     "Events applied after younger ones, because they were read from their ring too late to be put in order.",
     status<&DaemonStatus::late>},
    {"rcached_unattributed_flush_queue_drains_total", kCounter, "calls", "", standard, "-",
     "Runs of the flush-queue timer whose domain the probe could not determine.",
     status<&DaemonStatus::unattributed_fq_drains>},
    {"rcached_consumer_lag_seconds", kGauge, "seconds", "", standard, "-",
     "Age of the oldest event not yet applied when the rings were last drained.", consumer_lag},
    {"rcached_backlog_events", kGauge, "events", "", standard, "-",
     "Events that have been drained from the rings and wait to be applied.", status<&DaemonStatus::backlog>},
    {"rcached_drain_gap_longest_seconds", kGauge, "seconds", "", standard, "-",
     "The longest time between two drains of the rings since the start.", longest_drain_gap},
    {"rcached_ring_size_bytes", kGauge, "bytes", "", standard, "-", "Size of one CPU's ring.", ring_size},
    {"rcached_ring_used_bytes", kGauge, "bytes", "", standard, "-",
     "Used bytes of the fullest ring when the rings were last drained.", ring_used},
    {"rcached_ring_used_highest_bytes", kGauge, "bytes", "", standard, "-",
     "The same, at its highest since the start. At the ring's size, events are lost.", ring_used_highest},
    {"rcached_program_runs_total", kCounter, "runs", "program,method", standard, "-",
     "Runs of a probe program; 0 unless the kernel's BPF statistics are enabled.", program_runs},
    {"rcached_program_run_seconds_total", kCounter, "seconds", "program,method", alerting, "-",
     "Time spent in a probe program; 0 unless the kernel's BPF statistics are enabled.", program_run_seconds},
    {"rcached_program_skipped_total", kCounter, "runs", "program,method", standard, "-",
     "Runs of a probe program that the kernel skipped; absent if this kernel does not count them.",
     program_skipped},
    {"rcached_kernel_reads_total", kCounter, "reads", "result", standard, "-",
     "Chunks of kernel memory read, by result: good, changed (while being read) or fault. Absent if "
     "rcached reads none.",
     kernel_reads},
    {"rcached_kernel_read_seconds_total", kCounter, "seconds", "", standard, "-",
     "Time spent reading kernel memory; absent if rcached does not read it.",
     reader_seconds<&ReaderStatus::time_ns>},
    {"rcached_kernel_read_longest_seconds", kGauge, "seconds", "", standard, "-",
     "The longest single read of kernel memory; absent if rcached does not read it.",
     reader_seconds<&ReaderStatus::longest_ns>},
    {"rcached_kernel_read_budget_ratio", kGauge, "ratio", "", standard, "-",
     "Share of time that rcached may spend reading kernel memory (audit.budget); absent if it does "
     "not read it.",
     reader_seconds<&ReaderStatus::budget_ns_per_s>},
    {"rcached_spared_cpus", kGauge, "cpus", "", standard, "-",
     "CPUs that are not interrupted to read their magazines: isolated and nohz_full ones, and those of "
     "audit.spare_cpus. Absent if rcached reads no kernel memory.",
     spared_cpus},
    {"rcached_mode", kGauge, "bool", "mode", standard, "-",
     "1 for the current mode, 0 for the others: mirror, aggregate or snapshot.", mode},
    {"rcached_build_info", kInfo, "bool", "version", standard, "-", "The version of rcached.", build_info},
    {"rcached_start_time_seconds", kGauge, "seconds", "", alerting, "-",
     "Start time of rcached, in Unix time.", status<&DaemonStatus::started_unix_s>},
    // The scrape
    {"rcached_series", kGauge, "series", "", alerting, "-",
     "Series in this scrape, including this one and those of the process.", series_held},
    {"rcached_series_limit", kGauge, "series", "", alerting, "-",
     "Most series that a scrape may have (metrics.series_limit).", series_limit},
    {"rcached_series_left_out", kGauge, "series", "", alerting, "-",
     "Series left out of this scrape to keep to the limit, over all metrics; 0 if all fit.", series_left_out},
    {"rcached_series_dropped", kGauge, "series", "metric", alerting, "-",
     "Series of each metric left out of this scrape to keep to the limit. Only metrics that were "
     "left out are listed.",
     series_dropped},
    // Read at every scrape: rendering, the HTTP server, the textfile exporter, the process
    {"rcached_render_duration_seconds", kHistogram, "seconds", "format", own, "-",
     "Time to render a snapshot once, by format: text, openmetrics, and text_gzip and "
     "openmetrics_gzip for compressing it.",
     kInstrument},
    {"rcached_http_requests_total", kCounter, "requests", "code,handler", own, "-",
     "HTTP requests answered, by status code and route.", kInstrument},
    {"rcached_http_request_duration_seconds", kHistogram, "seconds", "handler", own, "-",
     "Time from the head of a request to the end of its response, by route, without streams.", kInstrument},
    {"rcached_http_refused_total", kCounter, "requests", "reason", own, "-",
     "HTTP requests and connections refused, by reason.", kInstrument},
    {"rcached_http_streams_open", kGauge, "streams", "", own, "-",
     "Open HTTP streams: live pages and terminals that receive updates.", kInstrument},
    {"rcached_http_web_config_reloads_total", kCounter, "reloads", "result", own, "-",
     "Changed versions of the web configuration file read since the start, by result.", kInstrument},
    {"rcached_textfile_writes_total", kCounter, "writes", "result", own, "-",
     "Writes of the file for node_exporter's textfile collector, by result: ok or error.", kInstrument},
    {"rcached_textfile_last_write_timestamp_seconds", kGauge, "seconds", "", own, "-",
     "When the file for node_exporter's textfile collector was last written, in Unix time; absent "
     "if never.",
     kInstrument},
    {"rcached_config_reloads_total", kCounter, "reloads", "result", own, "-",
     "Reloads of the configuration, by result: success, or failure, which changes nothing.", kInstrument},
    {"rcached_config_last_reload_successful", kGauge, "bool", "", own, "-",
     "1 if the last reload of the configuration was applied, or if there was none.", kInstrument},
    {"rcached_config_last_reload_success_timestamp_seconds", kGauge, "seconds", "", own, "-",
     "When a configuration was last applied, at the start or by a reload, in Unix time.", kInstrument},
    {"process_cpu_seconds_total", kCounter, "seconds", "", own, "-",
     "User and system CPU time of the rcached process.", process<&ProcessFigures::cpu_seconds>},
    {"process_resident_memory_bytes", kGauge, "bytes", "", own, "-",
     "Resident memory of the rcached process.", process<&ProcessFigures::resident_bytes>},
    {"process_open_fds", kGauge, "descriptors", "", own, "-", "Open file descriptors of the rcached process.",
     process<&ProcessFigures::open_fds>},
}};
static_assert(!kMetrics.back().name.empty(), "kMetricCount is the number of rows");

const MetricRow& metric_row(std::string_view name) {
  const auto row = std::ranges::find(kMetrics, name, &MetricRow::name);
  if (row == kMetrics.end()) throw std::logic_error("no such metric in kMetrics: " + std::string(name));
  return *row;
}

}  // namespace rcached
