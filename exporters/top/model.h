// SPDX-License-Identifier: Apache-2.0
// What `rcached top` knows: the answers of the JSON API as values. One struct for each answer, with the
// names of the API. nullopt is the API's null: not known. Plain values; parse.h makes them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rcached::top {

using Count = std::uint64_t;
using Known = std::optional<std::uint64_t>;
using Figure = std::optional<double>;

// Of the cached orders 0 to 5; one more stands for all sizes beyond.
inline constexpr std::size_t kOrders = 6;

struct Level {
  Count ranges = 0;
  Figure per_second;
};

struct Trust {
  std::string state;  // exact, resynced, partial, lossy
  std::string text;   // "resynced 12 s ago"
  Count loss_marks = 0;
  Figure last_loss, resynced, last_audit, last_repair;  // Unix seconds
};

struct Depot {
  bool bounded = true;
  Known mark_magazines;  // the limit when bounded, else the threshold of the reclaim worker
  std::array<Count, kOrders> magazines{};
  struct Fullest {
    std::string order;
    Count magazines = 0;
    Figure ratio;
  };
  std::optional<Fullest> fullest;
};

// Per second.
struct Rates {
  double seconds = 0;  // that they cover
  double allocations = 0, allocation_failures = 0, tree_allocations = 0, frees = 0;
  double depot_overflows = 0, depot_reclaims = 0, mismatched_frees = 0;
};

struct Latency {
  Count count = 0;
  double seconds = 0;
  Figure p50, p99;  // upper bounds; nullopt although count > 0: longer than the last bound, 0.1 s
};

struct Memory {
  Count magazine_bytes = 0, range_bytes = 0;
};

struct Space32 {
  Count free_pages = 0, largest_gap_pages = 0;
};

struct Verdict {
  std::string verdict;
  bool holds = false;
  std::string evidence;
};

struct Domain {
  std::string label, type;
  std::vector<std::string> devices, drivers;
  Known granule_bytes;
  Trust confidence;
  Level tree, outstanding, cpu_cached, depot_cached;
  Count reserved = 0, outstanding_before_start = 0;
  std::int64_t unaccounted = 0;
  Known fq_pending;
  Depot depot;
  std::optional<Rates> rates;
  Latency tree_allocation, depot_overflow;
  std::optional<Memory> memory;
  std::optional<Space32> space32;
  Count predictions = 0, prediction_hits = 0, drift_ranges = 0;
  std::vector<Verdict> verdicts;

  // Share of the allocations that the tree had to serve, by the rates; nullopt without allocations.
  Figure miss_ratio() const {
    if (!rates || rates->allocations <= 0) return std::nullopt;
    return rates->tree_allocations / rates->allocations;
  }
};

struct Domains {
  Figure time;  // Unix seconds; nullopt: nothing has been applied yet
  bool ready = false;
  std::vector<Domain> domains;
};

struct Order {
  std::string order;  // "0" to "5", "6+"
  Count outstanding = 0;
  Known cpu_cached, cpu_capacity, cpus_holding, depot_magazines, depot_cached;
  Figure depot_ratio;
  Count allocations = 0, allocation_failures = 0, tree_allocations = 0, frees = 0, tree_frees = 0;
  Count mismatched_frees = 0;
  Known depot_pushes, depot_pops, depot_overflows, depot_reclaims;
};

struct Cpu {
  Count cpu = 0;
  Known node;
  std::array<Known, kOrders> loaded{}, prev{};  // nullopt: never seen
};

struct FlushQueue {
  Count drains = 0, drained_ranges = 0;
  double seconds = 0, longest_seconds = 0;
  Count largest_ranges = 0;
};

struct Audit {
  Count audits = 0, repairs = 0, abandoned = 0;
  Count drift_loaded = 0, drift_prev = 0, drift_depot = 0, drift_tree = 0, drift_fq = 0;
};

struct Misses {
  Count reordered = 0, depot_race = 0, migration = 0, unknown = 0;
};

struct DomainDetail {
  Figure time;
  Domain domain;
  std::vector<Order> orders;
  Count magazine_capacity = 0;
  std::vector<Cpu> cpus;  // ascending
  FlushQueue flush_queue;
  Audit audit;
  Misses misses;
  Count rcache_flushes = 0;
};

// The points of the last hour, oldest first; nullopt where nothing is known.
struct History {
  double interval_seconds = 0;
  Figure first;  // Unix seconds
  std::vector<Figure> tree, outstanding, tree_allocation_p99;
};

struct ProgramStatus {
  std::string function, method;
  Known runs;  // nullopt: the kernel's run statistics are off
  Figure seconds;
  Known skipped;
};

struct CpuStatus {
  Count cpu = 0, sent = 0, received = 0, ring_full = 0, entry_missing = 0;
};

struct ReaderStatus {
  Count reads = 0, changed = 0, faults = 0;
  double seconds = 0, longest_seconds = 0, budget_seconds_per_second = 0;
};

struct Status {
  Figure time;
  std::string version, source, mode;
  bool ready = false;
  std::string not_ready_reason;  // empty: none
  Figure started;
  std::string kernel_release;
  bool depot_bounded = true;
  Count magazine_capacity = 0, online_cpus = 0;
  Known depot_mark_magazines;
  Count applied = 0, sent = 0, received = 0, lost = 0;
  Count lost_ring_full = 0, lost_entry_missing = 0, lost_skipped = 0, lost_malformed = 0;
  Figure lag_seconds;
  std::vector<CpuStatus> cpus;
  std::vector<ProgramStatus> programs;
  std::optional<ReaderStatus> reader;
  Figure process_cpu_seconds;
  Known process_resident_bytes, process_open_fds;
  Count unattributed_flush_queue_drains = 0;
};

struct Note {
  Count number = 0;
  double time = 0;
  std::string kind;
  std::string domain;  // empty: of the whole host
  std::string text;
};

// Newest first.
using Notes = std::vector<Note>;

struct NotesAnswer {
  Figure time;
  Notes notes;
};

// One picture.
struct TopData {
  Domains domains;
  Status status;
  Notes notes;
  std::optional<DomainDetail> detail;  // of the domain that was asked for, when it is still there
  std::optional<History> history;      // the same
};

}  // namespace rcached::top
