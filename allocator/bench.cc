// SPDX-License-Identifier: Apache-2.0
// Throughput of the mirror: operations are recorded from the synthetic workload once, then replayed from
// birth.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <random>
#include <utility>
#include <vector>

#include "allocator/mirror.h"
#include "allocator/range_table.h"
#include "allocator/simulated_kernel.h"
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

std::int64_t cpu_now_ns() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (std::int64_t{time.tv_sec} * 1'000'000'000) + time.tv_nsec;
}

// Ranges come, from the top of the address space down, and go again. `longest_us`: CPU time of the longest single
// call; `bytes`: for each range, at most.
void range_table(benchmark::State& state) {
  const auto ranges = static_cast<std::uint64_t>(state.range(0));
  double bytes = 0;
  std::int64_t longest_ns = 0;
  for (auto _ : state) {
    RangeTable table;
    std::int64_t before = cpu_now_ns();
    const auto lap = [&] {
      const std::int64_t now = cpu_now_ns();
      longest_ns = std::max(longest_ns, now - std::exchange(before, now));
    };
    for (std::uint64_t i = 0; i < ranges; ++i) {
      table.insert((1ull << 36) - i);
      lap();
      if (table.size() >= 1'000'000) {
        bytes = std::max(bytes, static_cast<double>(table.bytes()) / static_cast<double>(table.size()));
      }
    }
    for (std::uint64_t i = 0; i < ranges; ++i) {
      table.erase((1ull << 36) - i);
      lap();
    }
    if (table.size() != 0) state.SkipWithError("ranges are left");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(2 * ranges));
  state.counters["bytes"] = bytes;
  state.counters["longest_us"] = static_cast<double>(longest_ns) / 1000;
}

// A depot of which the mirror misses some magazines, or has some of them at wrong places: compared and taken over in
// the slices of a KernelReader. `slice_us`: CPU time of the longest slice; `all_ms`: of all of them.
void depot_repair(benchmark::State& state) {
  const auto magazines = static_cast<std::size_t>(state.range(0));
  const auto missing = static_cast<std::size_t>(state.range(1));
  const bool shuffled = state.range(2) != 0;
  std::vector<Pfns> kernel(magazines);
  std::uint64_t pfn = 1;
  for (Pfns& pfns : kernel) {
    for (std::uint32_t i = 0; i < kProfile612.magazine_capacity; ++i) pfns.push_back(pfn++);
  }
  std::vector<Pfns> mirrored = kernel;
  for (std::size_t i = 0; i < missing; ++i) {
    mirrored.erase(mirrored.begin() + static_cast<std::ptrdiff_t>(i * mirrored.size() / missing));
  }
  if (shuffled) std::shuffle(mirrored.begin(), mirrored.end(), std::mt19937_64(1));
  const auto before = test::slices_of(mirrored);
  const auto slices = test::slices_of(kernel);
  double longest_ms = 0;
  double all_ms = 0;
  for (auto _ : state) {
    state.PauseTiming();
    DomainMirror mirror(kProfile612, 1, true);
    for (const DepotSlice& slice : before) mirror.adopt(slice);
    state.ResumeTiming();
    all_ms = 0;
    DomainMirror::DepotComparison so_far;
    for (const DepotSlice& slice : slices) {
      const std::int64_t begin = cpu_now_ns();
      benchmark::DoNotOptimize(mirror.compare(slice, so_far));
      mirror.adopt(slice);
      const double ms = static_cast<double>(cpu_now_ns() - begin) / 1e6;
      longest_ms = std::max(longest_ms, ms);
      all_ms += ms;
    }
    state.PauseTiming();
    if (mirror.model().contents().depots[0] != kernel) state.SkipWithError("the depots differ");
    state.ResumeTiming();
  }
  state.counters["slice_us"] = longest_ms * 1000;
  state.counters["all_ms"] = all_ms;
}

BENCHMARK(depot_repair)
    ->ArgNames({"magazines", "missing", "shuffled"})
    ->Args({4'000, 1, 0})
    ->Args({8'000, 1, 0})
    ->Args({14'000, 1, 0})
    ->Args({14'000, 10, 0})
    ->Args({14'000, 10, 1})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(range_table)->Arg(1'000'000)->Arg(16'000'000)->Unit(benchmark::kMillisecond);
BENCHMARK(hot_cache_hits)->Unit(benchmark::kMillisecond);
BENCHMARK(mixed)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(snapshot)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace rcached

BENCHMARK_MAIN();
