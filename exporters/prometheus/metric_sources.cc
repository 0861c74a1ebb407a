// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/metric_sources.h"

#include <array>
#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "view/depot_mark.h"

namespace rcached::sources {
namespace {

std::string_view or_unknown(std::string_view value) { return value.empty() ? "unknown" : value; }

constexpr std::string_view kPartLoaded = "part=\"loaded\"} ";
constexpr std::string_view kPartPrev = "part=\"prev\"} ";
constexpr std::string_view kPartDepot = "part=\"depot\"} ";

struct HistogramSuffixes {
  Piece bucket{std::string("_bucket")};
  Piece sum{std::string("_sum")};
  Piece count{std::string("_count")};
};

const HistogramSuffixes& suffixes() {
  static const HistogramSuffixes kSuffixes;
  return kSuffixes;
}

// `le="1e-07"} ` and so on; the last is +Inf.
const auto& duration_bounds() {
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

void depot_mark_of(DepotKind kind, const ViewInput& in, SampleSink& sink) {
  const auto mark = depot_mark(in.view.kernel);
  if (in.view.kernel.profile.depot == kind && mark) sink.add(std::uint64_t{*mark}, kNoLabels);
}

// A function may have several programs of one method; they share one series, so their numbers are summed.
struct ProgramSum {
  std::string labels;
  std::uint64_t runs = 0;
  std::uint64_t run_ns = 0;
  std::uint64_t skipped = 0;
  bool skips_countable = true;
};

std::vector<ProgramSum> program_sums(const ViewInput& in) {
  std::map<std::pair<std::string_view, std::string_view>, ProgramSum> sums;
  for (const ProgramStatus& program : in.view.status.programs) {
    ProgramSum& sum = sums[{program.function, program.method}];
    sum.runs += program.runs;
    sum.run_ns += program.run_ns;
    sum.skipped += program.skipped;
    sum.skips_countable = sum.skips_countable && program.skips_countable;
  }
  std::vector<ProgramSum> list;
  list.reserve(sums.size());
  for (auto& [key, sum] : sums) {
    sum.labels = label_block({{"program", key.first}, {"method", key.second}});
    list.push_back(std::move(sum));
  }
  return list;
}

}  // namespace

void add_time(const ViewInput& in, SampleSink& sink, std::uint64_t monotonic_ns, const DomainHeads& heads) {
  if (monotonic_ns == 0) return;
  const std::int64_t unix_ns =
      static_cast<std::int64_t>(monotonic_ns) + in.view.status.unix_minus_monotonic_ns;
  sink.add(static_cast<double>(unix_ns) * 1e-9, heads.whole);
}

void fq_pending(const ViewInput& in, SampleSink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    if (domain.fq_pending) sink.add(*domain.fq_pending, heads.whole);
  });
}

void domain_info(const ViewInput& in, SampleSink& sink) {
  each_domain(
      in, [&](const DomainSnapshot&, const DomainHeads& heads) { sink.add(std::uint64_t{1}, heads.info); });
}

void confidence(const ViewInput& in, SampleSink& sink) {
  constexpr std::array<std::pair<Confidence, std::string_view>, 4> kAll = {
      {{Confidence::exact, "confidence=\"exact\"} "},
       {Confidence::resynced, "confidence=\"resynced\"} "},
       {Confidence::partial, "confidence=\"partial\"} "},
       {Confidence::lossy, "confidence=\"lossy\"} "}}};
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    for (const auto& [value, label] : kAll) {
      sink.add(std::uint64_t{domain.confidence == value}, heads.open, label);
    }
  });
}

void prediction_misses(const ViewInput& in, SampleSink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    const PredictionSnapshot& p = domain.prediction;
    sink.add(p.miss_reordered, heads.open, std::string_view("class=\"reordered\"} "));
    sink.add(p.miss_depot_race, heads.open, std::string_view("class=\"depot_race\"} "));
    sink.add(p.miss_migration, heads.open, std::string_view("class=\"migration\"} "));
    sink.add(p.miss_unknown, heads.open, std::string_view("class=\"unknown\"} "));
  });
}

void drift_corrections(const ViewInput& in, SampleSink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    sink.add(domain.drift.corrected_loaded, heads.open, kPartLoaded);
    sink.add(domain.drift.corrected_prev, heads.open, kPartPrev);
    sink.add(domain.drift.corrected_depot, heads.open, kPartDepot);
  });
}

void audits(const ViewInput& in, SampleSink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    const AuditSnapshot& a = domain.audit;
    sink.add(a.audits - a.repairs, heads.open, std::string_view("result=\"clean\"} "));
    sink.add(a.repairs, heads.open, std::string_view("result=\"repaired\"} "));
    sink.add(a.abandoned, heads.open, std::string_view("result=\"abandoned\"} "));
  });
}

