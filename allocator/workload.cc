// SPDX-License-Identifier: Apache-2.0
#include "allocator/workload.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace rcached {
namespace {

constexpr std::array<std::pair<std::string_view, WorkloadKind>, 5> kKinds{{{"steady", WorkloadKind::steady},
                                                                           {"spread", WorkloadKind::spread},
                                                                           {"burst", WorkloadKind::burst},
                                                                           {"leak", WorkloadKind::leak},
                                                                           {"mixed", WorkloadKind::mixed}}};
constexpr std::uint64_t kReclaimPeriodNs = 100'000'000;  // IOVA_DEPOT_DELAY
// A batch is freed and allocated again this often before the load moves to the next CPU.
constexpr std::uint32_t kBatchesPerCpu = 3;

std::uint32_t default_live(WorkloadKind kind, const KernelProfile& profile) {
  switch (kind) {
    case WorkloadKind::spread:
      return profile.magazine_capacity * 3;  // more than loaded and prev hold
    case WorkloadKind::burst:
      return profile.magazine_capacity * 48;
    default:
      return 64;
  }
}

}  // namespace

bool parse_workload_kind(std::string_view name, WorkloadKind& kind) {
  const auto it =
      std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& known) { return known.first == name; });
  if (it == kKinds.end()) return false;
  kind = it->second;
  return true;
}

std::string_view to_string(WorkloadKind kind) { return kKinds[static_cast<std::size_t>(kind)].first; }

Workload::Workload(const KernelProfile& profile, const WorkloadOptions& options, Sink sink)
    : options_(options), sink_(std::move(sink)), random_(options.seed), now_ns_(options.start_ns) {
  options_.cpus = std::max<std::uint16_t>(options_.cpus, 1);
  if (options_.live == 0) options_.live = default_live(options_.kind, profile);
  for (std::uint32_t i = 0; i < options_.domains; ++i) {
    auto domain = std::make_unique<Domain>();
    domain->simulator = std::make_unique<Simulator>(
        profile, options_.cpus, [this, i](const Operation& op) { sink_(i, op); }, now_ns_);
    domain->live.resize(options_.cpus);
    domain->next_reclaim_ns = now_ns_ + kReclaimPeriodNs;
    domain->simulator->reserve(0xfee00, 0xfeeff);  // the MSI window of x86
    domains_.push_back(std::move(domain));
  }
}

void Workload::step(std::uint64_t calls) {
  if (domains_.empty()) return;
  while (calls-- > 0) {
    call(next_domain_);
    next_domain_ = (next_domain_ + 1) % options_.domains;
  }
}

void Workload::call(std::uint32_t index) {
  now_ns_ += options_.step_ns;
  Domain& domain = *domains_[index];
  Simulator& simulator = *domain.simulator;
  simulator.set_time(now_ns_);
  if (now_ns_ >= domain.next_reclaim_ns) {
    simulator.reclaim_tick(0, simulator.online_cpus());
    domain.next_reclaim_ns = now_ns_ + kReclaimPeriodNs;
  }
  if (options_.kind == WorkloadKind::spread || options_.kind == WorkloadKind::burst) {
    call_batch(domain);
  } else {
    call_random(domain);
  }
}

// Fill and drain one CPU's set of mappings again and again, then go on with the next CPU.
void Workload::call_batch(Domain& domain) {
  std::vector<Mapping>& live = domain.live[domain.cpu];
  if (domain.filling) {
    allocate(domain, domain.cpu);
    domain.filling = live.size() < options_.live;
    return;
  }
  const auto next = static_cast<std::uint16_t>((domain.cpu + 1) % options_.cpus);
  if (!live.empty()) release(domain, domain.cpu, options_.kind == WorkloadKind::burst ? next : domain.cpu, 0);
  if (!live.empty()) return;
  domain.filling = true;
  if (options_.kind == WorkloadKind::burst) {
    domain.simulator->fq_drain(next, 1'000'000);
    domain.cpu = next;
  } else if (++domain.batches == kBatchesPerCpu) {
    domain.batches = 0;
    domain.cpu = next;
  }
}

