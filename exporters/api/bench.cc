// SPDX-License-Identifier: Apache-2.0
// Cost of the API's bodies on a large host: 500 domains, 256 CPUs, all orders.
#include <benchmark/benchmark.h>

#include <string>

#include "exporters/api/answers.h"
#include "exporters/api/json.h"
#include "exporters/api/shared_bodies.h"
#include "tests/kit/sample_view.h"

namespace rcached::api {
namespace {

constexpr std::uint64_t kDomains = 500;
constexpr std::uint16_t kCpus = 256;

View large_view() {
  View view = testing::sample_view(kProfile61);
  const DomainSnapshot domain = view.snapshot.domains[0];
  const DomainInfo info = view.domains[0];
  const auto rates = view.rates[0];
  const auto verdicts = view.verdicts[0];
  view.snapshot.domains.assign(kDomains, domain);
  view.domains.assign(kDomains, info);
  view.rates.assign(kDomains, rates);
  view.verdicts.assign(kDomains, verdicts);
  for (std::uint64_t i = 0; i < kDomains; ++i) {
    view.snapshot.domains[i].id = view.domains[i].id = i + 1;
    view.domains[i].label = std::to_string(i);
    auto& fills = view.snapshot.domains[i].cpu_fills;
    fills.clear();
    for (std::uint16_t cpu = 0; cpu < kCpus; ++cpu) {
      for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
        fills.push_back({.cpu = cpu, .order = order, .loaded = 100, .prev = 127});
      }
    }
  }
  view.status.cpus.assign(kCpus, view.status.cpus[0]);
  rcached::History history = *view.history;
  for (const auto column :
       {&DomainHistory::tree_ranges, &DomainHistory::outstanding, &DomainHistory::cpu_cached,
        &DomainHistory::depot_cached, &DomainHistory::allocations_per_second,
        &DomainHistory::overflows_per_second, &DomainHistory::tree_allocation_mean_seconds,
        &DomainHistory::tree_allocation_p99_seconds}) {
    (history.domains[0].*column).assign(history.points, 12345.678f);
  }
  view.history = std::make_shared<const rcached::History>(std::move(history));
  return view;
}

void report(benchmark::State& state, const std::string& body) {
  state.counters["bytes"] = static_cast<double>(body.size());
}

void Domains(benchmark::State& state) {
  const View view = large_view();
  std::string body;
  for (auto _ : state) body = to_json(domains_answer(view, named_domains(view), 1));
  report(state, body);
}
BENCHMARK(Domains)->Unit(benchmark::kMicrosecond);

void OneDomain(benchmark::State& state) {
  const View view = large_view();
  const auto named = named_domains(view);
  std::string body;
  for (auto _ : state) body = to_json(domain_answer(view, named[1], 1));
  report(state, body);
}
BENCHMARK(OneDomain)->Unit(benchmark::kMicrosecond);

void OneHistory(benchmark::State& state) {
  const View view = large_view();
  const auto named = named_domains(view);
  std::string body;
  for (auto _ : state) body = to_json(history_answer(view, named[0]));
  report(state, body);
}
BENCHMARK(OneHistory)->Unit(benchmark::kMicrosecond);

// The full cost of a new View while a stream is open: domains, status (including reading procfs), notes.
void SnapshotEvent(benchmark::State& state) {
  const auto view = std::make_shared<const View>(large_view());
  std::size_t bytes = 0;
  for (auto _ : state) bytes = ViewBodies(view, 1).snapshot_event()->size();
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(SnapshotEvent)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace rcached::api

BENCHMARK_MAIN();
