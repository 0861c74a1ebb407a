// SPDX-License-Identifier: Apache-2.0
// The API's data about domains: one struct per JSON object. The descriptions appear in the OpenAPI document.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/api/fields.h"

namespace rcached::api {

// Cached orders 0 to 5, and one entry for all larger sizes.
inline constexpr std::size_t kOrders = 6;
inline constexpr std::array<std::string_view, kOrders + 1> kOrderNames = {"0", "1", "2", "3", "4", "5", "6+"};
inline constexpr auto kCachedOrderNames = std::span(kOrderNames).first<kOrders>();
inline constexpr std::array<std::string_view, 4> kConfidenceStates = {"exact", "resynced", "partial",
                                                                      "lossy"};
inline constexpr std::array<std::string_view, 2> kDepotKinds = {"bounded", "unbounded"};

struct Ranges {
  static constexpr Schema kSchema{"Ranges"};
  Count ranges = 0;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("ranges", &Ranges::ranges, "IOVA ranges");
  }
};

struct SignedRanges {
  static constexpr Schema kSchema{"SignedRanges"};
  std::int64_t ranges = 0;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("ranges", &SignedRanges::ranges, "IOVA ranges; negative if the parts exceed the tree", kSigned);
  }
};

struct UnknownRanges {
  static constexpr Schema kSchema{"UnknownRanges"};
  Known ranges;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("ranges", &UnknownRanges::ranges, "IOVA ranges; null: not known");
  }
};

struct Level {
  static constexpr Schema kSchema{"Level"};
  Count ranges = 0;
  Figure per_second;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("ranges", &Level::ranges, "IOVA ranges now");
    visit("per_second", &Level::per_second, "Change per second over rates.seconds; null: not known yet",
          kSigned);
  }
};

struct Confidence {
  static constexpr Schema kSchema{"Confidence", "How far the domain's numbers can be trusted"};
  std::string state, text;
  Count loss_marks = 0;
  Figure last_loss, resynced, last_audit, last_repair;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("state", &Confidence::state,
          "exact: nothing lost since it was fully read; resynced: events were lost, and it was read from "
          "kernel memory since; partial: older than rcached and not read yet; lossy: events were lost since "
          "it was last read",
          Rule{.one_of = kConfidenceStates});
    visit("text", &Confidence::text, "The state in words, e.g. \"resynced 12 s ago\"");
    visit("loss_marks", &Confidence::loss_marks, "How often events were lost");
    visit("last_loss", &Confidence::last_loss, "When events were last lost, in Unix seconds; null: never",
          kSigned);
    visit("resynced", &Confidence::resynced,
          "When an audit ended the last loss, in Unix seconds; null: never", kSigned);
    visit("last_audit", &Confidence::last_audit,
          "The last comparison with kernel memory, in Unix seconds; null: never", kSigned);
    visit("last_repair", &Confidence::last_repair,
          "The last comparison that found differences, in Unix seconds; null: never", kSigned);
  }
};

struct Balance {
  static constexpr Schema kSchema{
      "Balance",
      "tree = outstanding + cpu_cached + depot_cached + reserved + unaccounted; outstanding_before_start "
      "(mapped before rcached saw the domain) and fq_pending (unmapped, waiting in the flush queue) are "
      "parts of outstanding"};
  Level tree, outstanding, cpu_cached, depot_cached;
  Ranges reserved;
  SignedRanges unaccounted;
  Ranges outstanding_before_start;
  UnknownRanges fq_pending;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("tree", &Balance::tree, "");
    visit("outstanding", &Balance::outstanding, "");
    visit("cpu_cached", &Balance::cpu_cached, "");
    visit("depot_cached", &Balance::depot_cached, "");
    visit("reserved", &Balance::reserved, "");
    visit("unaccounted", &Balance::unaccounted, "");
    visit("outstanding_before_start", &Balance::outstanding_before_start, "");
    visit("fq_pending", &Balance::fq_pending, "");
  }
};

struct Fullest {
  static constexpr Schema kSchema{"Fullest", "The order with the fullest depot"};
  std::string order;
  Count magazines = 0;
  Figure ratio;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("order", &Fullest::order, "The order; the smallest of those that are equally full",
          Rule{.one_of = kCachedOrderNames});
    visit("magazines", &Fullest::magazines, "Full magazines in its depot");
    visit("ratio", &Fullest::ratio, "magazines / mark_magazines; null: the mark is not known");
  }
};

struct Depot {
  static constexpr Schema kSchema{"Depot"};
  std::string kind;
  Known mark_magazines;
  std::array<Count, kOrders> magazines{};
  std::optional<Fullest> fullest;

  bool bounded() const { return kind == "bounded"; }

  template <class Visit>
  static void fields(Visit&& visit) {
    visit(
        "kind", &Depot::kind,
        "bounded (up to Linux 6.6): magazines that do not fit are freed to the tree; unbounded (since 6.7): "
        "a worker reclaims magazines above the mark",
        Rule{.one_of = kDepotKinds});
    visit("mark_magazines", &Depot::mark_magazines,
          "Limit of a bounded depot, reclaim threshold of an unbounded one; null: not known");
    visit("magazines", &Depot::magazines, "Full magazines by order 0 to 5");
    visit("fullest", &Depot::fullest, "null: all depots are empty");
  }
};

