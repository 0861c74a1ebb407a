// SPDX-License-Identifier: Apache-2.0
// SeriesHeads: the label blocks of the scrape's series (`{domain="4",order="0"} `), cached as long as domains,
// names and CPUs do not change, which is nearly always the case from one snapshot to the next. Blocks of
// per-CPU series have two halves, one per domain and one per CPU, so 64 domains x 256 CPUs take a few hundred
// kilobytes instead of tens of megabytes. Not thread-safe.
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

// The label blocks of one domain. "open" ones are unterminated: a block of CpuHeads, or a literal, follows.
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
  // Must be called with a View before its heads are used.
  void update(const View& view);

  // By position in view.snapshot.domains.
  const DomainHeads& domain(std::size_t position) const { return domains_[position]; }
  // Created on first use. The reference is valid until an update() with other NUMA nodes.
  const CpuHeads& cpu(std::uint16_t cpu) {
    if (cpu >= cpus_.size() || cpus_[cpu] == nullptr) add_cpu(cpu);
    return *cpus_[cpu];
  }

  // How often the heads of domains were created; for tests.
  std::size_t made() const { return made_; }

 private:
  bool same_domains(const View& view) const;
  void add_cpu(std::uint16_t cpu);

  std::vector<std::uint64_t> ids_;  // of the snapshot's domains
  std::vector<DomainInfo> names_;   // of the View that the heads were created for
  std::vector<DomainHeads> domains_;
  std::vector<std::int16_t> cpu_nodes_;
  std::vector<std::unique_ptr<const CpuHeads>> cpus_;
  std::size_t made_ = 0;
};

}  // namespace rcached
