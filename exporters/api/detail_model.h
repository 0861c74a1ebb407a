// SPDX-License-Identifier: Apache-2.0
// Full details of one domain, and its history. Like model.h.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/api/fields.h"
#include "exporters/api/model.h"

namespace rcached::api {

struct Order {
  static constexpr Schema kSchema{"Order", "Gauges, and counters since the start"};
  std::string order;
  Count outstanding = 0;
  Known cpu_cached, cpu_capacity, cpus_holding, depot_magazines, depot_cached;
  Figure depot_ratio;
  Count allocations = 0, allocation_failures = 0, tree_allocations = 0, frees = 0, tree_frees = 0,
        mismatched_frees = 0;
  Known depot_pushes, depot_pops, depot_overflows, depot_reclaims;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("order", &Order::order, "log2 of the size in granules; 6+: all larger ones",
          Rule{.one_of = kOrderNames});
    visit("outstanding", &Order::outstanding, "Ranges in use");
    visit("cpu_cached", &Order::cpu_cached,
          "Ranges in the magazines of all CPUs; null for 6+, which is never cached");
    visit("cpu_capacity", &Order::cpu_capacity,
          "Capacity of these magazines in ranges; null for 6+, which is never cached");
    visit("cpus_holding", &Order::cpus_holding, "CPUs with at least one; null for 6+, which is never cached");
    visit("depot_magazines", &Order::depot_magazines,
          "Full magazines in the depot; null for 6+, which is never cached");
    visit("depot_cached", &Order::depot_cached, "Ranges in them; null for 6+, which is never cached");
    visit("depot_ratio", &Order::depot_ratio,
          "depot_magazines / depot.mark_magazines; null for 6+, and when the mark is not known");
    visit("allocations", &Order::allocations, "Successful allocations");
    visit("allocation_failures", &Order::allocation_failures,
          "Failed allocations (normal for the first attempt, below 4 GiB)");
    visit("tree_allocations", &Order::tree_allocations, "Allocations from the tree");
    visit("frees", &Order::frees, "Frees");
    visit("tree_frees", &Order::tree_frees, "Ranges returned to the tree");
    visit("mismatched_frees", &Order::mismatched_frees, "Freed with a different size than allocated");
    visit("depot_pushes", &Order::depot_pushes,
          "Magazines added to the depot; null for 6+, which is never cached");
    visit("depot_pops", &Order::depot_pops, "Magazines taken out of it; null for 6+, which is never cached");
    visit("depot_overflows", &Order::depot_overflows,
          "Magazines freed because it was full; null for 6+, which is never cached");
    visit("depot_reclaims", &Order::depot_reclaims,
          "Magazines freed by its worker; null for 6+, which is never cached");
  }
};

struct Cpus {
  static constexpr Schema kSchema{"Cpus", "Magazines of the CPUs seen so far, in columns"};
  static constexpr bool kColumns = true;
  Count magazine_capacity = 0;
  std::vector<Count> cpu;
  std::vector<Known> node;
  std::vector<std::array<Known, kOrders>> loaded, prev;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("magazine_capacity", &Cpus::magazine_capacity, "Ranges that a magazine holds");
    visit("cpu", &Cpus::cpu, "CPU numbers, ascending; the other columns are in the same order");
    visit("node", &Cpus::node, "NUMA node; null: not known");
    visit("loaded", &Cpus::loaded, "Ranges in the loaded magazine by order 0 to 5; null: not seen yet");
    visit("prev", &Cpus::prev, "The same for the previous magazine");
  }
};

struct FlushQueue {
  static constexpr Schema kSchema{"FlushQueue", "Since the start"};
  Count drains = 0, drained_ranges = 0;
  double seconds = 0, longest_seconds = 0;
  Count largest_ranges = 0;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("drains", &FlushQueue::drains, "Runs of the flush timer");
    visit("drained_ranges", &FlushQueue::drained_ranges, "Ranges freed by them");
    visit("seconds", &FlushQueue::seconds, "Their total time");
    visit("longest_seconds", &FlushQueue::longest_seconds, "The longest");
    visit("largest_ranges", &FlushQueue::largest_ranges, "Ranges of the largest");
  }
};

