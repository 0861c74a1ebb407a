// SPDX-License-Identifier: Apache-2.0
// Where the samples of every metric of a View come from: for each row of kMetrics the function that gives
// them to a sink, one metric after the other as the formats want it. A sink counts or writes.
//
// A sink has add(value, head parts...): one sample of the row in hand; add_suffixed(suffix, value, parts...):
// the same for a histogram's _bucket, _sum and _count. Parts are Pieces or string_views that make up the
// label block with its closing "} "; without labels it is " ".
//
// Known series are present from the start with 0: every order of every domain, every reason, mode and class.
// What is unknown is absent, never 0.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporters/prometheus/exposition.h"
#include "exporters/prometheus/metric_table.h"
#include "exporters/prometheus/series_heads.h"
#include "view/depot_mark.h"
#include "view/view.h"

namespace rcached {

struct SampleInput {
  const View& view;
  SeriesHeads& heads;  // updated with the view
};

template <class Sink>
using SampleFunction = void (*)(const SampleInput&, Sink&);

namespace samples {

inline constexpr double kNanosecond = 1e-9;
inline constexpr std::string_view kNoLabels = " ";

inline double seconds(std::uint64_t ns) { return static_cast<double>(ns) * kNanosecond; }

inline bool bounded(const KernelInfo& kernel) { return kernel.profile.depot == DepotKind::bounded; }

inline std::string block(std::initializer_list<std::pair<std::string_view, std::string_view>> labels) {
  std::string text = "{";
  for (const auto& [name, value] : labels) {
    if (text.size() > 1) text += ',';
    append_label(text, name, value);
  }
  return text += "} ";
}

inline std::string_view or_unknown(std::string_view value) { return value.empty() ? "unknown" : value; }

// object.*First.*Second...
template <auto First, auto... Rest>
const auto& member(const auto& object) {
  if constexpr (sizeof...(Rest) == 0) {
    return object.*First;
  } else {
    return member<Rest...>(object.*First);
  }
}

template <class Function>
void each_domain(const SampleInput& in, Function function) {
  const auto& domains = in.view.snapshot.domains;
  for (std::size_t i = 0; i < domains.size(); ++i) function(domains[i], in.heads.domain(i));
}

// --- one sample per domain
template <class Sink, auto... Path>
void per_domain(const SampleInput& in, Sink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    sink.add(member<Path...>(domain), heads.whole);
  });
}

template <class Sink, auto... Path>
void seconds_per_domain(const SampleInput& in, Sink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    sink.add(seconds(member<Path...>(domain)), heads.whole);
  });
}

// Of an optional part of the domain.
template <class Sink, auto Part, auto Member>
void per_domain_read(const SampleInput& in, Sink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    if (domain.*Part) sink.add((*(domain.*Part)).*Member, heads.whole);
  });
}

// A time of the snapshot as Unix time; what never was has none.
void add_time(auto& sink, const SampleInput& in, std::uint64_t monotonic_ns, const DomainHeads& heads) {
  if (monotonic_ns == 0) return;
  const std::int64_t unix_ns =
      static_cast<std::int64_t>(monotonic_ns) + in.view.status.unix_minus_monotonic_ns;
  sink.add(static_cast<double>(unix_ns) * kNanosecond, heads.whole);
}

template <class Sink, auto... Path>
void time_per_domain(const SampleInput& in, Sink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    add_time(sink, in, member<Path...>(domain), heads);
  });
}

template <class Sink, auto Part>
void read_time_per_domain(const SampleInput& in, Sink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    if (domain.*Part) add_time(sink, in, (domain.*Part)->time_ns, heads);
  });
}

template <class Sink>
void fq_pending(const SampleInput& in, Sink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    if (domain.fq_pending) sink.add(*domain.fq_pending, heads.whole);
  });
}

template <class Sink>
void domain_info(const SampleInput& in, Sink& sink) {
  each_domain(
      in, [&](const DomainSnapshot&, const DomainHeads& heads) { sink.add(std::uint64_t{1}, heads.info); });
}

// --- several samples per domain
template <class Sink>
void confidence(const SampleInput& in, Sink& sink) {
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

template <class Sink>
void prediction_misses(const SampleInput& in, Sink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    const PredictionSnapshot& p = domain.prediction;
    sink.add(p.miss_reordered, heads.open, std::string_view("class=\"reordered\"} "));
    sink.add(p.miss_depot_race, heads.open, std::string_view("class=\"depot_race\"} "));
    sink.add(p.miss_migration, heads.open, std::string_view("class=\"migration\"} "));
    sink.add(p.miss_unknown, heads.open, std::string_view("class=\"unknown\"} "));
  });
}