void audit_drift(const ViewInput& in, SampleSink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    const AuditSnapshot::Drift& drift = domain.audit.drift;
    sink.add(drift.loaded, heads.open, kPartLoaded);
    sink.add(drift.prev, heads.open, kPartPrev);
    sink.add(drift.depot, heads.open, kPartDepot);
    sink.add(drift.tree, heads.open, std::string_view("part=\"tree\"} "));
    sink.add(drift.fq, heads.open, std::string_view("part=\"fq\"} "));
  });
}

void verdicts(const ViewInput& in, SampleSink& sink) {
  std::map<std::string_view, std::string> labels;  // there are only a few verdicts
  for (std::size_t i = 0; i < in.view.snapshot.domains.size() && i < in.view.verdicts.size(); ++i) {
    for (const Verdict& verdict : in.view.verdicts[i]) {
      std::string& label = labels[verdict.name];
      if (label.empty()) label = joined({{"verdict", verdict.name}}) + "} ";
      sink.add(std::uint64_t{verdict.holds}, in.heads.domain(i).open, std::string_view(label));
    }
  }
}

void add_histogram(SampleSink& sink, const DurationHistogram& histogram, const DomainHeads& heads) {
  const auto& bounds = duration_bounds();
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    count += histogram.counts[i];
    sink.add_suffixed(suffixes().bucket, count, heads.open, bounds[i]);
  }
  sink.add_suffixed(suffixes().sum, seconds(histogram.sum_ns), heads.whole);
  sink.add_suffixed(suffixes().count, count, heads.whole);
}

void depot_cached(const ViewInput& in, SampleSink& sink) {
  const std::uint64_t capacity = in.view.kernel.profile.magazine_capacity;
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    for (std::size_t order = 0; order < kCachedOrders; ++order) {
      sink.add(domain.orders[order].depot_magazines * capacity, heads.orders[order]);
    }
  });
}

void saturation_ratio(const ViewInput& in, SampleSink& sink) {
  const auto mark = depot_mark(in.view.kernel);
  if (!mark) return;
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    for (std::size_t order = 0; order < kCachedOrders; ++order) {
      sink.add(static_cast<double>(domain.orders[order].depot_magazines) / *mark, heads.orders[order]);
    }
  });
}

void cpu_ranges(const ViewInput& in, SampleSink& sink) {
  if (!in.settings.per_cpu) return;
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    for (const CpuFill& fill : domain.cpu_fills) {
      if (fill.order >= kCachedOrders) continue;
      sink.add(std::uint64_t{fill.loaded} + fill.prev, heads.orders_open[fill.order],
               in.heads.cpu(fill.cpu).node);
    }
  });
}

void magazine_ranges(const ViewInput& in, SampleSink& sink) {
  if (!in.settings.per_magazine) return;
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    for (const CpuFill& fill : domain.cpu_fills) {
      if (fill.order >= kCachedOrders) continue;
      const CpuHeads& cpu = in.heads.cpu(fill.cpu);
      sink.add(std::uint64_t{fill.loaded}, heads.orders_open[fill.order], cpu.loaded);
      sink.add(std::uint64_t{fill.prev}, heads.orders_open[fill.order], cpu.prev);
    }
  });
}

void kernel_info(const ViewInput& in, SampleSink& sink) {
  const KernelInfo& kernel = in.view.kernel;
  const std::string labels =
      label_block({{"release", or_unknown(kernel.release)},
                   {"depot", kernel.profile.depot == DepotKind::bounded ? "bounded" : "unbounded"},
                   {"magazine_capacity", std::to_string(kernel.profile.magazine_capacity)},
                   {"tree", "rbtree"}});
  sink.add(std::uint64_t{1}, std::string_view(labels));
}

void depot_limit(const ViewInput& in, SampleSink& sink) { depot_mark_of(DepotKind::bounded, in, sink); }

void depot_reclaim_threshold(const ViewInput& in, SampleSink& sink) {
  depot_mark_of(DepotKind::unbounded, in, sink);
}

void consumer_lag(const ViewInput& in, SampleSink& sink) {
  sink.add(seconds(in.view.status.lag_ns), kNoLabels);
}

void longest_drain_gap(const ViewInput& in, SampleSink& sink) {
  sink.add(seconds(in.view.status.longest_drain_gap_ns), kNoLabels);
}

void spared_cpus(const ViewInput& in, SampleSink& sink) {
  const ReaderStatus& reader = in.view.status.reader;
  if (reader.available) sink.add(reader.spared_cpus, kNoLabels);
}

void ring_size(const ViewInput& in, SampleSink& sink) {
  if (const auto& rings = in.view.status.rings) sink.add(rings->bytes, kNoLabels);
}

void ring_used(const ViewInput& in, SampleSink& sink) {
  if (const auto& rings = in.view.status.rings) sink.add(rings->used, kNoLabels);
}

void ring_used_highest(const ViewInput& in, SampleSink& sink) {
  if (const auto& rings = in.view.status.rings) sink.add(rings->highest, kNoLabels);
}

