// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/scrape_views.h"

#include <random>
#include <string>

namespace rcached::bench {
namespace {

constexpr unsigned kCpusPerNode = 64;

DomainSnapshot make_domain(std::uint64_t id, const Host& host, std::mt19937& random) {
  // Counters of a host that has been up for some weeks have ten digits.
  const auto counter = [&] { return 1'000'000'000ull + random(); };
  DomainSnapshot domain;
  domain.id = id;
  domain.confidence = Confidence::exact;
  for (OrderSnapshot& order : domain.orders) {
    order = {.outstanding = random() % 100'000,
             .cpu_cached = random() % 65'024,
             .cpu_capacity = 2ull * 127 * host.cpus,
             .cpus_holding = static_cast<std::uint32_t>(random() % host.cpus),
             .depot_magazines = static_cast<std::uint32_t>(random() % 33),
             .allocations = counter(),
             .allocation_failures = counter(),
             .tree_allocations = counter(),
             .frees = counter(),
             .tree_frees = counter(),
             .depot_pushes = counter(),
             .depot_pops = counter(),
             .depot_overflows = counter(),
             .depot_reclaims = 0,
             .mismatched_frees = 0};
  }
  for (unsigned cpu = 0; cpu < host.cpus; ++cpu) {
    for (unsigned order = 0; order < kCachedOrders; ++order) {
      domain.cpu_fills.push_back({.cpu = static_cast<std::uint16_t>(cpu),
                                  .order = static_cast<std::uint8_t>(order),
                                  .loaded = static_cast<std::uint16_t>(random() % 128),
                                  .prev = static_cast<std::uint16_t>(random() % 2 * 127)});
    }
  }
  domain.tree_ranges = random() % 1'000'000;
  domain.fq_pending = random() % 1000;
  domain.prediction = {.predictions = counter(), .hits = counter()};
  domain.flush_queue = {.drains = counter(),
                        .drained_ranges = counter(),
                        .duration_ns = counter(),
                        .longest_ns = random(),
                        .largest = random() % 4096,
                        .cpus = {}};
  for (std::uint64_t& count : domain.tree_allocation.counts) count = counter();
  for (std::uint64_t& count : domain.depot_overflow.counts) count = counter();
  domain.tree_allocation.sum_ns = domain.depot_overflow.sum_ns = counter();
  domain.audit.audits = random() % 10'000;
  domain.audit.last_audit_ns = counter();
  domain.memory = {.magazine_bytes = random(), .range_bytes = random(), .time_ns = counter()};
  domain.space32 = {.free_pages = random(), .largest_gap_pages = random(), .time_ns = counter()};
  return domain;
}

}  // namespace

View make_view(const Host& host, std::uint32_t seed) {
  std::mt19937 random(seed);
  View view;
  view.kernel = {.release = "6.1.0-bench", .profile = kProfile61, .online_cpus = host.cpus};
  for (unsigned cpu = 0; cpu < host.cpus; ++cpu) {
    view.kernel.cpu_nodes.push_back(static_cast<std::int16_t>(cpu / kCpusPerNode));
    view.status.cpus.push_back(
        {.cpu = static_cast<std::uint16_t>(cpu), .sent = random(), .received = random()});
  }
  view.snapshot.profile = kProfile61;
  view.snapshot.time_ns = 1'000'000'000;
  for (unsigned i = 0; i < host.domains; ++i) {
    view.snapshot.domains.push_back(make_domain(i + 1, host, random));
    view.domains.push_back({.id = i + 1,
                            .label = std::to_string(i),
                            .type = "DMA-FQ",
                            .devices = "0000:" + std::to_string(10 + i) + ":00.0",
                            .driver = "nvme",
                            .granule_bytes = 4096});
    view.verdicts.push_back(
        {{"depot-saturated", random() % 2 == 0, "none"}, {"size-mismatch", false, "none"}});
  }
  view.status.version = "0.1.0";
  view.status.source = "kernel";
  view.status.ready = true;
  view.status.started_unix_s = 1'700'000'000;
  view.status.events = 1'000'000'000ull + random();
  view.status.unix_minus_monotonic_ns = 1'700'000'000'000'000'000;
  view.status.programs = {
      {.function = "alloc_iova_fast", .method = "fexit", .runs = random(), .run_ns = random()},
      {.function = "free_iova_fast", .method = "fexit", .runs = random(), .run_ns = random()}};
  return view;
}

}  // namespace rcached::bench