struct Drift {
  static constexpr Schema kSchema{"Drift", "Ranges that differed, by place"};
  Count loaded = 0, prev = 0, depot = 0, tree = 0, fq = 0;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("loaded", &Drift::loaded, "In loaded magazines");
    visit("prev", &Drift::prev, "In previous magazines");
    visit("depot", &Drift::depot, "In depots");
    visit("tree", &Drift::tree, "In the tree");
    visit("fq", &Drift::fq, "In the flush queue");
  }
};

struct Audit {
  static constexpr Schema kSchema{"Audit", "Since the start"};
  Count audits = 0, repairs = 0, abandoned = 0;
  Drift drift;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("audits", &Audit::audits, "Completed comparisons with kernel memory");
    visit("repairs", &Audit::repairs, "Of them, those that found differences");
    visit("abandoned", &Audit::abandoned, "Given up: the domain changed during every attempt");
    visit("drift", &Audit::drift, "");
  }
};

struct Misses {
  static constexpr Schema kSchema{"Misses", "Failed predictions, by where the address was found"};
  Count reordered = 0, depot_race = 0, migration = 0, unknown = 0;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("reordered", &Misses::reordered, "Deeper in the same magazine");
    visit("depot_race", &Misses::depot_race, "In another magazine of the depot, or in prev");
    visit("migration", &Misses::migration, "In another CPU's magazines");
    visit("unknown", &Misses::unknown, "Not in the cache");
  }
};

struct DomainDetail {
  static constexpr Schema kSchema{"DomainDetail", "One domain in full"};
  Figure time;
  Domain domain;
  std::array<Order, kOrders + 1> orders{};
  Cpus cpus;
  FlushQueue flush_queue;
  Audit audit;
  Misses misses;
  Count rcache_flushes = 0;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("time", &DomainDetail::time,
          "When the last event included in these numbers happened, in Unix seconds; null before the first",
          kSigned);
    visit("domain", &DomainDetail::domain, "");
    visit("orders", &DomainDetail::orders, "By order, then all larger sizes");
    visit("cpus", &DomainDetail::cpus, "");
    visit("flush_queue", &DomainDetail::flush_queue, "");
    visit("audit", &DomainDetail::audit, "");
    visit("misses", &DomainDetail::misses, "");
    visit("rcache_flushes", &DomainDetail::rcache_flushes,
          "Emergency flushes of CPU caches (free_cpu_cached_iovas)");
  }
};

struct History {
  static constexpr Schema kSchema{
      "History", "Oldest first; all arrays are equally long, and empty when there is no history"};
  static constexpr bool kColumns = true;
  std::string domain;
  Count interval_seconds = 0;
  Known first;
  std::vector<Figure> tree, outstanding, cpu_cached, depot_cached, allocations_per_second,
      overflows_per_second, tree_allocation_mean, tree_allocation_p99;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("domain", &History::domain, "The label");
    visit("interval_seconds", &History::interval_seconds, "From one point to the next");
    visit("first", &History::first, "Time of the first point, in Unix seconds; null: there is none yet");
    visit("tree", &History::tree, "Ranges at the end of each interval; null: not known");
    visit("outstanding", &History::outstanding, "The same; null: not known");
    visit("cpu_cached", &History::cpu_cached, "The same; null: not known");
    visit("depot_cached", &History::depot_cached, "The same; null: not known");
    visit("allocations_per_second", &History::allocations_per_second,
          "Mean over the interval; null: not known");
    visit("overflows_per_second", &History::overflows_per_second, "The same; null: not known");
    visit("tree_allocation_mean", &History::tree_allocation_mean, "Seconds; null: not known, or no call");
    visit("tree_allocation_p99", &History::tree_allocation_p99,
          "Seconds, upper bound of the histogram bucket; null: not known, or no call");
  }
};

}  // namespace rcached::api