void lost_events(const ViewInput& in, SampleSink& sink) {
  for (const CpuLoss& cpu : in.view.status.cpus) {
    const Piece& label = in.heads.cpu(cpu.cpu).cpu;
    sink.add(cpu.ring_full, std::string_view("{reason=\"ring_full\","), label);
    sink.add(cpu.entry_missing, std::string_view("{reason=\"entry_missing\","), label);
  }
  std::uint64_t skipped = 0;
  for (const ProgramStatus& program : in.view.status.programs) {
    if (program.makes_events) skipped += program.skipped;
  }
  sink.add(skipped, std::string_view("{reason=\"skipped\",cpu=\"all\"} "));
}

void program_runs(const ViewInput& in, SampleSink& sink) {
  for (const ProgramSum& sum : program_sums(in)) sink.add(sum.runs, std::string_view(sum.labels));
}

void program_run_seconds(const ViewInput& in, SampleSink& sink) {
  for (const ProgramSum& sum : program_sums(in)) sink.add(seconds(sum.run_ns), std::string_view(sum.labels));
}

void program_skipped(const ViewInput& in, SampleSink& sink) {
  for (const ProgramSum& sum : program_sums(in)) {
    if (sum.skips_countable) sink.add(sum.skipped, std::string_view(sum.labels));
  }
}

void probes_silent(const ViewInput& in, SampleSink& sink) {
  for (const std::string_view reason : kSilenceReasons) {
    const std::string labels = label_block({{"reason", reason}});
    sink.add(std::uint64_t{in.view.status.silence == reason}, std::string_view(labels));
  }
}

void kernel_reads(const ViewInput& in, SampleSink& sink) {
  const ReaderStatus& reader = in.view.status.reader;
  if (!reader.available) return;
  sink.add(reader.reads - reader.changed - reader.faults, std::string_view("{result=\"good\"} "));
  sink.add(reader.changed, std::string_view("{result=\"changed\"} "));
  sink.add(reader.faults, std::string_view("{result=\"fault\"} "));
}

void mode(const ViewInput& in, SampleSink& sink) {
  const std::string& current = in.view.status.mode;
  const auto add = [&](std::string_view name, bool is_current) {
    const std::string labels = label_block({{"mode", name}});
    sink.add(std::uint64_t{is_current}, std::string_view(labels));
  };
  bool known = false;
  for (const std::string_view name : {"mirror", "aggregate", "snapshot"}) {
    add(name, current == name);
    known = known || current == name;
  }
  if (!known) add(or_unknown(current), true);
}

void build_info(const ViewInput& in, SampleSink& sink) {
  const std::string labels = label_block({{"version", or_unknown(in.view.status.version)}});
  sink.add(std::uint64_t{1}, std::string_view(labels));
}

void series_held(const ScrapeInput& in, SampleSink& sink) {
  if (in.plan != nullptr) sink.add(static_cast<double>(in.plan->total()), kNoLabels);
}

void series_limit(const ScrapeInput& in, SampleSink& sink) {
  if (in.plan != nullptr) sink.add(static_cast<double>(in.plan->limit), kNoLabels);
}

void series_left_out(const ScrapeInput& in, SampleSink& sink) {
  if (in.plan != nullptr) sink.add(static_cast<double>(in.plan->left_out), kNoLabels);
}

void series_dropped(const ScrapeInput& in, SampleSink& sink) {
  if (in.plan == nullptr) return;
  for (std::size_t row = 0; row < kMetrics.size(); ++row) {
    if (!in.plan->dropped[row]) continue;
    const std::string labels = label_block({{"metric", kMetrics[row].name}});
    sink.add(static_cast<double>(in.plan->counts[row]), std::string_view(labels));
  }
}

void add_instrument(const prometheus::MetricFamily& family, SampleSink& sink) {
  for (const prometheus::ClientMetric& metric : family.metric) {
    std::string labels;
    for (const auto& label : metric.label) append_label(labels, label.name, label.value);
    const auto block = [](const std::string& of) { return of.empty() ? " " : "{" + of + "} "; };
    const std::string whole = block(labels);
    if (family.type == prometheus::MetricType::Counter) {
      sink.add(metric.counter.value, std::string_view(whole));
    } else if (family.type == prometheus::MetricType::Gauge) {
      sink.add(metric.gauge.value, std::string_view(whole));
    } else {
      const auto& histogram = metric.histogram;
      const auto count = static_cast<double>(histogram.sample_count);
      const auto add_bucket = [&](double bound, double value) {
        std::string with_bound = labels;
        append_label(with_bound, "le", canonical_number(bound));
        sink.add_suffixed(suffixes().bucket, value, std::string_view(block(with_bound)));
      };
      for (const auto& bucket : histogram.bucket) {
        add_bucket(bucket.upper_bound, static_cast<double>(bucket.cumulative_count));
      }
      if (histogram.bucket.empty() || !std::isinf(histogram.bucket.back().upper_bound)) {
        add_bucket(HUGE_VAL, count);
      }
      sink.add_suffixed(suffixes().sum, histogram.sample_sum, std::string_view(whole));
      sink.add_suffixed(suffixes().count, count, std::string_view(whole));
    }
  }
}

}  // namespace rcached::sources
