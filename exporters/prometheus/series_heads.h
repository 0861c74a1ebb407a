// SPDX-License-Identifier: Apache-2.0
// SeriesHeads: the label blocks of the scrape's series (`{domain="4",order="0"} `), made once for a set of
// domains, names and CPUs and kept as long as these do not change: between two snapshots of a host nearly
// always. Blocks of series by CPU are in two halves, one of the domain and one of the CPU, so that 64 domains
// x 256 CPUs take some hundred kilobytes and not tens of megabytes. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "allocator/kernel_profile.h"
#include "exporters/prometheus/exposition.h"
#include "view/view.h"

namespace rcached {

// Those of one domain. "open" ones lack the end: one of a CpuHeads, or a literal, follows.
struct DomainHeads {
  Piece whole;                                   // {domain="4"}
  Piece open;                                    // {domain="4",
  Piece info;                                    // {domain="4",type="DMA-FQ",...}
  std::array<Piece, kCachedOrders + 1> orders;   // {domain="4",order="0"}
  std::array<Piece, kCachedOrders> orders_open;  // {domain="4",order="0",
};

struct CpuHeads {
  Piece cpu;     // cpu="3"}
  Piece node;    // cpu="3",node="0"}
  Piece loaded;  // cpu="3",node="0",magazine="loaded"}
  Piece prev;    // cpu="3",node="0",magazine="prev"}
};

class SeriesHeads {
 public:
  // To be called with a View before its heads are asked for.
  void update(const View& view);

  // By position in view.snapshot.domains.
  const DomainHeads& domain(std::size_t position) const { return domains_[position]; }
  // Made when it is first asked for. Stays where it is until an update() with other NUMA nodes.
  const CpuHeads& cpu(std::uint16_t cpu) {
    if (cpu >= cpus_.size() || cpus_[cpu] == nullptr) add_cpu(cpu);
    return *cpus_[cpu];
  }

  // Times that heads of domains were made; for tests.
  std::size_t made() const { return made_; }

 private:
  bool same_domains(const View& view) const;
  void add_cpu(std::uint16_t cpu);

  std::vector<std::uint64_t> ids_;  // of the snapshot's domains
  std::vector<DomainInfo> names_;   // of the View the heads were made for
  std::vector<DomainHeads> domains_;
  std::vector<std::int16_t> cpu_nodes_;
  std::vector<std::unique_ptr<const CpuHeads>> cpus_;
  std::size_t made_ = 0;
};

}  // namespace rcached
