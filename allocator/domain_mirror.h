// SPDX-License-Identifier: Apache-2.0
// DomainMirror: follows one real domain through the operations the probes report. It predicts the pfn of
// every cache allocation (the kernel tells it which one really came), corrects itself where the two differ,
// and compares itself with the fill read in the probes.
//
// Any stream is accepted: lost, repeated, reordered or senseless operations never break the model's
// invariants (see domain_model.h) and never make it grow beyond what the stream says is live. Between
// operations of an undisturbed stream the mirror equals the kernel, pfn for pfn.
//
// What the kernel must have done when it did not do what the model expects:
//   * a cache allocation returns a pfn that the model has in another slot: the state is changed the least way
//   that
//     explains both the pfn and the fill read with it (another depot magazine was popped, the operation ran
//     on another CPU, two pfns had changed places, or the pfns above it were allocated unseen);
//   * a known pfn that the kernel no longer has in its cache became *outstanding*: that is a lost allocation,
//   by far
//     the likeliest story. If it went to the tree instead it stays outstanding until the tree hands it out
//     again or the domain is resynced;
//   * ranges that the kernel has in its cache and the model has not are added as unknown slots.
// The first reading of a (cpu, order), and the first reading of a depot, is adopted in this way without
// counting as drift, unless the domain was observed from its birth: then everything is known to start empty.
//
// Where kernel memory can be read, a DomainAudit seeds, checks and repairs the mirror with it
// (domain_audit.h).
//
// Mirrors alloc_iova_fast, free_iova_fast and what they call, iova.c 4.15 and later. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "allocator/contents.h"
#include "allocator/domain_model.h"
#include "allocator/operation.h"
#include "allocator/overtaken_frees.h"
#include "allocator/readings.h"
#include "allocator/snapshot.h"

namespace rcached {

class DomainMirror {
 public:
  // `id` is an internal id, for the snapshot only.
  DomainMirror(const KernelProfile& profile, std::uint64_t id, bool observed_from_birth);

  void apply(const Operation& operation);
  // Called some operations ahead, these hide most of the time that waiting for memory takes: the state of a large host is
  // many times the size of a CPU's cache. prefetch_top() some time after prefetch().
  void prefetch(const Operation& op) const {
    model_.ranges().prefetch(op.pfn);
    const std::uint8_t order = DomainModel::order_index(op.size);
    if (order == kCachedOrders) return;
    model_.rcache(order).prefetch(op.cpu);
    if (op.cpu < cpu_readings_.size()) __builtin_prefetch(&cpu_readings_[op.cpu][order], 1);
    if (op.cpu < cpu_states_.size()) __builtin_prefetch(&cpu_states_[op.cpu], 1);
  }
  void prefetch_top(const Operation& op) const {
    const std::uint8_t order = DomainModel::order_index(op.size);
    if (order != kCachedOrders) model_.rcache(order).prefetch_top(op.cpu);
  }
  // Operations of this domain may have been lost before this point.
  void mark_loss();
  // While true, operations may be missing all the time, and no audit ends the doubt.
  void set_blind(bool blind) { blind_ = blind; }
  // To be called when the stream has been delivered up to `now_ns`, before a snapshot: corrects the
  // differences that no operation still under way can explain. True: something has changed.
  bool settle(std::uint64_t now_ns) { return correct_differences(now_ns); }

  Confidence confidence() const;

  DomainSnapshot snapshot() const;
  const DomainModel& model() const { return model_; }

  // --- readings out of kernel memory, each to be given at its place in the stream: after the operations up
  // to its end_ns, before the later ones. DomainAudit decides what to do with a difference.
  using Drift = AuditSnapshot::Drift;
  // Ranges by which the kernel differs from the mirror. Unknown slots differ from nothing.
  Drift compare(const CpuContents& contents) const;
  // The slices of one reading, in order, with one DepotComparison.
  struct DepotComparison {
    std::optional<std::int64_t> next;  // position in the mirror, of the magazine below those compared
    std::int64_t only_kernel = 0;      // magazines just above that only the kernel has
  };
  Drift compare(const DepotSlice& slice, DepotComparison& so_far) const;
  // Makes the mirror as the kernel was. An operation that was under way at that moment is reported later; the
  // mirror recognises by its pfn that it has been applied already. Returns the pfns that have lost their
  // place in a cache by it and count as outstanding now, though the kernel may have none of them.
  Pfns adopt(const CpuContents& contents);
  Pfns adopt(const DepotSlice& slice);
  // No slice of this depot is to come. Until then its fill is not compared with the probes' readings.
  void end_depot(std::uint8_t order);
  // Whether the mirror has ranges in the magazines of this CPU.
  bool has_cached(std::uint16_t cpu) const;
  // Whether the mirror has ranges there whose pfns it does not know.
  bool has_unknown_slots(std::uint16_t cpu) const;
  bool has_unknown_slots_in_depot(std::uint8_t order) const;
  // The tree's part: see the functions of the same names in DomainModel.
  DomainModel& model_for_audit() { return model_; }