inline constexpr std::string_view kPartLoaded = "part=\"loaded\"} ";
inline constexpr std::string_view kPartPrev = "part=\"prev\"} ";
inline constexpr std::string_view kPartDepot = "part=\"depot\"} ";

template <class Sink>
void drift_corrections(const SampleInput& in, Sink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    sink.add(domain.drift.corrected_loaded, heads.open, kPartLoaded);
    sink.add(domain.drift.corrected_prev, heads.open, kPartPrev);
    sink.add(domain.drift.corrected_depot, heads.open, kPartDepot);
  });
}

template <class Sink>
void audits(const SampleInput& in, Sink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    const AuditSnapshot& a = domain.audit;
    sink.add(a.audits - a.repairs, heads.open, std::string_view("result=\"clean\"} "));
    sink.add(a.repairs, heads.open, std::string_view("result=\"repaired\"} "));
    sink.add(a.abandoned, heads.open, std::string_view("result=\"abandoned\"} "));
  });
}

template <class Sink>
void audit_drift(const SampleInput& in, Sink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    const AuditSnapshot::Drift& drift = domain.audit.drift;
    sink.add(drift.loaded, heads.open, kPartLoaded);
    sink.add(drift.prev, heads.open, kPartPrev);
    sink.add(drift.depot, heads.open, kPartDepot);
    sink.add(drift.tree, heads.open, std::string_view("part=\"tree\"} "));
    sink.add(drift.fq, heads.open, std::string_view("part=\"fq\"} "));
  });
}

template <class Sink>
void verdicts(const SampleInput& in, Sink& sink) {
  std::string label;
  for (std::size_t i = 0; i < in.view.snapshot.domains.size() && i < in.view.verdicts.size(); ++i) {
    for (const Verdict& verdict : in.view.verdicts[i]) {
      label.clear();
      append_label(label, "verdict", verdict.name);
      label += "} ";
      sink.add(std::uint64_t{verdict.holds}, in.heads.domain(i).open, std::string_view(label));
    }
  }
}

// `le="1e-07"} ` and so on; the last is +Inf.
const std::array<Piece, DurationHistogram::kBoundsNs.size() + 1>& duration_bounds();

template <class Sink, auto Member>
void duration_histogram(const SampleInput& in, Sink& sink) {
  const auto& bounds = duration_bounds();
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    const DurationHistogram& histogram = domain.*Member;
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      count += histogram.counts[i];
      sink.add_suffixed("_bucket", count, heads.open, bounds[i]);
    }
    sink.add_suffixed("_sum", seconds(histogram.sum_ns), heads.whole);
    sink.add_suffixed("_count", count, heads.whole);
  });
}

// --- per domain and order. All: also the sizes that are never cached.
template <class Sink, std::size_t Orders, auto Member>
void per_order(const SampleInput& in, Sink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    for (std::size_t order = 0; order < Orders; ++order) {
      sink.add(std::uint64_t{domain.orders[order].*Member}, heads.orders[order]);
    }
  });
}
template <class Sink, auto Member>
constexpr SampleFunction<Sink> all_orders = per_order<Sink, kCachedOrders + 1, Member>;
template <class Sink, auto Member>
constexpr SampleFunction<Sink> cached_orders = per_order<Sink, kCachedOrders, Member>;

template <class Sink>
void depot_cached(const SampleInput& in, Sink& sink) {
  const std::uint64_t capacity = in.view.kernel.profile.magazine_capacity;
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    for (std::size_t order = 0; order < kCachedOrders; ++order) {
      sink.add(domain.orders[order].depot_magazines * capacity, heads.orders[order]);
    }
  });
}

template <class Sink>
void saturation_ratio(const SampleInput& in, Sink& sink) {
  const auto mark = depot_mark(in.view.kernel);
  if (!mark) return;
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    for (std::size_t order = 0; order < kCachedOrders; ++order) {
      sink.add(static_cast<double>(domain.orders[order].depot_magazines) / *mark, heads.orders[order]);
    }
  });
}

// --- by CPU, only when asked for
template <class Sink>
void cpu_ranges(const SampleInput& in, Sink& sink) {
  if (!in.view.status.per_cpu_series) return;
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    for (const CpuFill& fill : domain.cpu_fills) {
      if (fill.order >= kCachedOrders) continue;
      sink.add(std::uint64_t{fill.loaded} + fill.prev, heads.orders_open[fill.order],
               in.heads.cpu(fill.cpu).node);
    }
  });
}

