// SPDX-License-Identifier: Apache-2.0
// The sources of samples: the functions named in the rows of the table (metric_table.cc). Each adds all samples
// of one metric to a sink. Pure.
//
// Known series are present from the start with 0: every order of every domain, every reason, mode and class.
// Unknown values are absent, never 0.
#pragma once

#include <prometheus/metric_family.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/process_figures.h"
#include "exporters/prometheus/exposition.h"
#include "exporters/prometheus/series_budget.h"
#include "exporters/prometheus/series_heads.h"
#include "view/view.h"

namespace rcached {

struct ViewInput {
  const View& view;
  SeriesHeads& heads;  // updated with the view
  const SeriesSettings& settings;
};

// Data that is read at every scrape.
struct ScrapeInput {
  std::vector<prometheus::MetricFamily> instruments;  // collected from the registries
  ProcessFigures process = {};
  const SeriesPlan* plan = nullptr;  // of the View that is served; null: no series metrics
};

namespace sources {

inline double seconds(std::uint64_t ns) { return static_cast<double>(ns) * 1e-9; }

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
void each_domain(const ViewInput& in, Function function) {
  const auto& domains = in.view.snapshot.domains;
  for (std::size_t i = 0; i < domains.size(); ++i) function(domains[i], in.heads.domain(i));
}

// --- one sample per domain
template <auto... Path>
void per_domain(const ViewInput& in, SampleSink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    sink.add(member<Path...>(domain), heads.whole);
  });
}

template <auto... Path>
void seconds_per_domain(const ViewInput& in, SampleSink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    sink.add(seconds(member<Path...>(domain)), heads.whole);
  });
}

// For an optional part of the domain.
template <auto Part, auto Member>
void per_domain_read(const ViewInput& in, SampleSink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    if (domain.*Part) sink.add((*(domain.*Part)).*Member, heads.whole);
  });
}

// A time of the snapshot as Unix time; absent if never.
void add_time(const ViewInput& in, SampleSink& sink, std::uint64_t monotonic_ns, const DomainHeads& heads);

template <auto... Path>
void time_per_domain(const ViewInput& in, SampleSink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    add_time(in, sink, member<Path...>(domain), heads);
  });
}

template <auto Part>
void read_time_per_domain(const ViewInput& in, SampleSink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    if (domain.*Part) add_time(in, sink, (domain.*Part)->time_ns, heads);
  });
}

void fq_pending(const ViewInput& in, SampleSink& sink);
void domain_info(const ViewInput& in, SampleSink& sink);

// --- several samples per domain
void confidence(const ViewInput& in, SampleSink& sink);
void prediction_misses(const ViewInput& in, SampleSink& sink);
void drift_corrections(const ViewInput& in, SampleSink& sink);
void audits(const ViewInput& in, SampleSink& sink);
void audit_drift(const ViewInput& in, SampleSink& sink);
void verdicts(const ViewInput& in, SampleSink& sink);

void add_histogram(SampleSink& sink, const DurationHistogram& histogram, const DomainHeads& heads);

template <auto Member>
void duration_histogram(const ViewInput& in, SampleSink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    add_histogram(sink, domain.*Member, heads);
  });
}

// --- per domain and order. all_orders: also the sizes that are never cached.
template <std::size_t Orders, auto Member>
void per_order(const ViewInput& in, SampleSink& sink) {
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    for (std::size_t order = 0; order < Orders; ++order) {
      sink.add(std::uint64_t{domain.orders[order].*Member}, heads.orders[order]);
    }
  });
}
template <auto Member>
constexpr FromView all_orders = per_order<kCachedOrders + 1, Member>;
template <auto Member>
constexpr FromView cached_orders = per_order<kCachedOrders, Member>;

void depot_cached(const ViewInput& in, SampleSink& sink);
void saturation_ratio(const ViewInput& in, SampleSink& sink);

// --- by CPU, only when configured
void cpu_ranges(const ViewInput& in, SampleSink& sink);
void magazine_ranges(const ViewInput& in, SampleSink& sink);

template <auto Member>
void flush_queue_per_cpu(const ViewInput& in, SampleSink& sink) {
  if (!in.settings.per_cpu) return;
  each_domain(in, [&](const DomainSnapshot& domain, const DomainHeads& heads) {
    for (const FlushQueueSnapshot::Cpu& on : domain.flush_queue.cpus) {
      sink.add(on.*Member, heads.open, in.heads.cpu(on.cpu).cpu);
    }
  });
}

// --- of the whole host
void kernel_info(const ViewInput& in, SampleSink& sink);
void depot_limit(const ViewInput& in, SampleSink& sink);
void depot_reclaim_threshold(const ViewInput& in, SampleSink& sink);

template <auto Member>
void status(const ViewInput& in, SampleSink& sink) {
  sink.add(in.view.status.*Member, kNoLabels);
}

template <auto Member>
void status_cpu_sum(const ViewInput& in, SampleSink& sink) {
  std::uint64_t sum = 0;
  for (const CpuLoss& cpu : in.view.status.cpus) sum += cpu.*Member;
  sink.add(sum, kNoLabels);
}

void consumer_lag(const ViewInput& in, SampleSink& sink);
void longest_drain_gap(const ViewInput& in, SampleSink& sink);
void ring_size(const ViewInput& in, SampleSink& sink);
void spared_cpus(const ViewInput& in, SampleSink& sink);
void ring_used(const ViewInput& in, SampleSink& sink);
void ring_used_highest(const ViewInput& in, SampleSink& sink);
void lost_events(const ViewInput& in, SampleSink& sink);
void program_runs(const ViewInput& in, SampleSink& sink);
void program_run_seconds(const ViewInput& in, SampleSink& sink);
void program_skipped(const ViewInput& in, SampleSink& sink);
void kernel_reads(const ViewInput& in, SampleSink& sink);
void probes_silent(const ViewInput& in, SampleSink& sink);

template <auto Member>
void reader_seconds(const ViewInput& in, SampleSink& sink) {
  const ReaderStatus& reader = in.view.status.reader;
  if (reader.available) sink.add(seconds(reader.*Member), kNoLabels);
}

void mode(const ViewInput& in, SampleSink& sink);
void build_info(const ViewInput& in, SampleSink& sink);

// --- of the scrape: the series that it contains and leaves out
void series_held(const ScrapeInput& in, SampleSink& sink);
void series_limit(const ScrapeInput& in, SampleSink& sink);
void series_left_out(const ScrapeInput& in, SampleSink& sink);
void series_dropped(const ScrapeInput& in, SampleSink& sink);

// --- of the process. Absent if unreadable.
template <auto Member>
void process(const ScrapeInput& in, SampleSink& sink) {
  if (const auto& value = in.process.*Member) sink.add(static_cast<double>(*value), kNoLabels);
}

// Of one registered instrument; the sink has its row.
void add_instrument(const prometheus::MetricFamily& family, SampleSink& sink);

}  // namespace sources
}  // namespace rcached
