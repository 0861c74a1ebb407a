// SPDX-License-Identifier: Apache-2.0
// Throughput of the mirror: operations are recorded from the synthetic workload once, then replayed from
// birth.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "allocator/mirror.h"
#include "allocator/workload.h"

namespace rcached {
namespace {

struct Recorded {
  std::uint32_t domain;
  Operation operation;
};

std::vector<Recorded> record(const KernelProfile& profile, const WorkloadOptions& options,
                             std::uint64_t calls) {
  std::vector<Recorded> recorded;
  recorded.reserve(calls + calls / 4);
  Workload workload(profile, options, [&](std::uint32_t domain, const Operation& operation) {
    recorded.push_back({domain, operation});
  });
  workload.step(calls);
  return recorded;
}

void replay(benchmark::State& state, const std::vector<Recorded>& recorded, const KernelProfile& profile) {
  PredictionSnapshot prediction;
  for (auto _ : state) {
    Mirror mirror(profile);
    for (const Recorded& step : recorded) mirror.apply(step.domain, step.operation);
    state.PauseTiming();
    for (const DomainSnapshot& domain : mirror.snapshot().domains) {
      prediction.predictions += domain.prediction.predictions;
      prediction.hits += domain.prediction.hits;
    }
    state.ResumeTiming();
  }
  if (prediction.hits != prediction.predictions) state.SkipWithError("a prediction failed");
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(recorded.size()));
}

// One CPU maps and unmaps from its loaded magazine.
void hot_cache_hits(benchmark::State& state) {
  const auto recorded =
      record(kProfile612, {.kind = WorkloadKind::steady, .domains = 1, .cpus = 1, .live = 32}, 1'000'000);
  replay(state, recorded, kProfile612);
}

// 64 CPUs on 8 domains, all orders, 32-bit tries, tree operations, depot moves, overflows, hotplug.
void mixed(benchmark::State& state) {
  const KernelProfile& profile = state.range(0) == 0 ? kProfile61 : kProfile612;
  const auto recorded =
      record(profile, {.kind = WorkloadKind::mixed, .domains = 8, .cpus = 64, .live = 32}, 4'000'000);
  replay(state, recorded, profile);
}

void snapshot(benchmark::State& state) {
  Mirror mirror(kProfile61);
  Workload workload(
      kProfile61, {.kind = WorkloadKind::mixed, .domains = 8, .cpus = 64, .live = 32},
      [&](std::uint32_t domain, const Operation& operation) { mirror.apply(domain, operation); });
  workload.step(1'000'000);
  for (auto _ : state) benchmark::DoNotOptimize(mirror.snapshot());
}

BENCHMARK(hot_cache_hits)->Unit(benchmark::kMillisecond);
BENCHMARK(mixed)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(snapshot)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace rcached

BENCHMARK_MAIN();