  // Read from kernel memory since the birth or the start: what is not known now does not exist.
  bool known_from_start() const { return from_birth_ || seeded_; }
  // Operations may have been lost since the last reading of everything.
  bool in_doubt() const { return blind_ || loss_epoch_ != trusted_epoch_; }
  std::uint32_t loss_epoch() const { return loss_epoch_; }
  // Operations applied so far.
  std::uint64_t operations() const { return operations_; }

  // Everything has been read and agrees now. What was lost after `loss_epoch` keeps the domain in doubt. Drift that
  // no loss explains counts as one: something was missed, so the domain is no longer exact but resynced.
  void finish_audit(const Drift& found, std::uint32_t loss_epoch, std::uint64_t now_ns);
  void abandon_audit() { ++audit_.abandoned; }
  void skip_audit() { ++audit_.skipped; }
  // True: it has changed.
  bool set_flush_queue_pending(std::optional<std::uint64_t> pending) {
    return std::exchange(fq_pending_, pending) != pending;
  }
  void set_space32(const Space32Snapshot& space) { space32_ = space; }
  // Magazines of all CPUs, empty or not.
  void set_cpu_magazines(std::uint64_t magazines, std::uint64_t time_ns) {
    cpu_magazines_ = magazines;
    cpu_magazines_ns_ = time_ns;
  }

 private:
  // What an operation in progress on a CPU has reported by its nested calls.
  struct CpuState {
    bool tree_alloc_failed = false;  // an alloc is about to flush, or to fail
    bool flushed = false;            // and it has flushed: its get() came before that
    bool flush_reported = false;     // the flush under way here has reported its magazines one by one
    bool overflow_resolved = false;  // the magazine_free of the free to come has been applied
    std::uint8_t failed_order = 0;
  };
  // One half of a free served by the tree, waiting for the other: the tree_free comes first, or, where the
  // probe sits on iova_rcache_insert (5.10), the free does. Bounded: stand-alone free_iova calls leave theirs
  // behind, the oldest is overwritten.
  struct PendingTreeFree {
    std::uint64_t pfn = 0;
    std::uint32_t size = 0;  // extent; 0 = not known
    std::uint8_t alloc_order = 0;
    bool free_came_first = false;
  };
  static constexpr std::size_t kPendingTreeFrees = 64;
  // A magazine whose pfns the tree handed out again before its magazine_free was reported. Bounded in the
  // same way.
  struct EarlyRelease {
    std::uint64_t bottom = 0;
    std::uint8_t order = 0;
  };
  static constexpr std::size_t kEarlyReleases = 16;
  // A magazine that a reading of the depot no longer found. Bounded in the same way.
  struct SetAside {
    std::uint8_t order = 0;
    Pfns pfns;
  };
  static constexpr std::size_t kSetAside = 8;
  enum class Miss : std::uint8_t { reordered, depot_race, migration };

  void reset(bool observed_from_birth);
  void apply_alloc(const Operation& op);
  void apply_free(const Operation& op);
  void apply_tree_alloc(const Operation& op);
  void apply_tree_free(const Operation& op);
  void apply_magazine_free(const Operation& op);
  void apply_cpu_flush(const Operation& op);

  // alloc
  void alloc_from_cache(const Operation& op, std::uint8_t order, std::uint64_t extent, std::uint64_t max_pfn);
  void miss_in_cache(const Operation& op, std::uint8_t order, std::uint64_t max_pfn);
  void alloc_from_tree(const Operation& op, std::uint64_t extent);
  Miss resolve_found(const Operation& op, const RcachePeek& next, const Range& range,
                     const CacheLocation& at);
  void resolve_not_found(const Operation& op, const RcachePeek& next, std::uint8_t order,
                         std::uint64_t extent);
  bool popped_before_the_frees_of_an_interrupt(const Operation& op, const Range& range,
                                               const CacheLocation& at);
  void withdraw(const Range& range, const CacheLocation& at);
  bool popped_before_the_push_was_reported(const Operation& op, const CacheLocation& at) const;
  bool adopted_with_its_pop(const Operation& op, const CacheLocation& at) const;
  bool take_from_set_aside(const Operation& op, std::uint8_t order);
  void pop_from_loaded(const Operation& op, const Range& range, std::uint8_t order);
  bool fits_a_hit(const Operation& op, const RcachePeek& next, std::uint8_t order) const;

