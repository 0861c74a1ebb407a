// SPDX-License-Identifier: Apache-2.0
// The one table of all metrics that rcached exports. The renderer takes names, types, labels and help texts
// from it, and docs/metrics.md is generated from it, so they cannot disagree. Rows are in the order of the
// scrape. Constant data, safe to use from any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>

namespace rcached {

// info: always 1; the information is in its labels (a gauge in the text format).
enum class MetricKind : std::uint8_t { gauge, counter, histogram, info };

// What is left out first when a scrape would exceed the limit of series (series_budget.h): the tiers from
// per_magazine up to standard. alerting and own are never left out.
enum class MetricTier : std::uint8_t {
  alerting,      // what the alerts and their recorded series use, and what reports series left out
  own,           // rcached's own parts and process: read at every scrape, not part of the View
  standard,      // a few per domain, or for the whole host
  by_order,      // one per domain and order
  histogram,     // one per domain and bucket
  per_cpu,       // one per domain and CPU, or domain, order and CPU
  per_magazine,  // one per domain, order, CPU and magazine
};

struct MetricRow {
  std::string_view name;  // of its samples; for a histogram without _bucket, _sum and _count
  MetricKind kind;
  std::string_view unit;    // base unit of the value; "bool" is 0 or 1
  std::string_view labels;  // comma-separated, in the order of the samples; "le" of histograms is last
  MetricTier tier;
  std::string_view kernels;  // kernels that can provide it; "-" if it is not about the kernel
  std::string_view help;     // one line, no newline, no backslash, no quote
};

inline constexpr MetricKind kGauge = MetricKind::gauge;
inline constexpr MetricKind kCounter = MetricKind::counter;
inline constexpr MetricKind kHistogram = MetricKind::histogram;
inline constexpr MetricKind kInfo = MetricKind::info;

inline constexpr std::array kMetrics = {
    // What is traced
    MetricRow{"iova_kernel_info", kInfo, "bool", "release,depot,magazine_capacity,tree", MetricTier::standard,
              "all",
              "The traced kernel: release, kind of depot (bounded or unbounded), pfns per magazine and kind "
              "of tree."},
    MetricRow{"iova_domain_info", kInfo, "bool", "domain,type,devices,driver,iommu,granule",
              MetricTier::standard, "all",
              "A domain: the type of its IOMMU group, its devices and their drivers, its IOMMU driver "
              "(intel, amd, smmu or virtio) and its granule in bytes."},
    // The balance sheet
    MetricRow{"iova_tree_ranges", kGauge, "ranges", "domain", MetricTier::standard, "all",
              "Ranges in the tree: outstanding + cached in cpu rcaches and depot + reserved + unaccounted."},
    MetricRow{"iova_outstanding_ranges", kGauge, "ranges", "domain,order", MetricTier::alerting, "all",
              "Ranges mapped by drivers, or unmapped and waiting in the flush queue."},
    MetricRow{"iova_outstanding_before_start_ranges", kGauge, "ranges", "domain", MetricTier::standard, "all",
              "The part of the outstanding ranges that was mapped before rcached first saw the domain."},
    MetricRow{"iova_fq_pending_ranges", kGauge, "ranges", "domain", MetricTier::standard, "all",
              "The part of the outstanding ranges that is unmapped and waits in the flush queue; absent for "
              "domains without a flush queue."},
    MetricRow{"iova_reserved_ranges", kGauge, "ranges", "domain", MetricTier::standard, "all",
              "Ranges set aside by reserve_iova, such as MSI windows."},
    MetricRow{"iova_unaccounted_ranges", kGauge, "ranges", "domain", MetricTier::standard, "all",
              "Ranges in the tree that no other part of the balance sheet explains; may be negative."},
    // Memory of magazines and ranges, and the space below 4 GiB
    MetricRow{
        "iova_magazine_bytes", kGauge, "bytes", "domain", MetricTier::alerting, "all",
        "Memory used by the magazines of all possible CPUs and of the depots; absent until first read."},
    MetricRow{"iova_range_bytes", kGauge, "bytes", "domain", MetricTier::alerting, "all",
              "Memory used by the ranges of the tree (struct iova); absent until first read."},
    MetricRow{"iova_memory_read_timestamp_seconds", kGauge, "seconds", "domain", MetricTier::standard, "all",
              "When iova_magazine_bytes and iova_range_bytes were read, in Unix time."},
    MetricRow{"iova_32bit_free_pages", kGauge, "pages", "domain", MetricTier::standard, "all",
              "Granules below 4 GiB that no range covers; absent until the tree is first read."},
    MetricRow{
        "iova_32bit_largest_gap_pages", kGauge, "pages", "domain", MetricTier::alerting, "all",
        "Largest run of free granules below 4 GiB: the largest mapping that a 32-bit device can still get."},
    MetricRow{"iova_32bit_read_timestamp_seconds", kGauge, "seconds", "domain", MetricTier::standard, "all",
              "When the space below 4 GiB was read, in Unix time."},
    // Caches and depots
    MetricRow{"iova_rcache_cpu_cached", kGauge, "ranges", "domain,order", MetricTier::alerting, "all",
              "Ranges cached in the loaded and prev magazines of all CPUs."},
    MetricRow{"iova_rcache_cpu_capacity", kGauge, "ranges", "domain,order", MetricTier::by_order, "all",
              "Ranges that the loaded and prev magazines of all CPUs seen so far can hold."},
    MetricRow{"iova_rcache_cpus_holding", kGauge, "cpus", "domain,order", MetricTier::by_order, "all",
              "CPUs with at least one cached range."},
    MetricRow{"iova_rcache_cpu_ranges", kGauge, "ranges", "domain,order,cpu,node", MetricTier::per_cpu, "all",
              "Ranges in the loaded and prev magazines of one CPU; node is its NUMA node, or unknown. Only "
              "with metrics.per_cpu."},
    MetricRow{"iova_rcache_magazine_ranges", kGauge, "ranges", "domain,order,cpu,node,magazine",
              MetricTier::per_magazine, "all",
              "Ranges in one magazine of one CPU: loaded or prev. Only with metrics.per_magazine."},
    MetricRow{"iova_rcache_depot_cached", kGauge, "ranges", "domain,order", MetricTier::alerting, "all",
              "Ranges cached in the depot: its magazines times the magazine capacity."},
    MetricRow{"iova_rcache_depot_magazines", kGauge, "magazines", "domain,order", MetricTier::by_order, "all",
              "Full magazines in the depot."},
    MetricRow{"iova_rcache_depot_limit_magazines", kGauge, "magazines", "", MetricTier::alerting, "<= 6.6",
              "Magazines that a bounded depot can hold; the next one overflows to the tree. Absent when "
              "depots are unbounded."},
    MetricRow{"iova_rcache_depot_reclaim_threshold_magazines", kGauge, "magazines", "", MetricTier::alerting,
              ">= 6.7",
              "Magazines above which the kernel reclaims from an unbounded depot (the number of online "
              "CPUs). Absent when depots are bounded."},
    MetricRow{"iova_rcache_depot_saturation_ratio", kGauge, "ratio", "domain,order", MetricTier::alerting,
              "all",
              "Depot magazines divided by the limit (bounded) or by the reclaim threshold (unbounded, may "
              "exceed 1)."},
    // Operations
    MetricRow{"iova_allocations_total", kCounter, "allocations", "domain,order", MetricTier::alerting, "all",
              "Calls of alloc_iova_fast that returned a range."},
    MetricRow{"iova_allocation_failures_total", kCounter, "allocations", "domain,order", MetricTier::alerting,
              "all",
              "Calls of alloc_iova_fast that returned nothing; normal for the first, 32-bit attempt of PCI "
              "devices."},
    MetricRow{"iova_tree_allocations_total", kCounter, "allocations", "domain,order", MetricTier::by_order,
              "all", "Allocations that missed the caches and searched the tree."},
    MetricRow{"iova_frees_total", kCounter, "frees", "domain,order", MetricTier::alerting, "all",
              "Calls of free_iova_fast."},
    MetricRow{"iova_tree_frees_total", kCounter, "ranges", "domain,order", MetricTier::by_order, "all",
              "Ranges returned to the tree, one by one or with their magazine."},
    MetricRow{"iova_mismatched_frees_total", kCounter, "frees", "domain,order", MetricTier::alerting, "all",
              "Frees with a size other than the allocated one."},
    MetricRow{"iova_tree_allocation_duration_seconds", kHistogram, "seconds", "domain", MetricTier::histogram,
              "all", "Time that alloc_iova took to search the tree, including searches that found no space."},
    MetricRow{"iova_depot_pushes_total", kCounter, "magazines", "domain,order", MetricTier::alerting, "all",
              "Full magazines pushed to the depot."},
    MetricRow{"iova_depot_pops_total", kCounter, "magazines", "domain,order", MetricTier::by_order, "all",
              "Magazines that CPUs took from the depot."},
    MetricRow{
        "iova_depot_overflows_total", kCounter, "magazines", "domain,order", MetricTier::alerting, "<= 6.6",
        "Magazines freed to the tree by a free that found the depot full; 0 when depots are unbounded."},
    MetricRow{"iova_depot_reclaims_total", kCounter, "magazines", "domain,order", MetricTier::alerting,
              ">= 6.7",
              "Magazines freed to the tree by the depot's reclaim worker; 0 when depots are bounded."},
    MetricRow{
        "iova_depot_overflow_duration_seconds", kHistogram, "seconds", "domain", MetricTier::histogram,
        "<= 6.6",
        "Time that a free spent returning the ranges of a magazine to the tree because the depot was full."},
    MetricRow{"iova_rcache_flushes_total", kCounter, "calls", "domain", MetricTier::alerting, "all",
              "Calls of free_cpu_cached_iovas: emergency flushes and CPUs going offline."},
    MetricRow{"iova_flush_queue_drains_total", kCounter, "calls", "domain", MetricTier::alerting, "all",
              "Runs of the flush-queue timer, each of which drains the queues of all CPUs on one CPU."},
    MetricRow{"iova_flush_queue_drained_ranges_total", kCounter, "ranges", "domain", MetricTier::alerting,
              "all",
              "Ranges freed by runs of the flush-queue timer, all into the rcache of the CPU that ran it."},
    MetricRow{"iova_flush_queue_drain_seconds_total", kCounter, "seconds", "domain", MetricTier::alerting,
              "all", "Time spent in runs of the flush-queue timer."},
    MetricRow{"iova_flush_queue_drain_longest_seconds", kGauge, "seconds", "domain", MetricTier::standard,
              "all", "The longest run of the flush-queue timer so far."},
    MetricRow{"iova_flush_queue_drain_largest_ranges", kGauge, "ranges", "domain", MetricTier::standard,
              "all", "Ranges freed by the largest run of the flush-queue timer so far."},
    MetricRow{"iova_flush_queue_cpu_drains_total", kCounter, "calls", "domain,cpu", MetricTier::per_cpu,
              "all", "Runs of the flush-queue timer on one CPU. Only with metrics.per_cpu."},
    MetricRow{
        "iova_flush_queue_cpu_drained_ranges_total", kCounter, "ranges", "domain,cpu", MetricTier::per_cpu,
        "all",
        "Ranges that the flush-queue timer freed into the rcache of one CPU. Only with metrics.per_cpu."},
    // How far the mirror can be trusted
    MetricRow{"rcached_domain_confidence", kGauge, "bool", "domain,confidence", MetricTier::alerting, "-",
              "1 for the current confidence, 0 for the others: exact, resynced (read again after a loss), "
              "partial (older than rcached and not read yet) or lossy (events lost since the last reading)."},
    MetricRow{"rcached_predictions_total", kCounter, "predictions", "domain", MetricTier::standard, "-",
              "Cache allocations whose pfn the mirror predicted."},
    MetricRow{"rcached_prediction_hits_total", kCounter, "predictions", "domain", MetricTier::standard, "-",
              "Predictions that were right."},
    MetricRow{"rcached_prediction_misses_total", kCounter, "predictions", "domain,class",
              MetricTier::standard, "-",
              "Predictions that were wrong, by where the pfn was: reordered (same magazine), depot_race, "
              "migration (another CPU) or unknown."},
    MetricRow{"rcached_drift_ranges", kGauge, "ranges", "domain", MetricTier::standard, "-",
              "Difference between the fill levels of the mirror and those last read in the kernel."},
    MetricRow{"rcached_drift_corrections_total", kCounter, "ranges", "domain,part", MetricTier::standard, "-",
              "Ranges of drift corrected, by part: loaded, prev or depot."},
    MetricRow{"rcached_loss_marks_total", kCounter, "marks", "domain", MetricTier::standard, "-",
              "Times that the event stream reported a possible loss of events of the domain."},
    MetricRow{"rcached_last_loss_timestamp_seconds", kGauge, "seconds", "domain", MetricTier::standard, "-",
              "When events of the domain may last have been lost, in Unix time; absent if never."},
    MetricRow{"rcached_resynced_timestamp_seconds", kGauge, "seconds", "domain", MetricTier::standard, "-",
              "When an audit last recovered the domain from a loss, in Unix time; absent if never."},
    MetricRow{"rcached_resyncs_total", kCounter, "resyncs", "domain", MetricTier::standard, "-",
              "Audits that recovered the domain from a loss: everything was read again and agreed."},
    MetricRow{"rcached_audits_total", kCounter, "audits", "domain,result", MetricTier::standard, "-",
              "Audits of the mirror against kernel memory, by result: clean, repaired (differences were "
              "found) or abandoned (the domain changed during every attempt)."},
    MetricRow{"rcached_audit_drift_ranges_total", kCounter, "ranges", "domain,part", MetricTier::alerting,
              "-",
              "Ranges that audits found to differ and repaired, by part: loaded, prev, depot, tree or fq "
              "(flush queue)."},
    MetricRow{"rcached_last_audit_timestamp_seconds", kGauge, "seconds", "domain", MetricTier::standard, "-",
              "When an audit was last completed, in Unix time; absent if never."},
    MetricRow{"rcached_last_repair_timestamp_seconds", kGauge, "seconds", "domain", MetricTier::alerting, "-",
              "When an audit last found and repaired a difference, in Unix time; absent if never."},
    // Why a tree grows
    MetricRow{"rcached_verdict", kGauge, "bool", "domain,verdict", MetricTier::standard, "-",
              "1 if the verdict currently applies to the domain, 0 if it was evaluated and does not apply."},
    // The daemon
    MetricRow{"rcached_events_total", kCounter, "events", "", MetricTier::alerting, "-",
              "Events applied to the mirror."},
    MetricRow{"rcached_events_sent_total", kCounter, "events", "", MetricTier::standard, "-",
              "Events sent by the probes; when idle this equals received plus lost with reason ring_full."},
    MetricRow{"rcached_events_received_total", kCounter, "events", "", MetricTier::standard, "-",
              "Events read from the rings of all CPUs."},
    MetricRow{"rcached_events_lost_total", kCounter, "events", "reason,cpu", MetricTier::alerting, "-",
              "Events lost: ring_full and entry_missing (the entry probe of a call was skipped) by CPU; "
              "skipped (the kernel did not run a program) with cpu all."},
    MetricRow{"rcached_malformed_events_total", kCounter, "events", "", MetricTier::standard, "-",
              "Records rejected because of a wrong size or an unknown operation."},
    MetricRow{"rcached_unattributed_flush_queue_drains_total", kCounter, "calls", "", MetricTier::standard,
              "-", "Runs of the flush-queue timer whose domain the probe could not determine."},
    MetricRow{"rcached_consumer_lag_seconds", kGauge, "seconds", "", MetricTier::standard, "-",
              "Age of the oldest event not yet applied when the rings were last drained."},
    MetricRow{"rcached_program_runs_total", kCounter, "runs", "program,method", MetricTier::standard, "-",
              "Runs of a probe program; 0 unless the kernel's BPF statistics are enabled."},
    MetricRow{"rcached_program_run_seconds_total", kCounter, "seconds", "program,method",
              MetricTier::alerting, "-",
              "Time spent in a probe program; 0 unless the kernel's BPF statistics are enabled."},
    MetricRow{"rcached_program_skipped_total", kCounter, "runs", "program,method", MetricTier::standard, "-",
              "Runs of a probe program that the kernel skipped; absent if this kernel does not count them."},
    MetricRow{"rcached_kernel_reads_total", kCounter, "reads", "result", MetricTier::standard, "-",
              "Chunks of kernel memory read, by result: good, changed (while being read) or fault. Absent if "
              "rcached reads none."},
    MetricRow{"rcached_kernel_read_seconds_total", kCounter, "seconds", "", MetricTier::standard, "-",
              "Time spent reading kernel memory; absent if rcached does not read it."},
    MetricRow{"rcached_kernel_read_longest_seconds", kGauge, "seconds", "", MetricTier::standard, "-",
              "The longest single read of kernel memory; absent if rcached does not read it."},
    MetricRow{"rcached_kernel_read_budget_ratio", kGauge, "ratio", "", MetricTier::standard, "-",
              "Share of time that rcached may spend reading kernel memory (audit.budget); absent if it does "
              "not read it."},
    MetricRow{"rcached_mode", kGauge, "bool", "mode", MetricTier::standard, "-",
              "1 for the current mode, 0 for the others: mirror, aggregate or snapshot."},
    MetricRow{"rcached_build_info", kInfo, "bool", "version", MetricTier::standard, "-",
              "The version of rcached."},
    MetricRow{"rcached_start_time_seconds", kGauge, "seconds", "", MetricTier::alerting, "-",
              "Start time of rcached, in Unix time."},
    // The scrape
    MetricRow{"rcached_series", kGauge, "series", "", MetricTier::alerting, "-",
              "Series in this scrape, including this one and those of the process."},
    MetricRow{"rcached_series_limit", kGauge, "series", "", MetricTier::alerting, "-",
              "Most series that a scrape may have (metrics.series_limit)."},
    MetricRow{"rcached_series_left_out", kGauge, "series", "", MetricTier::alerting, "-",
              "Series left out of this scrape to keep to the limit, over all metrics; 0 if all fit."},
    MetricRow{"rcached_series_dropped", kGauge, "series", "metric", MetricTier::alerting, "-",
              "Series of each metric left out of this scrape to keep to the limit. Only metrics that were "
              "left out are listed."},
    // Read at every scrape: rendering, the HTTP server, the textfile exporter, the process
    MetricRow{"rcached_render_duration_seconds", kHistogram, "seconds", "format", MetricTier::own, "-",
              "Time to render a snapshot once, by format: text, openmetrics, and text_gzip and "
              "openmetrics_gzip for compressing it."},
    MetricRow{"rcached_http_requests_total", kCounter, "requests", "code,handler", MetricTier::own, "-",
              "HTTP requests answered, by status code and route."},
    MetricRow{"rcached_http_request_duration_seconds", kHistogram, "seconds", "handler", MetricTier::own, "-",
              "Time from the head of a request to the end of its response, by route, without streams."},
    MetricRow{"rcached_http_refused_total", kCounter, "requests", "reason", MetricTier::own, "-",
              "HTTP requests and connections refused, by reason."},
    MetricRow{"rcached_http_streams_open", kGauge, "streams", "", MetricTier::own, "-",
              "Open HTTP streams: live pages and terminals that receive updates."},
    MetricRow{"rcached_http_web_config_reloads_total", kCounter, "reloads", "result", MetricTier::own, "-",
              "Changed versions of the web configuration file read since the start, by result."},
    MetricRow{"rcached_textfile_writes_total", kCounter, "writes", "result", MetricTier::own, "-",
              "Writes of the file for node_exporter's textfile collector, by result: ok or error."},
    MetricRow{"rcached_textfile_last_write_timestamp_seconds", kGauge, "seconds", "", MetricTier::own, "-",
              "When the file for node_exporter's textfile collector was last written, in Unix time; absent "
              "if never."},
    MetricRow{"rcached_config_reloads_total", kCounter, "reloads", "result", MetricTier::own, "-",
              "Reloads of the configuration, by result: success, or failure, which changes nothing."},
    MetricRow{"rcached_config_last_reload_successful", kGauge, "bool", "", MetricTier::own, "-",
              "1 if the last reload of the configuration was applied, or if there was none."},
    MetricRow{"rcached_config_last_reload_success_timestamp_seconds", kGauge, "seconds", "", MetricTier::own,
              "-", "When a configuration was last applied, at the start or by a reload, in Unix time."},
    MetricRow{"process_cpu_seconds_total", kCounter, "seconds", "", MetricTier::own, "-",
              "User and system CPU time of the rcached process."},
    MetricRow{"process_resident_memory_bytes", kGauge, "bytes", "", MetricTier::own, "-",
              "Resident memory of the rcached process."},
    MetricRow{"process_open_fds", kGauge, "descriptors", "", MetricTier::own, "-",
              "Open file descriptors of the rcached process."},
};

// Index of a metric in kMetrics; a name that is not in the table does not compile.
consteval std::size_t metric(std::string_view name) {
  for (std::size_t i = 0; i < kMetrics.size(); ++i) {
    if (kMetrics[i].name == name) return i;
  }
  throw std::invalid_argument("no such metric in kMetrics");
}

}  // namespace rcached
