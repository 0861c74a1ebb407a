// SPDX-License-Identifier: Apache-2.0
// DomainAudit: one comparison of a DomainMirror with its domain in kernel memory, from the first reading to
// the last repair. It says what it wants to be read (next), takes each piece at its place in the stream of
// operations (apply), looks again where the two differ, and repairs what stays different.
//
// Why look again: an operation can be under way while its magazine is read (done in the kernel, not reported
// yet), and a tree can be rebalanced under a walk. Such differences are gone at the next look; a real one is
// not. A difference counts as real when no operation of the domain came between two looks, or at the last of
// kLooks looks.
//   seed    the mirror has never been compared: what is read is taken at once and is no drift; ranges without
//   a
//           place in a cache were mapped before the start
//   resync  operations were lost: what is read is taken at once and counts as drift
//   verify  the mirror should be right: nothing is changed at the first look
// In all three the repaired parts are looked at again, so that the audit ends when a look finds nothing.
// Operations that are lost meanwhile do not end it: what was read is worth having, but the domain stays in
// doubt.
//
// A remote reading (CpuContents::remote) needs more care. A local one is taken between two operations of that CPU. A
// remote one was the same twice, some microseconds apart, but a CPU that stops in the middle of an operation (in an
// interrupt, an NMI, or because a hypervisor does not run it) stays there for longer, and what it has stored until then
// is no state between two operations. So, in verify,
//   * such a difference stands only if two looks, kRemoteLook or later (they are far apart, see Auditor::kLookGap), have
//     read the same contents;
//   * at the last look, too: other CPUs may have been working, this one has not. If it has, the mirror is left as it is,
//     and the audit is unsure: another one follows.
// In seed and resync the first look is taken over as usual, because nothing is known otherwise; the next looks correct
// what was wrong with it. A CPU that never could be read ends these two without a result: it works all the time, and
// what it has cached must not be taken for mapped.
//
// Magazines and depots come before the tree: then every cached pfn is known when the tree is walked, and what
// is only in the tree is outstanding or reserved. What a repair takes too much or too little because an
// operation was under way is put right by that operation's own report (see DomainMirror::adopt).
//
// Pure; the caller reads, keeps the budget and the order of time. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "allocator/contents.h"
#include "allocator/domain_mirror.h"

namespace rcached {

// What to read next.
struct ReadRequest {
  enum class Part : std::uint8_t { cpu, depot, tree, tree_at, flush_queue };
  Part part = Part::cpu;
  std::uint16_t cpu = 0;
  std::uint8_t order = 0;
  std::uint64_t pfn = 0;  // tree_at: a range that begins here
  std::uint32_t number =
      0;  // set by the Mirror, so that slices of a reading that was given up are recognised
};

class DomainAudit {
 public:
  enum class Goal : std::uint8_t { seed, resync, verify };
  enum class State : std::uint8_t { reading, completed, abandoned };

  static constexpr int kLooks = 6;
  static constexpr int kRemoteLook = 3;
  // More doubtful ranges than this, and the next look at the tree is a walk over all of it.
  static constexpr std::size_t kPointLooks = 32;

  struct Options {
    Goal goal = Goal::verify;
    // False: what is found belongs to the seeding that went before.
    bool counts_drift = true;
    std::uint16_t possible_cpus = 0;
    // In verify: CPUs on which the mirror has nothing cached are not read.
    bool skip_unused_cpus = false;
    bool has_flush_queue = false;
    // A range of the tree that nobody saw being made was reserved by the kernel itself if it is inside one of these.
    std::vector<TreeRange> reserved;
    // For the space below 4 GiB.
    std::uint64_t start_pfn = 1;
    std::uint64_t pfn_end_32bit = 0;  // first pfn above 4 GiB; 0: not known
  };

  // `mirror` must outlive the audit and not be reset meanwhile.
  DomainAudit(DomainMirror& mirror, Options options);
  ~DomainAudit();
  DomainAudit(const DomainAudit&) = delete;
  DomainAudit& operator=(const DomainAudit&) = delete;