  // free (domain_mirror_free.cc)
  void free_to_cache(const Operation& op, std::uint8_t order);
  bool was_overtaken(const Operation& op, std::uint8_t order);
  void free_to_tree(const Operation& op);
  PendingTreeFree* find_pending(std::uint64_t pfn, bool free_came_first);
  void add_pending(const PendingTreeFree& pending);
  void count_mismatch(std::uint32_t freed_size, std::uint8_t alloc_order, std::uint32_t extent);

  // magazines to the tree (domain_mirror_free.cc)
  void note_flush(std::uint16_t cpu);
  void note_overtaken(const Operation& op, const Range* range, const std::optional<CacheLocation>& at);
  void release_at(const CacheLocation& at);
  void release_flushed_depots();
  void release_early(const Range& range);
  bool was_released_early(const Operation& op);

  // fills (domain_mirror_fill.cc)
  void adopt_before(const Operation& op, std::uint8_t order);
  void check_fill(const Operation& op, std::uint8_t order);
  void check_depot(std::uint8_t order, std::uint32_t magazines, std::uint64_t now_ns);
  void correct_cpu(std::uint16_t cpu, std::uint8_t order);
  void correct_depot(std::uint8_t order, std::int64_t amount);
  bool correct_differences(std::uint64_t now_ns);
  void observe(Difference& difference, std::int64_t amount, std::uint64_t now_ns);
  CpuReading& reading(std::uint16_t cpu, std::uint8_t order);
  void cpu_moved_unread(std::uint16_t cpu, std::uint8_t order);
  void depot_moved_unread(std::uint8_t order);
  void invalidate_reading(std::uint16_t cpu, std::uint8_t order);
  void invalidate_depot_reading(std::uint8_t order);
  void fill_drift(DriftSnapshot& drift) const;

  // audits (domain_mirror_audit.cc)
  void fill_audit(DomainSnapshot& snapshot) const;
  Pfns displaced(Pfns pfns);

  void apply_fq_drain(const Operation& op);
  CpuState& cpu_state(std::uint16_t cpu);

  std::uint64_t id_;
  bool from_birth_;
  bool seeded_ = false;  // read out of kernel memory once
  DomainModel model_;
  std::vector<std::array<CpuReading, kCachedOrders>> cpu_readings_;
  std::array<DepotReading, kCachedOrders> depot_readings_{};
  bool differences_ = false;  // some difference stands, perhaps
  std::vector<CpuState> cpu_states_;
  std::array<PendingTreeFree, kPendingTreeFrees> pending_tree_frees_{};
  std::size_t next_pending_ = 0;
  std::size_t frees_first_ = 0;  // pending ones whose tree_free is still to come
  OvertakenFrees overtaken_;
  std::array<EarlyRelease, kEarlyReleases> early_releases_{};
  std::size_t next_early_ = 0;
  bool depots_adopted_ = false;  // some depot has been read out of kernel memory
  std::array<SetAside, kSetAside> set_aside_{};
  std::size_t next_set_aside_ = 0;
  bool blind_ = false;
  std::uint32_t loss_epoch_ = 0;
  std::uint32_t trusted_epoch_ = 0;  // loss_epoch_ when the last complete audit began
  std::uint64_t operations_ = 0;
  std::uint64_t last_time_ns_ = 0;
  std::uint64_t rcache_flushes_ = 0;
  FlushQueueSnapshot flush_queue_;
  DurationHistogram tree_allocation_;
  DurationHistogram depot_overflow_;
  PredictionSnapshot prediction_;
  DriftSnapshot drift_;  // counters; ranges is computed
  AuditSnapshot audit_;
  std::optional<std::uint64_t> fq_pending_;
  std::optional<Space32Snapshot> space32_;
  std::optional<std::uint64_t> cpu_magazines_;
  std::uint64_t cpu_magazines_ns_ = 0;
};

}  // namespace rcached
