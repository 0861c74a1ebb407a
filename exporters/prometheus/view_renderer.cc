// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/view_renderer.h"

#include <cstdint>
#include <string_view>

#include "exporters/prometheus/exposition.h"
#include "exporters/prometheus/samples.h"
#include "exporters/prometheus/text_cursor.h"

namespace rcached {
namespace {

constexpr std::size_t kNumberRoom = 32;  // of a value and its newline
constexpr std::size_t kUsualNumber = 6;  // what a value and its newline mostly take

// Counts samples and the bytes of their heads.
class CountingSink {
 public:
  void start(const Piece& name) { name_ = name.size(); }
  template <class... Parts>
  void add(auto /*value*/, const Parts&... parts) {
    ++series_;
    bytes_ += name_ + (parts.size() + ...) + kUsualNumber;
  }
  template <class... Parts>
  void add_suffixed(std::string_view suffix, auto value, const Parts&... parts) {
    add(value, parts...);
    bytes_ += suffix.size();
  }

  std::uint64_t series() const { return series_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t name_ = 0;
  std::uint64_t series_ = 0;
  std::size_t bytes_ = 0;
};

// Writes samples; the metadata before the first one.
class WritingSink {
 public:
  explicit WritingSink(TextCursor& out) : out_(out) {}

  void start(const Piece& name, const std::string& metadata) {
    name_ = &name;
    metadata_ = &metadata;
  }
  template <class... Parts>
  void add(auto value, const Parts&... parts) {
    add_suffixed({}, value, parts...);
  }
  template <class... Parts>
  void add_suffixed(std::string_view suffix, auto value, const Parts&... parts) {
    if (metadata_ != nullptr) begin();
    out_.room(name_->size() + suffix.size() + (parts.size() + ...) + kNumberRoom);
    out_.put(*name_);
    if (!suffix.empty()) out_.put(suffix);
    (out_.put(parts), ...);
    out_.put_number(value);
    out_.put('\n');
  }

 private:
  void begin() {
    out_.room(metadata_->size());
    out_.put(std::string_view(*metadata_));
    metadata_ = nullptr;
  }

