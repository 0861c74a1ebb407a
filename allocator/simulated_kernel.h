// SPDX-License-Identifier: Apache-2.0
// The kernel's memory, played by a Simulator: answers the read requests of a DomainAudit. For tests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "allocator/domain_audit.h"
#include "allocator/simulator.h"

namespace rcached::test {

inline Pfns pfns_of(const Magazine& magazine) { return {magazine.known().begin(), magazine.known().end()}; }

inline CpuContents read_cpu(const Simulator& kernel, std::uint16_t cpu, std::uint64_t now_ns = 0) {
  CpuContents contents;
  contents.time = {now_ns, now_ns};
  contents.cpu = cpu;
  contents.magazines = 2 * kCachedOrders;
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    const Rcache& rcache = kernel.rcache(order);
    contents.orders[order] = {pfns_of(rcache.loaded(cpu)), pfns_of(rcache.prev(cpu))};
  }
  return contents;
}

inline DepotSlice read_depot(const Simulator& kernel, std::uint8_t order, std::uint64_t now_ns = 0) {
  DepotSlice slice;
  slice.time = {now_ns, now_ns};
  slice.order = order;
  for (const Magazine& magazine : kernel.rcache(order).depot()) slice.magazines.push_back(pfns_of(magazine));
  slice.depot_size = static_cast<std::uint32_t>(slice.magazines.size());
  return slice;
}

// The slices of one reading of this depot, bottom to top, as a KernelReader makes them: from the top down.
inline std::vector<DepotSlice> slices_of(const std::vector<Pfns>& depot, std::uint8_t order = 0,
                                         std::size_t magazines = 16) {
  std::vector<DepotSlice> slices;
  std::size_t left = depot.size();
  do {
    const std::size_t count = std::min(magazines, left);
    left -= count;
    DepotSlice& slice = slices.emplace_back();
    slice.order = order;
    slice.depot_size = static_cast<std::uint32_t>(depot.size());
    slice.first = static_cast<std::uint32_t>(left);
    const auto first = depot.begin() + static_cast<std::ptrdiff_t>(left);
    slice.magazines.assign(first, first + static_cast<std::ptrdiff_t>(count));
    slice.last = left == 0;
  } while (left != 0);
  return slices;
}

// At most `chunk` ranges from `from` on.
inline TreeSlice read_tree(const Simulator& kernel, std::uint64_t from, std::size_t chunk,
                           std::uint64_t now_ns = 0) {
  TreeSlice slice;
  slice.time = {now_ns, now_ns};
  slice.from = from;
  for (const TreeRange& range : kernel.tree()) {
    if (range.lo < from) continue;
    if (slice.ranges.size() == chunk) {
      slice.to = slice.ranges.back().lo;
      return slice;
    }
    slice.ranges.push_back(range);
  }
  slice.to = ~0ull;
  return slice;
}

inline TreeSlice read_tree_at(const Simulator& kernel, std::uint64_t pfn, std::uint64_t now_ns = 0) {
  TreeSlice slice;
  slice.time = {now_ns, now_ns};
  slice.from = slice.to = pfn;
  for (const TreeRange& range : kernel.tree()) {
    if (range.lo == pfn) slice.ranges.push_back(range);
  }
  return slice;
}

// One piece, read and applied at once; `between` two slices of the tree.
inline void answer(
    DomainAudit& audit, const ReadRequest& request, const Simulator& kernel, std::size_t chunk = 7,
    std::uint64_t now_ns = 0, const std::function<void()>& between = [] {}) {
  switch (request.part) {
    case ReadRequest::Part::cpu:
      return audit.apply(read_cpu(kernel, request.cpu, now_ns));
    case ReadRequest::Part::depot:
      return audit.apply(read_depot(kernel, request.order, now_ns));
    case ReadRequest::Part::tree:
      for (std::uint64_t from = 0;;) {
        const TreeSlice slice = read_tree(kernel, from, chunk, now_ns);
        audit.apply(request, slice);
        if (slice.to == ~0ull) return;
        between();
        from = slice.to + 1;
      }
    case ReadRequest::Part::flush_queue:
      return audit.apply_flush_queue(0);
    case ReadRequest::Part::tree_at:
      return audit.apply(request, read_tree_at(kernel, request.pfn, now_ns));
  }
}

inline DomainAudit::Options audit_options(DomainAudit::Goal goal, const Simulator& kernel) {
  DomainAudit::Options options;
  options.goal = goal;
  options.possible_cpus = kernel.cpus();
  options.pfn_end_32bit = Simulator::k32BitLimit + 1;
  return options;
}

// A whole audit of a kernel at rest.
inline DomainAudit::State run_audit(DomainMirror& mirror, const DomainAudit::Options& options,
                                    const Simulator& kernel) {
  DomainAudit audit(mirror, options);
  while (const auto request = audit.next()) answer(audit, *request, kernel);
  return audit.state();
}

inline DomainAudit::State run_audit(DomainMirror& mirror, DomainAudit::Goal goal, const Simulator& kernel) {
  return run_audit(mirror, audit_options(goal, kernel), kernel);
}

// Empty when magazines, depots and tree of the two hold the same pfns, else the first difference.
inline std::string contents_difference(const Simulator& kernel, const DomainModel& model) {
  const DomainContents contents = model.contents();
  for (std::uint16_t cpu = 0; cpu < kernel.cpus(); ++cpu) {
    const CpuContents real = read_cpu(kernel, cpu);
    const CpuContents mirrored = cpu < contents.cpus.size() ? contents.cpus[cpu] : CpuContents{};
    if (!(real.orders == mirrored.orders)) return "cpu " + std::to_string(cpu);
  }
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    if (read_depot(kernel, order).magazines != contents.depots[order])
      return "depot " + std::to_string(order);
  }
  const std::vector<TreeRange> tree = kernel.tree();
  const auto [real, mirrored] =
      std::mismatch(tree.begin(), tree.end(), contents.tree.begin(), contents.tree.end());
  if (real != tree.end() || mirrored != contents.tree.end()) {
    const auto text = [](auto it, auto end) {
      return it == end ? "nothing" : std::to_string(it->lo) + "-" + std::to_string(it->hi);
    };
    return "tree: " + text(real, tree.end()) + " really, " + text(mirrored, contents.tree.end());
  }
  if (kernel.tree_ranges() != model.tree_ranges()) return "number of ranges in the tree";
  return model.find_inconsistency();
}

}  // namespace rcached::test
