// SPDX-License-Identifier: Apache-2.0
#include "tests/kit/sample_view.h"

#include <limits>

namespace rcached::testing {
namespace {

DomainSnapshot sample_domain(std::uint64_t id, std::uint64_t seed, const KernelProfile& profile) {
  DomainSnapshot domain;
  domain.id = id;
  for (unsigned order = 0; order <= kCachedOrders; ++order) {
    OrderSnapshot& s = domain.orders[order];
    const std::uint64_t base = seed + 100ull * order;
    s.outstanding = base + 1;
    if (order < kCachedOrders) {
      s.cpu_cached = base + 2;
      s.cpu_capacity = base + 300;
      s.cpus_holding = order + 1;
      s.depot_magazines = 32 - order;
      s.depot_pushes = base + 9;
      s.depot_pops = base + 10;
      s.depot_overflows = base + 11;
      s.depot_reclaims = base + 12;
    }
    s.allocations = base + 4;
    s.allocation_failures = base + 5;
    s.tree_allocations = base + 6;
    s.frees = base + 7;
    s.tree_frees = base + 8;
    s.mismatched_frees = base + 13;
    domain.outstanding += s.outstanding;
    domain.cpu_cached += s.cpu_cached;
    domain.depot_cached += std::uint64_t{s.depot_magazines} * profile.magazine_capacity;
  }
  domain.reserved = seed + 14;
  domain.unaccounted = -3;
  domain.rcache_flushes = seed + 15;
  domain.outstanding_before_start = seed + 18;
  domain.flush_queue = {.drains = seed + 16,
                        .drained_ranges = seed + 19,
                        .duration_ns = (seed + 20) * 1'000'000,
                        .longest_ns = 21'000'000,
                        .largest = seed + 22,
                        .cpus = {{.cpu = 0, .drains = seed + 23, .drained_ranges = seed + 24},
                                 {.cpu = 3, .drains = seed + 25, .drained_ranges = seed + 26}}};
  for (std::size_t i = 0; i < domain.tree_allocation.counts.size(); ++i) {
    domain.tree_allocation.counts[i] = seed + 40 + i;
    domain.depot_overflow.counts[i] = seed + 70 + i;
  }
  domain.tree_allocation.sum_ns = (seed + 100) * 1'000'000;
  domain.depot_overflow.sum_ns = (seed + 101) * 1'000'000;
  domain.audit.audits = seed + 30;
  domain.audit.repairs = 31;
  domain.audit.abandoned = 32;
  domain.audit.skipped = 39;
  domain.audit.resyncs = seed + 38;
  domain.audit.drift = {
      .loaded = seed + 33, .prev = seed + 34, .depot = seed + 35, .tree = seed + 36, .fq = seed + 37};
  domain.loss_marks = seed + 17;
  domain.prediction = {.predictions = 1000,
                       .hits = 990,
                       .miss_reordered = 1,
                       .miss_depot_race = 2,
                       .miss_migration = 3,
                       .miss_unknown = 4};
  domain.drift = {.ranges = 5, .corrected_loaded = 6, .corrected_prev = 7, .corrected_depot = 8};
  domain.cpu_fills = {{.cpu = 0, .order = 0, .loaded = 12, .prev = 127},
                      {.cpu = 3, .order = 5, .loaded = 1, .prev = 0}};
  return domain;
}

void settle_tree(DomainSnapshot& domain) {
  const auto parts = domain.outstanding + domain.cpu_cached + domain.depot_cached + domain.reserved;
  domain.tree_ranges = static_cast<std::uint64_t>(static_cast<std::int64_t>(parts) + domain.unaccounted);
}

}  // namespace

View sample_view(const KernelProfile& profile) {
  View view;
  view.snapshot.time_ns = 1'000'000'000;
  view.snapshot.profile = profile;
  view.snapshot.domains = {sample_domain(1, 10'000, profile), sample_domain(2, 20'000, profile)};
  view.snapshot.domains[0].confidence = Confidence::exact;
  view.snapshot.domains[0].fq_pending = 77;
  AuditSnapshot& audit = view.snapshot.domains[0].audit;
  audit.last_audit_ns = 940'000'000;
  audit.last_repair_ns = 930'000'000;
  audit.last_loss_ns = 910'000'000;
  audit.resynced_ns = 920'000'000;
  view.snapshot.domains[0].memory = {
      .magazine_bytes = 1'040'384, .range_bytes = 655'360, .time_ns = 950'000'000};
  view.snapshot.domains[0].space32 = {
      .free_pages = 900'001, .largest_gap_pages = 800'002, .time_ns = 960'000'000};
  view.snapshot.domains[1].confidence = Confidence::lossy;
  for (std::size_t i = 0; i < view.snapshot.domains.size(); ++i) settle_tree(view.snapshot.domains[i]);

  view.domains = {
      {.id = 1,
       .label = "4",
       .type = "DMA-FQ",
       .devices = "0000:00:03.0,0000:00:04.0",
       .driver = "nvme",
       .iommu = "intel",
       .granule_bytes = 4096},
      {.id = 2, .label = "iovad-2", .type = "unknown", .devices = "", .driver = "", .granule_bytes = 0}};
  view.kernel = {.release = "6.1.0-test", .profile = profile, .online_cpus = 8, .cpu_nodes = {0, 0, 0, 1}};
  view.status.version = "0.1.0";
  view.status.source = "kernel";
  view.status.ready = true;
  view.status.started_unix_s = 1'700'000'000;
  view.status.events = 123'456;
  view.status.malformed = 9;
  view.status.late = 46;
  view.status.lag_ns = 2'500'000;
  view.status.backlog = 17;
  view.status.longest_drain_gap_ns = 21'000'000;
  view.status.rings = {.bytes = 1u << 20, .used = 4096, .highest = 70'000};
  view.status.unattributed_fq_drains = 41;
  view.status.unix_minus_monotonic_ns = 1'700'000'000'000'000'000;
  view.status.reader = {.available = true,
                        .reads = 500,
                        .changed = 42,
                        .faults = 43,
                        .time_ns = 44'000'000,
                        .longest_ns = 45'000,
                        .budget_ns_per_s = 50'000'000,
                        .spared_cpus = 46};
  view.status.cpus = {{.cpu = 0, .sent = 101, .received = 100, .ring_full = 1, .entry_missing = 2},
                      {.cpu = 3, .sent = 203, .received = 200, .ring_full = 3, .entry_missing = 4}};
  view.status.programs = {
      {.function = "alloc_iova_fast", .method = "fexit", .runs = 10, .run_ns = 4'000, .skipped = 5},
      {.function = "alloc_iova_fast", .method = "fexit", .runs = 20, .run_ns = 6'000, .skipped = 6},
      {.function = "free_iova_fast",
       .method = "kprobe",
       .runs = 30,
       .run_ns = 8'000,
       .skipped = 0,
       .skips_countable = false},
      // The entry program of a pair: its skips are counted, but do not lose an event themselves.
      {.function = "alloc_iova",
       .method = "fentry",
       .runs = 5,
       .run_ns = 1'000,
       .skipped = 7,
       .makes_events = false}};
  // Only of the first domain: the second is too new to have any.
  view.rates = {DomainRates{.seconds = 60,
                            .tree_ranges = 1.5,
                            .outstanding = -0.25,
                            .cpu_cached = 1.25,
                            .depot_cached = 0.5,
                            .allocations = 5000.5,
                            .allocation_failures = 0.125,
                            .tree_allocations = 50.25,
                            .frees = 5000.75,
                            .depot_overflows = 2.5,
                            .depot_reclaims = 0.75,
                            .mismatched_frees = 0.0625},
                std::nullopt};
  view.verdicts = {{{"depot-saturated", true, "2.5 overflows/s over the last 60 s"},
                    {"size-mismatch", false, "no mismatched free in the last 60 s"}},
                   {}};
  const float unknown = std::numeric_limits<float>::quiet_NaN();
  view.history = std::make_shared<const History>(
      History{.interval_s = 10,
              .points = 360,
              .domains = {{.id = 1,
                           .first_unix_s = 1'699'999'980,
                           .tree_ranges = {100, 200, 300},
                           .outstanding = {10, 20, 30},
                           .cpu_cached = {80, 170, 260},
                           .depot_cached = {5, 5, 5},
                           .allocations_per_second = {1000, 2000, 3000},
                           .overflows_per_second = {0, 0.5, 2.5},
                           .tree_allocation_mean_seconds = {unknown, 1.5e-6f, 2.5e-6f},
                           .tree_allocation_p99_seconds = {unknown, 1e-5f, 2.5e-5f}}},
              .domains_left_out = 1});
  view.notes =
      std::make_shared<const std::vector<Note>>(std::vector<Note>{{.number = 7,
                                                                   .unix_ms = 1'700'000'000'123,
                                                                   .kind = "events-lost",
                                                                   .domain = "",
                                                                   .text = "3 events were lost"},
                                                                  {.number = 8,
                                                                   .unix_ms = 1'700'000'001'456,
                                                                   .kind = "depot-overflow",
                                                                   .domain = "4",
                                                                   .text = "the depot of order 2 is full"}});
  return view;
}

View hostile_view() {
  View view = sample_view(kProfile61);
  const std::string hostile = "a\"b\\c\nd<script>alert('&')</script>\xff\xc3";
  for (DomainInfo& info : view.domains) {
    info.label += hostile;
    info.type = info.devices = info.driver = info.iommu = hostile;
  }
  view.kernel.release = view.status.version = view.status.mode = view.status.source = hostile;
  for (ProgramStatus& program : view.status.programs) program.function += hostile;
  return view;
}

}  // namespace rcached::testing