struct Rates {
  static constexpr Schema kSchema{"Rates"};
  double seconds = 0, allocations = 0, allocation_failures = 0, tree_allocations = 0, frees = 0,
         depot_overflows = 0, depot_reclaims = 0, mismatched_frees = 0;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("seconds", &Rates::seconds, "The time that the rates cover");
    visit("allocations", &Rates::allocations, "Successful allocations per second");
    visit("allocation_failures", &Rates::allocation_failures, "Failed allocations per second");
    visit("tree_allocations", &Rates::tree_allocations, "Allocations from the tree per second");
    visit("frees", &Rates::frees, "Frees per second");
    visit("depot_overflows", &Rates::depot_overflows,
          "Magazines freed because the depot was full, per second");
    visit("depot_reclaims", &Rates::depot_reclaims, "Magazines freed by the depot worker, per second");
    visit("mismatched_frees", &Rates::mismatched_frees,
          "Frees with a different size than allocated, per second");
  }
};

struct Durations {
  static constexpr Schema kSchema{"Durations", "How long calls took, since the start"};
  Count count = 0;
  double seconds = 0;
  Figure p50, p99;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("count", &Durations::count, "Calls since the start");
    visit("seconds", &Durations::seconds, "Their total time in seconds");
    visit("p50", &Durations::p50,
          "Half of the calls took at most this many seconds (upper bound of a histogram bucket). null with "
          "count 0: none yet; null otherwise: longer than 0.1, the last bound");
    visit("p99", &Durations::p99, "The same for 99 % of the calls");
  }
};

struct Memory {
  static constexpr Schema kSchema{"Memory", "Memory used by the allocator's own records, in bytes"};
  Count magazine_bytes = 0, range_bytes = 0;
  Figure read;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("magazine_bytes", &Memory::magazine_bytes, "Magazines of all CPUs and depots");
    visit("range_bytes", &Memory::range_bytes, "struct iova of every range in the tree");
    visit("read", &Memory::read, "When it was read, in Unix seconds", kSigned);
  }
};

struct Space32 {
  static constexpr Schema kSchema{"Space32", "The space below 4 GiB, where allocations fail first"};
  Count free_pages = 0, largest_gap_pages = 0;
  Figure read;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("free_pages", &Space32::free_pages, "Free granules below 4 GiB");
    visit("largest_gap_pages", &Space32::largest_gap_pages, "Granules in the largest gap");
    visit("read", &Space32::read, "When it was read, in Unix seconds", kSigned);
  }
};

struct Prediction {
  static constexpr Schema kSchema{"Prediction"};
  Count predictions = 0, hits = 0;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("predictions", &Prediction::predictions, "Allocations whose address rcached predicted");
    visit("hits", &Prediction::hits, "Of them, those that got that address");
  }
};

struct Verdict {
  static constexpr Schema kSchema{"Verdict"};
  std::string verdict;
  bool holds = false;
  std::string evidence;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("verdict", &Verdict::verdict, "Its name, e.g. depot-saturated");
    visit("holds", &Verdict::holds, "Whether the verdict currently applies");
    visit("evidence", &Verdict::evidence, "The numbers behind it, also if the verdict does not apply");
  }
};

struct Domain {
  static constexpr Schema kSchema{"Domain", "One domain, as in the list of all domains"};
  std::string label, type;
  std::vector<std::string> devices, drivers;
  Known granule_bytes;
  Confidence confidence;
  Balance balance;
  Depot depot;
  std::optional<Rates> rates;
  Durations tree_allocation, depot_overflow;
  std::optional<Memory> memory;
  std::optional<Space32> space32;
  Prediction prediction;
  Count drift_ranges = 0;
  std::vector<Verdict> verdicts;

  // The share of allocations that the tree had to serve; null without allocations.
  Figure miss_ratio() const {
    if (!rates || rates->allocations <= 0) return std::nullopt;
    return rates->tree_allocations / rates->allocations;
  }

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("domain", &Domain::label,
          "The label: the number of the IOMMU group, or iovad-N for a domain without a group");
    visit("type", &Domain::type, "The group's type: DMA, DMA-FQ; unknown without a group");
    visit("devices", &Domain::devices, "Devices in the domain");
    visit("drivers", &Domain::drivers, "Their drivers, each once");
    visit("granule_bytes", &Domain::granule_bytes, "The unit of allocation; null: not known");
    visit("confidence", &Domain::confidence, "");
    visit("balance", &Domain::balance, "");
    visit("depot", &Domain::depot, "");
    visit("rates", &Domain::rates, "null: not known yet");
    visit("tree_allocation", &Domain::tree_allocation, "");
    visit("depot_overflow", &Domain::depot_overflow, "");
    visit("memory", &Domain::memory, "null: not read");
    visit("space32", &Domain::space32, "null: not read");
    visit("prediction", &Domain::prediction, "");
    visit("drift_ranges", &Domain::drift_ranges,
          "Ranges by which the mirror currently differs from the fill levels last read by the probes");
    visit("verdicts", &Domain::verdicts, "Why the tree grows: every verdict of this version");
  }
};

struct Domains {
  static constexpr Schema kSchema{"Domains"};
  Figure time;
  bool ready = false;
  std::vector<Domain> domains;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("time", &Domains::time,
          "When the last event included in these numbers happened, in Unix seconds; null before the first",
          kSigned);
    visit("ready", &Domains::ready, "Whether the event source is running");
    visit("domains", &Domains::domains, "");
  }
};

}  // namespace rcached::api
