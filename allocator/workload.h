// SPDX-License-Identifier: Apache-2.0
// Workload: seeded synthetic load over Simulators, one per domain. It drives `rcached run --source
// synthetic`, the benchmarks and part of the property tests. The same options give the same operations.
//
// step(n) makes about n alloc and free calls; the operations they cause (nested ones included) go to the sink
// as they happen, stamped from start_ns on, step_ns apart. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

#include "allocator/kernel_profile.h"
#include "allocator/operation.h"
#include "allocator/simulator.h"

namespace rcached {

enum class WorkloadKind : std::uint8_t {
  steady,  // every CPU keeps a modest set of mappings and replaces them at random
  spread,  // the example of the 2020 thread: a load of many live mappings tied to cpu0, then cpu1, ...
  burst,   // batches far beyond the cache's capacity on one CPU, freed on another as the flush queue's timer
           // does
  leak,    // steady, but now and then a mapping is forgotten
  mixed,   // orders 0..8 with 32-bit limits, frees on other CPUs, wrong sizes, failures and hotplug
};

// For command lines: false when the name is unknown.
bool parse_workload_kind(std::string_view name, WorkloadKind& kind);
std::string_view to_string(WorkloadKind kind);

struct WorkloadOptions {
  WorkloadKind kind = WorkloadKind::steady;
  std::uint32_t domains = 2;
  std::uint16_t cpus = 4;
  // mappings: per CPU and domain (steady, leak, mixed), per batch (spread, burst); 0 = the kind's own
  std::uint32_t live = 0;
  std::uint64_t seed = 1;
  std::uint64_t start_ns = 0;
  std::uint64_t step_ns = 1000;  // between calls
};

class Workload {
 public:
  using Sink = std::function<void(std::uint32_t domain, const Operation&)>;

  // Reports the domains' births and reservations.
  Workload(const KernelProfile& profile, const WorkloadOptions& options, Sink sink);

  void step(std::uint64_t calls);
  std::uint64_t now_ns() const { return now_ns_; }
  const WorkloadOptions& options() const { return options_; }
  const Simulator& simulator(std::uint32_t domain) const { return *domains_[domain]->simulator; }

 private:
  struct Mapping {
    std::uint64_t pfn;
    std::uint32_t size;
  };
  struct Domain {
    std::unique_ptr<Simulator> simulator;
    std::vector<std::vector<Mapping>> live;  // by CPU
    std::uint16_t cpu = 0;                   // spread, burst: whose turn it is
    std::uint32_t batches = 0;
    bool filling = true;
    std::uint64_t next_reclaim_ns = 0;
  };

  void call(std::uint32_t index);
  void call_random(Domain& domain);
  void call_batch(Domain& domain);
  void disturb(Domain& domain);
  void allocate(Domain& domain, std::uint16_t cpu);
  void release(Domain& domain, std::uint16_t owner, std::uint16_t cpu, std::size_t index);
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

  WorkloadOptions options_;
  Sink sink_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<Domain>> domains_;
  std::uint64_t now_ns_;
  std::uint32_t next_domain_ = 0;
};

}  // namespace rcached