  TextCursor& out_;
  const Piece* name_ = nullptr;
  const std::string* metadata_ = nullptr;
};

template <class Sink>
using SampleFunctions = std::array<SampleFunction<Sink>, kMetrics.size()>;

template <class Sink>
consteval SampleFunctions<Sink> make_functions() {
  using namespace samples;
  using D = DomainSnapshot;
  using O = OrderSnapshot;
  using F = FlushQueueSnapshot;
  using A = AuditSnapshot;
  SampleFunctions<Sink> f{};
  f[metric("iova_kernel_info")] = kernel_info<Sink>;
  f[metric("iova_domain_info")] = domain_info<Sink>;
  f[metric("iova_tree_ranges")] = per_domain<Sink, &D::tree_ranges>;
  f[metric("iova_outstanding_ranges")] = all_orders<Sink, &O::outstanding>;
  f[metric("iova_outstanding_before_start_ranges")] = per_domain<Sink, &D::outstanding_before_start>;
  f[metric("iova_fq_pending_ranges")] = fq_pending<Sink>;
  f[metric("iova_reserved_ranges")] = per_domain<Sink, &D::reserved>;
  f[metric("iova_unaccounted_ranges")] = per_domain<Sink, &D::unaccounted>;
  f[metric("iova_magazine_bytes")] = per_domain_read<Sink, &D::memory, &MemorySnapshot::magazine_bytes>;
  f[metric("iova_range_bytes")] = per_domain_read<Sink, &D::memory, &MemorySnapshot::range_bytes>;
  f[metric("iova_memory_read_timestamp_seconds")] = read_time_per_domain<Sink, &D::memory>;
  f[metric("iova_32bit_free_pages")] = per_domain_read<Sink, &D::space32, &Space32Snapshot::free_pages>;
  f[metric("iova_32bit_largest_gap_pages")] =
      per_domain_read<Sink, &D::space32, &Space32Snapshot::largest_gap_pages>;
  f[metric("iova_32bit_read_timestamp_seconds")] = read_time_per_domain<Sink, &D::space32>;
  f[metric("iova_rcache_cpu_cached")] = cached_orders<Sink, &O::cpu_cached>;
  f[metric("iova_rcache_cpu_capacity")] = cached_orders<Sink, &O::cpu_capacity>;
  f[metric("iova_rcache_cpus_holding")] = cached_orders<Sink, &O::cpus_holding>;
  f[metric("iova_rcache_cpu_ranges")] = cpu_ranges<Sink>;
  f[metric("iova_rcache_magazine_ranges")] = magazine_ranges<Sink>;
  f[metric("iova_rcache_depot_cached")] = depot_cached<Sink>;
  f[metric("iova_rcache_depot_magazines")] = cached_orders<Sink, &O::depot_magazines>;
  f[metric("iova_rcache_depot_limit_magazines")] = depot_limit<Sink, DepotKind::bounded>;
  f[metric("iova_rcache_depot_reclaim_threshold_magazines")] = depot_limit<Sink, DepotKind::unbounded>;
  f[metric("iova_rcache_depot_saturation_ratio")] = saturation_ratio<Sink>;
  f[metric("iova_allocations_total")] = all_orders<Sink, &O::allocations>;
  f[metric("iova_allocation_failures_total")] = all_orders<Sink, &O::allocation_failures>;
  f[metric("iova_tree_allocations_total")] = all_orders<Sink, &O::tree_allocations>;
  f[metric("iova_frees_total")] = all_orders<Sink, &O::frees>;
  f[metric("iova_tree_frees_total")] = all_orders<Sink, &O::tree_frees>;
  f[metric("iova_mismatched_frees_total")] = all_orders<Sink, &O::mismatched_frees>;
  f[metric("iova_tree_allocation_duration_seconds")] = duration_histogram<Sink, &D::tree_allocation>;
  f[metric("iova_depot_pushes_total")] = cached_orders<Sink, &O::depot_pushes>;
  f[metric("iova_depot_pops_total")] = cached_orders<Sink, &O::depot_pops>;
  f[metric("iova_depot_overflows_total")] = cached_orders<Sink, &O::depot_overflows>;
  f[metric("iova_depot_reclaims_total")] = cached_orders<Sink, &O::depot_reclaims>;
  f[metric("iova_depot_overflow_duration_seconds")] = duration_histogram<Sink, &D::depot_overflow>;
  f[metric("iova_rcache_flushes_total")] = per_domain<Sink, &D::rcache_flushes>;
  f[metric("iova_flush_queue_drains_total")] = per_domain<Sink, &D::flush_queue, &F::drains>;
  f[metric("iova_flush_queue_drained_ranges_total")] = per_domain<Sink, &D::flush_queue, &F::drained_ranges>;
  f[metric("iova_flush_queue_drain_seconds_total")] =
      seconds_per_domain<Sink, &D::flush_queue, &F::duration_ns>;
  f[metric("iova_flush_queue_drain_longest_seconds")] =
      seconds_per_domain<Sink, &D::flush_queue, &F::longest_ns>;
  f[metric("iova_flush_queue_drain_largest_ranges")] = per_domain<Sink, &D::flush_queue, &F::largest>;
  f[metric("iova_flush_queue_cpu_drains_total")] = flush_queue_per_cpu<Sink, &F::Cpu::drains>;
  f[metric("iova_flush_queue_cpu_drained_ranges_total")] = flush_queue_per_cpu<Sink, &F::Cpu::drained_ranges>;
  f[metric("rcached_domain_confidence")] = confidence<Sink>;
  f[metric("rcached_predictions_total")] = per_domain<Sink, &D::prediction, &PredictionSnapshot::predictions>;
  f[metric("rcached_prediction_hits_total")] = per_domain<Sink, &D::prediction, &PredictionSnapshot::hits>;
  f[metric("rcached_prediction_misses_total")] = prediction_misses<Sink>;
  f[metric("rcached_drift_ranges")] = per_domain<Sink, &D::drift, &DriftSnapshot::ranges>;
  f[metric("rcached_drift_corrections_total")] = drift_corrections<Sink>;
  f[metric("rcached_loss_marks_total")] = per_domain<Sink, &D::loss_marks>;
  f[metric("rcached_last_loss_timestamp_seconds")] = time_per_domain<Sink, &D::audit, &A::last_loss_ns>;
  f[metric("rcached_resynced_timestamp_seconds")] = time_per_domain<Sink, &D::audit, &A::resynced_ns>;
  f[metric("rcached_resyncs_total")] = per_domain<Sink, &D::audit, &A::resyncs>;
  f[metric("rcached_audits_total")] = audits<Sink>;
  f[metric("rcached_audit_drift_ranges_total")] = audit_drift<Sink>;
  f[metric("rcached_last_audit_timestamp_seconds")] = time_per_domain<Sink, &D::audit, &A::last_audit_ns>;
  f[metric("rcached_last_repair_timestamp_seconds")] = time_per_domain<Sink, &D::audit, &A::last_repair_ns>;
  f[metric("rcached_verdict")] = verdicts<Sink>;
  f[metric("rcached_events_total")] = status<Sink, &DaemonStatus::events>;
  f[metric("rcached_events_sent_total")] = status_cpu_sum<Sink, &CpuLoss::sent>;
  f[metric("rcached_events_received_total")] = status_cpu_sum<Sink, &CpuLoss::received>;
  f[metric("rcached_events_lost_total")] = samples::events_lost<Sink>;
  f[metric("rcached_malformed_events_total")] = status<Sink, &DaemonStatus::malformed>;
  f[metric("rcached_unattributed_flush_queue_drains_total")] =
      status<Sink, &DaemonStatus::unattributed_fq_drains>;
  f[metric("rcached_consumer_lag_seconds")] = consumer_lag<Sink>;
  f[metric("rcached_program_runs_total")] = program_runs<Sink>;
  f[metric("rcached_program_run_seconds_total")] = program_run_seconds<Sink>;
  f[metric("rcached_program_skipped_total")] = program_skipped<Sink>;
  f[metric("rcached_kernel_reads_total")] = kernel_reads<Sink>;
  f[metric("rcached_kernel_read_seconds_total")] = reader_seconds<Sink, &ReaderStatus::time_ns>;
  f[metric("rcached_kernel_read_longest_seconds")] = reader_seconds<Sink, &ReaderStatus::longest_ns>;
  f[metric("rcached_kernel_read_budget_ratio")] = reader_seconds<Sink, &ReaderStatus::budget_ns_per_s>;
  f[metric("rcached_mode")] = mode<Sink>;
  f[metric("rcached_build_info")] = build_info<Sink>;
  f[metric("rcached_start_time_seconds")] = status<Sink, &DaemonStatus::started_unix_s>;
  return f;
}

template <class Sink>
constexpr SampleFunctions<Sink> kFunctions = make_functions<Sink>();

}  // namespace

ViewRenderer::ViewRenderer() {
  for (const MetricRow& row : kMetrics) {
    names_.emplace_back(std::string(row.name));
    for (const MetricsFormat format : {MetricsFormat::text, MetricsFormat::openmetrics}) {
      std::string& text = metadata_.at(static_cast<std::size_t>(format)).emplace_back();
      append_metadata(text, metadata_of(row, format), format);
    }
  }
}

SeriesCounts ViewRenderer::count(const View& view) {
  heads_.update(view);
  const SampleInput input{view, heads_};
  SeriesCounts counts{};
  for (std::size_t row = 0; row < kMetrics.size(); ++row) {
    if (kFunctions<CountingSink>[row] == nullptr) continue;
    CountingSink sink;
    sink.start(names_[row]);
    kFunctions<CountingSink>[row](input, sink);
    counts[row] = sink.series();
    bytes_[row] = sink.bytes();
  }
  return counts;
}

void ViewRenderer::render(const View& view, MetricsFormat format, const DroppedMetrics& dropped,
                          std::string& out) {
  heads_.update(view);
  const SampleInput input{view, heads_};
  const auto& metadata = metadata_.at(static_cast<std::size_t>(format));

  std::size_t expected = 0;
  for (std::size_t row = 0; row < kMetrics.size(); ++row) {
    if (!dropped[row] && bytes_[row] != 0) expected += bytes_[row] + metadata[row].size();
  }

  TextCursor cursor(out, expected);
  WritingSink sink(cursor);
  for (std::size_t row = 0; row < kMetrics.size(); ++row) {
    if (kFunctions<WritingSink>[row] == nullptr || dropped[row]) continue;
    sink.start(names_[row], metadata[row]);
    kFunctions<WritingSink>[row](input, sink);
  }
  cursor.finish();
}

bool comes_from_view(std::size_t metric) { return kFunctions<CountingSink>[metric] != nullptr; }

}  // namespace rcached