void Workload::call_random(Domain& domain) {
  if (options_.kind == WorkloadKind::mixed) disturb(domain);
  auto cpu = static_cast<std::uint16_t>(below(options_.cpus));
  while (!domain.simulator->online(cpu)) cpu = static_cast<std::uint16_t>((cpu + 1) % options_.cpus);
  std::vector<Mapping>& live = domain.live[cpu];
  // Balanced around options_.live, with swings.
  if (below(2ull * options_.live) >= live.size()) return allocate(domain, cpu);
  const std::size_t index = below(live.size());
  if (options_.kind == WorkloadKind::leak && one_in(200)) {
    live[index] = live.back();
    live.pop_back();
    return;
  }
  std::uint16_t owner = cpu;
  if (options_.kind == WorkloadKind::mixed && one_in(4)) {  // freed where it was not allocated
    owner = static_cast<std::uint16_t>(below(options_.cpus));
    if (domain.live[owner].empty()) owner = cpu;
  }
  release(domain, owner, cpu, owner == cpu ? index : below(domain.live[owner].size()));
}

// What happens now and then on a real machine.
void Workload::disturb(Domain& domain) {
  if (!one_in(256)) return;
  Simulator& simulator = *domain.simulator;
  const auto cpu = static_cast<std::uint16_t>(below(options_.cpus));
  switch (below(8)) {
    case 0:
      if (!simulator.online(cpu)) {
        simulator.cpu_online(cpu);
      } else if (cpu != 0 && one_in(8)) {
        simulator.cpu_offline(cpu);
      }
      break;
    case 1:
      simulator.fail_next_magazine_allocation();
      break;
    case 2:
      simulator.fq_drain(cpu, 10'000);
      break;
    case 3:
      if (const std::uint64_t pfn = simulator.tree_alloc(cpu, 1); pfn != 0) simulator.tree_free(cpu, pfn);
      break;
    default:  // the flush queue's timer: everything of one CPU is freed on another
      for (std::vector<Mapping>& live = domain.live[cpu]; !live.empty();)
        release(domain, cpu, 0, live.size() - 1);
      break;
  }
}

void Workload::allocate(Domain& domain, std::uint16_t cpu) {
  Simulator& simulator = *domain.simulator;
  std::uint32_t size = 1;
  bool try_32bit = false;
  switch (options_.kind) {
    case WorkloadKind::spread:
      size = 2;
      break;
    case WorkloadKind::burst:
      break;
    case WorkloadKind::mixed:
      size = 1 + static_cast<std::uint32_t>(below(std::uint64_t{1} << below(9)));
      try_32bit = one_in(2);
      if (!simulator.profile().alloc_rounds_size && size < kMaxCachedSize) size = std::bit_ceil(size);
      break;
    default:
      size = 1u << std::min<std::uint64_t>(below(4), below(4));
      break;
  }
  std::uint64_t pfn = 0;
  if (try_32bit) pfn = simulator.alloc(cpu, size, Simulator::k32BitLimit, false);
  if (pfn == 0) pfn = simulator.alloc(cpu, size, Simulator::k48BitLimit, true);
  if (pfn != 0) domain.live[cpu].push_back({pfn, size});
}

void Workload::release(Domain& domain, std::uint16_t owner, std::uint16_t cpu, std::size_t index) {
  std::vector<Mapping>& live = domain.live[owner];
  Mapping mapping = live[index];
  live[index] = live.back();
  live.pop_back();
  if (options_.kind == WorkloadKind::mixed && one_in(500)) mapping.size = mapping.size / 2 + 1;
  domain.simulator->free(cpu, mapping.pfn, mapping.size);
}

}  // namespace rcached
