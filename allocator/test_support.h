// SPDX-License-Identifier: Apache-2.0
// What the allocator's tests share: comparing a model with the simulator that is its truth, and random
// programs.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "allocator/domain_model.h"
#include "allocator/mirror.h"
#include "allocator/simulator.h"

namespace rcached::test {

inline constexpr KernelProfile kGenerations[] = {kProfile510, kProfile61, kProfile612};

// The same generation with magazines so small that every path is walked within a few operations.
inline KernelProfile scaled(KernelProfile profile, std::uint32_t capacity, std::uint32_t depot) {
  profile.magazine_capacity = capacity;
  if (profile.depot == DepotKind::bounded) profile.depot_capacity = depot;
  return profile;
}

// Empty when the model equals the simulator in everything, else the first difference.
inline std::string difference(const Simulator& truth, const DomainModel& model) {
  if (truth.tree_ranges() != model.tree_ranges()) {
    return "tree: " + std::to_string(truth.tree_ranges()) + " really, " + std::to_string(model.tree_ranges());
  }
  if (truth.reserved() != model.reserved()) return "reserved ranges";
  if (truth.ranges().size() != model.ranges().size()) return "size of the range table";
  for (const auto& [pfn, range] : truth.ranges()) {
    const Range* mirrored = model.ranges().find(pfn);
    if (mirrored == nullptr) return "pfn " + std::to_string(pfn) + " is missing";
    const std::uint8_t cached = mirrored->cached() ? mirrored->magazine.order() : kOrderUnknown;
    if (mirrored->size != range.size || mirrored->alloc_order != range.order || cached != range.cached) {
      return "range at pfn " + std::to_string(pfn);
    }
  }
  for (std::uint8_t order = 0; order <= kCachedOrders; ++order) {
    if (order < kCachedOrders && !(truth.rcache(order) == model.rcache(order))) {
      return "rcache of order " + std::to_string(order);
    }
    if (!(truth.counters(order) == model.counters(order)))
      return "counters of order " + std::to_string(order);
  }
  return "";
}

// A random program of one domain: batches of allocations and frees (so that depots fill and drain) mixed with
// everything else the kernel can do. Deterministic for a seed.
class Program {
 public:
  struct Options {
    std::uint16_t cpus = 4;
    std::uint32_t batch = 16;       // longest batch
    std::uint32_t max_live = 1024;  // mappings
    bool time_passes = true;        // 1 ms a step
    bool limits = true;             // limits so low that space runs out at times
    bool reserves = true;           // reserve_iova while the domain is in use, which widens ranges in use
  };

  Program(std::uint64_t seed, Simulator& simulator, const Options& options)
      : random_(seed), simulator_(simulator), options_(options) {}

  void step() {
    if (options_.time_passes) simulator_.set_time(now_ns_ += 1'000'000);
    const std::uint64_t action = below(40);
    if (action < 17) return allocate_batch();
    if (action < 34) return free_batch();
    switch (action) {
      case 34:
        return simulator_.reclaim_tick(any_cpu(), simulator_.online_cpus());
      case 35:
        return hotplug();
      case 36:
        return simulator_.fail_next_magazine_allocation();
      case 37: {
        const std::uint64_t lo = 1 + below(4096);
        return options_.reserves && one_in(4) ? simulator_.reserve(lo, lo + below(64))
                                              : simulator_.fq_drain(any_cpu(), 5);
      }
      case 38:
        if (const std::uint64_t pfn = simulator_.tree_alloc(any_cpu(), 1 + below32(40)); pfn != 0) {
          alone_.push_back(pfn);
        }
        return;
      default:
        if (alone_.empty()) return;
        simulator_.tree_free(any_cpu(), alone_.back());
        alone_.pop_back();
    }
  }

  // Plain alternation of allocations and frees, nothing unusual: what a stream looks like when it is
  // undisturbed.
  void clean_step() {
    if (options_.time_passes) simulator_.set_time(now_ns_ += 1'000'000);
    one_in(2) ? allocate_batch() : free_batch();
  }

  void free_everything() {
    while (!live_.empty()) free_one(any_cpu(), live_.size() - 1, 0);
    while (!alone_.empty()) {
      simulator_.tree_free(0, alone_.back());
      alone_.pop_back();
    }
  }

  std::size_t live() const { return live_.size() + alone_.size(); }
  std::uint64_t now_ns() const { return now_ns_; }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  std::uint32_t below32(std::uint32_t bound) { return static_cast<std::uint32_t>(below(bound)); }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

  std::uint16_t any_cpu() {
    auto cpu = static_cast<std::uint16_t>(below(options_.cpus));
    while (!simulator_.online(cpu)) cpu = static_cast<std::uint16_t>((cpu + 1) % options_.cpus);
    return cpu;
  }

  void hotplug() {
    const auto cpu = static_cast<std::uint16_t>(below(options_.cpus));
    if (!simulator_.online(cpu)) {
      simulator_.cpu_online(cpu);
    } else if (simulator_.online_cpus() > 1) {
      simulator_.cpu_offline(cpu);
    }
  }

  void allocate_batch() {
    const std::uint16_t cpu = any_cpu();
    if (one_in(8)) hot_size_ = 1u << below(one_in(4) ? 8 : 3);
    const std::uint32_t size = one_in(4) ? 1u << below(7) : hot_size_;
    // Mostly roomy; at times a limit so low that space runs out and the caches are flushed.
    const std::uint64_t limits[] = {Simulator::k48BitLimit, Simulator::k32BitLimit, 63, 1023};
    const std::uint64_t limit = limits[options_.limits && one_in(8) ? 2 + below(2) : below(2)];
    const bool flush = one_in(2);
    for (std::uint32_t n = 1 + below32(options_.batch); n > 0 && live_.size() < options_.max_live; --n) {
      std::uint32_t asked = size - (size > 2 && one_in(4) ? 1 : 0);
      if (!simulator_.profile().alloc_rounds_size && asked < kMaxCachedSize) asked = size;
      const std::uint64_t pfn = simulator_.alloc(one_in(16) ? any_cpu() : cpu, asked, limit, flush);
      if (pfn == 0) break;
      live_.push_back({pfn, asked});
    }
  }

  void free_batch() {
    const std::uint16_t cpu = any_cpu();
    const std::uint64_t way = below(3);
    for (std::uint32_t n = 1 + below32(options_.batch + options_.batch / 4); n > 0 && !live_.empty(); --n) {
      const std::size_t index = way == 0 ? live_.size() - 1 : way == 1 ? 0 : below(live_.size());
      free_one(cpu, index, one_in(64) ? 1 + below32(40) : 0);
    }
  }

  void free_one(std::uint16_t cpu, std::size_t index, std::uint32_t wrong_size) {
    const auto [pfn, size] = live_[index];
    live_[index] = live_.back();
    live_.pop_back();
    simulator_.free(cpu, pfn, wrong_size != 0 ? wrong_size : size);
  }

  std::mt19937_64 random_;
  Simulator& simulator_;
  Options options_;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> live_;
  std::vector<std::uint64_t> alone_;
  std::uint64_t now_ns_ = 0;
  std::uint32_t hot_size_ = 1;
};

}  // namespace rcached::test
