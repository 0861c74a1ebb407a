// SPDX-License-Identifier: Apache-2.0
// Mirror: domains of one kernel, by an internal id, each followed by a DomainMirror (domain_mirror.h) and compared
// with kernel memory by a DomainAudit. Everything it learns are inputs (input.h). A host's domains may be divided
// among several Mirrors: each gets the inputs of its own domains and those that concern all.
//
// A domain appears with DomainFound or with its first operation: exact when that is its domain_init, partial
// otherwise. Operations of one domain must come in the order of the kernel as far as the source can tell; domains are
// independent of each other.
//
// Not thread-safe: one thread applies. What it hands out are plain values, which any thread may use.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "allocator/domain_audit.h"
#include "allocator/domain_mirror.h"
#include "allocator/input.h"
#include "allocator/kernel_profile.h"
#include "allocator/snapshot.h"

namespace rcached {

struct AuditResult {
  bool completed = false;
  bool skipped =
      false;        // AuditBegun::only_if_changed: nothing was read, the rest is as the last audit left it
  std::string why;  // why it was not completed; a clause without a full stop
  DomainAudit::Goal goal = DomainAudit::Goal::verify;
  DomainMirror::Drift drift;                    // found and repaired
  bool unsure = false;                          // see DomainAudit::unsure
  Confidence confidence = Confidence::partial;  // of the domain, afterwards
  std::uint64_t tree_ranges = 0;
  DomainContents contents;  // of the mirror, if asked for
};

// What an audit wants to be read next, or how it ended. Each piece asked for is answered by one PieceRead (a depot
// and the tree by several).
struct AuditNews {
  std::uint64_t id = 0;
  std::uint64_t audit = 0;
  int look = 1;
  std::vector<ReadRequest> wanted;
  std::optional<AuditResult> over;
};

// Whether a domain needs an audit.
struct DomainStanding {
  std::uint64_t id = 0;
  bool known_from_start = false;  // DomainMirror
  bool in_doubt = false;
};

struct MirrorNews {
  std::vector<AuditNews> audits;                         // in order
  std::optional<std::vector<DomainStanding>> standings;  // of all domains, if one has changed
  bool empty() const { return audits.empty() && !standings; }
};

class Mirror {
 public:
  explicit Mirror(const KernelProfile& profile) : profile_(profile) {}

  void apply(const InputBatch& batch);
  void apply(const Input& input);
  void apply(std::uint64_t id, const Operation& operation);

  // Since the last call.
  MirrorNews take_news();

  // Domains by id. A domain that no input has changed since the last snapshot is shared with it, not copied. Take it
  // after a Tick: then every difference that no operation under way can explain has been corrected.
  Snapshot snapshot();
  // Their names, by id.
  std::vector<DomainInfo> infos() const;
  // Operations applied.
  std::uint64_t operations() const { return operations_; }
  std::uint32_t online_cpus() const { return online_cpus_; }

  // nullptr when not known. Valid until the domain is gone.
  const DomainMirror* find(std::uint64_t id) const;
  std::size_t size() const { return domains_.size(); }

 private:
  struct RunningAudit {
    RunningAudit(const AuditBegun& begun, DomainMirror& mirror, const DomainAudit::Options& options)
        : number(begun.audit), contents(begun.contents), goal(options.goal), audit(mirror, options) {}
    std::uint64_t number;
    bool contents;
    DomainAudit::Goal goal;
    std::uint32_t last_request = 0;
    std::set<std::uint32_t> open;  // requests whose answer is still to come, or to be completed
    DomainAudit audit;
  };
  struct Domain {
    Domain(const KernelProfile& profile, std::uint64_t id) : mirror(profile, id, false) { info.id = id; }
    DomainMirror mirror;
    DomainInfo info;
    std::unique_ptr<RunningAudit> audit;             // after the mirror: it ends first
    std::shared_ptr<const DomainSnapshot> snapshot;  // of the state now; null: it has changed
    std::optional<std::uint64_t> clean_at;           // operations when an audit found nothing
  };

  // The domains of the last operations, which are likely to be those of the next.
  struct Recent {
    std::uint64_t id = 0;
    Domain* domain = nullptr;
  };
  static constexpr std::size_t kRecent = 1024;

  // nullptr if it is not among the recent ones.
  const Domain* recent(std::uint64_t id) const {
    const Recent& recent = recent_[id % kRecent];
    return recent.id == id ? recent.domain : nullptr;
  }
  Domain& domain(std::uint64_t id);
  Domain* known(std::uint64_t id);
  Domain* changed(std::uint64_t id);  // known, and no longer as in the last snapshot
  void drop(std::uint64_t id);
  void mark_loss(Domain& domain);

  void take(const DomainFound& input);
  void take(const DomainNamed& input);
  void take(const DomainGone& input);
  void take(const OperationsLost& input);
  void take(const BlindnessChanged& input);
  void take(const CpusChanged& input);
  void take(const AuditBegun& input);
  void take(const PieceRead& input);
  void take(const AuditGivenUp& input);
  void take(const FlushQueueRead& input);
  void take(const Tick& input);

  void apply_run(std::span<const DomainOperation> run);
  void report(std::uint64_t id, Domain& domain);
  void end_audit(std::uint64_t id, Domain& domain, const std::string& why);
  void skip_audit(Domain& domain, const AuditBegun& input);

  KernelProfile profile_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Domain>> domains_;
  std::array<Recent, kRecent> recent_{};  // by id % kRecent
  std::vector<std::uint32_t> order_;      // scratch of apply_run
  MirrorNews news_;
  bool standings_changed_ = false;  // perhaps
  bool blind_ = false;
  bool lost_ = false;  // a domain that was there all along but first seen later may have lost operations too
  std::uint32_t online_cpus_ = 0;
  std::uint64_t operations_ = 0;
  std::uint64_t last_time_ns_ = 0;
};

}  // namespace rcached