  // The next piece to read. Nothing: there are pieces still to be applied first, or the audit is over.
  std::optional<ReadRequest> next();
  // Pieces asked for and not answered yet by an apply or unread.
  std::size_t under_way() const { return under_way_; }

  // The pieces that were asked for, each at its place in the stream. A depot or the tree may come in several
  // slices (the tree's from pfn 0 to the end, in this order); the last one answers the request.
  void apply(const CpuContents& contents);
  void apply(const DepotSlice& slice);
  void apply(const ReadRequest& request, const TreeSlice& slice);
  // Ranges waiting in the flush queue. All of them are outstanding; more of them than the mirror has is
  // drift, though not one to be repaired here: the tree's part does that.
  void apply_flush_queue(std::uint64_t pending);
  // A piece that could not be read in peace: asked for again at the next look. No slice of it may follow.
  void unread(const ReadRequest& request);

  State state() const { return state_; }
  DomainMirror& mirror() const { return mirror_; }
  // Found and repaired so far.
  const DomainMirror::Drift& drift() const { return drift_; }
  // Something was taken over while operations went on, or a CPU was left as it is: another audit had better look
  // whether all of it is right.
  bool unsure() const { return left_open_ || (adopted_ && mirror_.operations() != first_operations_); }
  // Nothing differed, and no operation came from the first reading to now.
  bool found_nothing() const {
    return !left_open_ && drift_.sum() == 0 && mirror_.operations() == first_operations_;
  }
  // Why it was abandoned.
  const std::string& why() const { return why_; }
  int looks() const { return look_; }

 private:
  // Looks at one part.
  struct Doubt {
    std::uint64_t operations = 0;  // of the mirror at the last look
    bool adopting = false;         // a depot whose slices are being taken over in this look
    bool differs = false;          // some slice of this look
    DomainMirror::DepotComparison compared = {};
  };

  struct CpuDoubt {
    std::uint64_t operations = 0;     // of the mirror at the last look
    bool read = false;                // at some look
    std::optional<CpuContents> seen;  // at the last look, if it was a remote one
  };

  // A doubtful range with what the kernel had there at the last look.
  struct TreeDoubt {
    std::optional<TreeRange> range;
    std::uint64_t operations = 0;  // of the mirror then
  };

  bool takes_at_once() const { return options_.goal != Goal::verify && look_ == 1; }
  bool stands(std::uint64_t operations) const;
  bool stands(const CpuDoubt& doubt, const CpuContents& contents) const;
  void add(const DomainMirror::Drift& drift);
  void doubt_ranges(const Pfns& displaced);
  void apply_walk(const TreeSlice& slice);
  void apply_point(const TreeSlice& slice);
  void end_walk();
  void found(const TreeRange& range);
  void repair_tree(std::uint64_t pfn, const std::optional<TreeRange>& range);
  void measure_space(const TreeSlice& slice);
  void look_again();
  void complete();
  void abandon(std::string why);

  DomainMirror& mirror_;
  const Options options_;
  const std::uint32_t loss_epoch_;
  State state_ = State::reading;
  std::string why_;
  const std::uint64_t first_operations_;
  bool adopted_ = false;
  bool left_open_ = false;  // a difference of a CPU was not repaired
  int look_ = 1;
  std::uint64_t last_ns_ = 0;  // of the last piece applied
  std::deque<ReadRequest> wanted_;
  std::size_t under_way_ = 0;
  DomainMirror::Drift drift_;

  std::map<std::uint16_t, CpuDoubt> cpus_;  // to be looked at again
  std::map<std::uint8_t, Doubt> depots_;
  bool every_cpu_ = true;  // is read
  std::uint64_t cpu_magazines_ = 0;
  std::uint64_t fq_excess_ = 0;  // at the last look

  std::map<std::uint64_t, TreeDoubt> tree_doubts_;
  std::map<std::uint64_t, TreeDoubt> walk_doubts_;  // of the walk under way
  bool tree_unread_ = false;
  std::uint64_t walked_until_ = 0;  // space below 4 GiB: the first pfn not looked at yet
  Space32Snapshot space_;
};

}  // namespace rcached