template <class Sink>
void magazine_ranges(const SampleInput& in, Sink& sink) {
  if (!in.view.status.per_magazine_series) return;
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    for (const CpuFill& fill : domain.cpu_fills) {
      if (fill.order >= kCachedOrders) continue;
      const CpuHeads& cpu = in.heads.cpu(fill.cpu);
      sink.add(std::uint64_t{fill.loaded}, heads.orders_open[fill.order], cpu.loaded);
      sink.add(std::uint64_t{fill.prev}, heads.orders_open[fill.order], cpu.prev);
    }
  });
}

template <class Sink, auto Member>
void flush_queue_per_cpu(const SampleInput& in, Sink& sink) {
  if (!in.view.status.per_cpu_series) return;
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    for (const FlushQueueSnapshot::Cpu& on : domain.flush_queue.cpus) {
      sink.add(on.*Member, heads.open, in.heads.cpu(on.cpu).cpu);
    }
  });
}

// --- of the whole host
template <class Sink>
void kernel_info(const SampleInput& in, Sink& sink) {
  const KernelInfo& kernel = in.view.kernel;
  sink.add(std::uint64_t{1},
           std::string_view(block({{"release", or_unknown(kernel.release)},
                                   {"depot", bounded(kernel) ? "bounded" : "unbounded"},
                                   {"magazine_capacity", std::to_string(kernel.profile.magazine_capacity)},
                                   {"tree", "rbtree"}})));
}

template <class Sink, DepotKind Kind>
void depot_limit(const SampleInput& in, Sink& sink) {
  const auto mark = depot_mark(in.view.kernel);
  if (in.view.kernel.profile.depot == Kind && mark) sink.add(std::uint64_t{*mark}, kNoLabels);
}

template <class Sink, auto Member>
void status(const SampleInput& in, Sink& sink) {
  sink.add(in.view.status.*Member, kNoLabels);
}

template <class Sink, auto Member>
void status_cpu_sum(const SampleInput& in, Sink& sink) {
  std::uint64_t sum = 0;
  for (const CpuLoss& cpu : in.view.status.cpus) sum += cpu.*Member;
  sink.add(sum, kNoLabels);
}

template <class Sink>
void consumer_lag(const SampleInput& in, Sink& sink) {
  sink.add(seconds(in.view.status.lag_ns), kNoLabels);
}

template <class Sink>
void events_lost(const SampleInput& in, Sink& sink) {
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

// A function may carry several programs of one method; one series each, so their numbers are added up.
struct ProgramSum {
  std::string labels;
  std::uint64_t runs = 0;
  std::uint64_t run_ns = 0;
  std::uint64_t skipped = 0;
  bool skips_countable = true;
};
std::vector<ProgramSum> program_sums(const std::vector<ProgramStatus>& programs);

template <class Sink>
void program_runs(const SampleInput& in, Sink& sink) {
  for (const ProgramSum& sum : program_sums(in.view.status.programs)) {
    sink.add(sum.runs, std::string_view(sum.labels));
  }
}

template <class Sink>
void program_run_seconds(const SampleInput& in, Sink& sink) {
  for (const ProgramSum& sum : program_sums(in.view.status.programs)) {
    sink.add(seconds(sum.run_ns), std::string_view(sum.labels));
  }
}

template <class Sink>
void program_skipped(const SampleInput& in, Sink& sink) {
  for (const ProgramSum& sum : program_sums(in.view.status.programs)) {
    if (sum.skips_countable) sink.add(sum.skipped, std::string_view(sum.labels));
  }
}

template <class Sink>
void kernel_reads(const SampleInput& in, Sink& sink) {
  const ReaderStatus& reader = in.view.status.reader;
  if (!reader.available) return;
  sink.add(reader.reads - reader.changed - reader.faults, std::string_view("{result=\"good\"} "));
  sink.add(reader.changed, std::string_view("{result=\"changed\"} "));
  sink.add(reader.faults, std::string_view("{result=\"fault\"} "));
}

template <class Sink, auto Member>
void reader_seconds(const SampleInput& in, Sink& sink) {
  const ReaderStatus& reader = in.view.status.reader;
  if (reader.available) sink.add(seconds(reader.*Member), kNoLabels);
}

template <class Sink>
void mode(const SampleInput& in, Sink& sink) {
  const std::string& holds = in.view.status.mode;
  bool known = false;
  for (const std::string_view name : {"mirror", "aggregate", "snapshot"}) {
    sink.add(std::uint64_t{holds == name}, std::string_view(block({{"mode", name}})));
    known = known || holds == name;
  }
  if (!known) sink.add(std::uint64_t{1}, std::string_view(block({{"mode", or_unknown(holds)}})));
}

template <class Sink>
void build_info(const SampleInput& in, Sink& sink) {
  sink.add(std::uint64_t{1}, std::string_view(block({{"version", or_unknown(in.view.status.version)}})));
}

}  // namespace samples
}  // namespace rcached
