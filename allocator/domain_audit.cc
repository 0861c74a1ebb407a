// SPDX-License-Identifier: Apache-2.0
#include "allocator/domain_audit.h"

#include <algorithm>
#include <utility>

namespace rcached {
namespace {

constexpr std::uint64_t kEnd = ~0ull;

}  // namespace

DomainAudit::DomainAudit(DomainMirror& mirror, Options options)
    : mirror_(mirror),
      options_(std::move(options)),
      loss_epoch_(mirror.loss_epoch()),
      first_operations_(mirror.operations()) {
  for (std::uint16_t cpu = 0; cpu < options_.possible_cpus; ++cpu) {
    if (options_.goal == Goal::verify && options_.skip_unused_cpus && !mirror.has_cached(cpu)) {
      every_cpu_ = false;
      continue;
    }
    wanted_.push_back({ReadRequest::Part::cpu, cpu, 0, 0});
  }
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    wanted_.push_back({ReadRequest::Part::depot, 0, order, 0});
  }
  if (options_.has_flush_queue) wanted_.push_back({ReadRequest::Part::flush_queue, 0, 0, 0});
  wanted_.push_back({ReadRequest::Part::tree, 0, 0, 0});
}

// Given up in the middle: the mirror need not remember any more what was removed.
DomainAudit::~DomainAudit() {
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) mirror_.end_depot(order);
  mirror_.model_for_audit().abandon_tree_walk();
}

std::optional<ReadRequest> DomainAudit::next() {
  if (state_ != State::reading) return std::nullopt;
  if (wanted_.empty()) {
    if (under_way_ == 0) look_again();
    if (wanted_.empty()) return std::nullopt;
  }
  // A walk begins when everything before it has been applied: what is cached is known then.
  if (wanted_.front().part == ReadRequest::Part::tree) {
    if (under_way_ != 0) return std::nullopt;
    mirror_.model_for_audit().begin_tree_walk();
    walk_doubts_.clear();
    walked_until_ = options_.start_pfn;
    space_ = {};
  }
  const ReadRequest request = wanted_.front();
  wanted_.pop_front();
  ++under_way_;
  return request;
}

void DomainAudit::unread(const ReadRequest& request) {
  --under_way_;
  switch (request.part) {
    case ReadRequest::Part::cpu:
      cpus_[request.cpu].operations = kEnd;
      return;
    case ReadRequest::Part::depot:
      mirror_.end_depot(request.order);
      depots_[request.order] = {kEnd};
      return;
    case ReadRequest::Part::tree:
      mirror_.model_for_audit().abandon_tree_walk();
      tree_unread_ = true;
      return;
    case ReadRequest::Part::tree_at:
    case ReadRequest::Part::flush_queue:
      return;  // its doubt, if any, stays
  }
}

// Nothing has happened since the last look at it, or there will be no other look.
bool DomainAudit::stands(std::uint64_t operations) const {
  return look_ >= kLooks || (look_ > 1 && operations == mirror_.operations());
}

// Of a remote reading: see the top of domain_audit.h.
bool DomainAudit::stands(const CpuDoubt& doubt, const CpuContents& contents) const {
  if (!contents.remote || options_.goal != Goal::verify) return stands(doubt.operations);
  const bool same = look_ > kRemoteLook && doubt.seen && doubt.seen->orders == contents.orders;
  return same && stands(doubt.operations);
}

void DomainAudit::add(const DomainMirror::Drift& drift) {
  adopted_ = true;
  if (options_.goal == Goal::seed || !options_.counts_drift) return;
  drift_.loaded += drift.loaded;
  drift_.prev += drift.prev;
  drift_.depot += drift.depot;
  drift_.tree += drift.tree;
  drift_.fq += drift.fq;
}

// Out of the cache: allocated unseen, or gone. The tree knows; before its first walk it need not be asked.
void DomainAudit::doubt_ranges(const Pfns& displaced) {
  if (look_ == 1) return;
  for (const std::uint64_t pfn : displaced) tree_doubts_.try_emplace(pfn, TreeDoubt{std::nullopt, kEnd});
}

void DomainAudit::apply(const CpuContents& contents) {
  --under_way_;
  last_ns_ = contents.time.end_ns;
  if (look_ == 1) cpu_magazines_ += contents.magazines;
  const DomainMirror::Drift drift = mirror_.compare(contents);
  const bool differs = drift.sum() != 0;
  const auto doubt = cpus_.find(contents.cpu);
  if (!differs) {
    // What the mirror did not know of the same magazines it learns now.
    if (mirror_.has_unknown_slots(contents.cpu)) doubt_ranges(mirror_.adopt(contents));
    if (doubt != cpus_.end()) cpus_.erase(doubt);
    return;
  }
  const bool adopts = takes_at_once() || (doubt != cpus_.end() && stands(doubt->second, contents));
  if (adopts) {
    doubt_ranges(mirror_.adopt(contents));
    add(drift);
  }
  if (look_ >= kLooks && !adopts) left_open_ = true;
  cpus_[contents.cpu] = {mirror_.operations(), true,
                         contents.remote ? std::optional(contents) : std::nullopt};
}

void DomainAudit::apply(const DepotSlice& slice) {
  if (slice.last) --under_way_;
  last_ns_ = slice.time.end_ns;
  Doubt& doubt = depots_[slice.order];
  const DomainMirror::Drift drift = mirror_.compare(slice, doubt.compared);
  if (drift.sum() != 0) {
    doubt.differs = true;
    if (takes_at_once() || stands(doubt.operations)) doubt.adopting = true;
  }
  if (doubt.adopting) {
    doubt_ranges(mirror_.adopt(slice));
    add(drift);
  } else if (drift.sum() == 0 && mirror_.has_unknown_slots_in_depot(slice.order)) {
    doubt_ranges(mirror_.adopt(slice));
  }
  if (!slice.last) return;
  mirror_.end_depot(slice.order);
  if (doubt.differs) {
    doubt = {mirror_.operations()};
  } else {
    depots_.erase(slice.order);
  }
}

void DomainAudit::apply_flush_queue(std::uint64_t pending) {
  --under_way_;
  std::uint64_t outstanding = options_.possible_cpus;  // each may be in the middle of a drain
  for (std::uint8_t order = 0; order <= kCachedOrders; ++order)
    outstanding += mirror_.model().outstanding(order);
  const std::uint64_t excess = pending > outstanding ? pending - outstanding : 0;
  const std::uint64_t stood = std::min(std::exchange(fq_excess_, excess), excess);
  if (stood == 0) return;
  fq_excess_ = 0;
  add({0, 0, 0, 0, stood});
}

void DomainAudit::apply(const ReadRequest& request, const TreeSlice& slice) {
  last_ns_ = slice.time.end_ns;
  if (request.part != ReadRequest::Part::tree_at) return apply_walk(slice);
  --under_way_;
  apply_point(slice);
}

void DomainAudit::apply_walk(const TreeSlice& slice) {
  if (!mirror_.model_for_audit().tree_walk_under_way()) return;  // it was given up
  measure_space(slice);
  for (const TreeRange& range : slice.ranges) found(range);
  if (slice.to != kEnd) return;
  --under_way_;
  end_walk();
}

void DomainAudit::found(const TreeRange& range) {
  switch (mirror_.model_for_audit().walk(range)) {
    case DomainModel::WalkedRange::known:
    case DomainModel::WalkedRange::removed_meanwhile:
      return;
    case DomainModel::WalkedRange::known_with_another_extent:
      add({0, 0, 0, 1, 0});
      return;
    case DomainModel::WalkedRange::unknown:
      break;
  }
  if (takes_at_once()) {
    repair_tree(range.lo, range);
  } else {
    walk_doubts_[range.lo] = {range, mirror_.operations()};
  }
}

void DomainAudit::end_walk() {
  for (const std::uint64_t pfn : mirror_.model_for_audit().end_tree_walk())
    walk_doubts_[pfn] = {std::nullopt, mirror_.operations()};
  for (const auto& [pfn, doubt] : walk_doubts_) {
    const auto before = tree_doubts_.find(pfn);
    if (before != tree_doubts_.end() && before->second.range == doubt.range &&
        stands(before->second.operations)) {
      repair_tree(pfn, doubt.range);
    }
  }
  tree_doubts_ = std::exchange(walk_doubts_, {});
  std::erase_if(tree_doubts_, [&](const auto& doubt) {
    return mirror_.model().holds(doubt.first) == doubt.second.range.has_value();
  });
  if (options_.pfn_end_32bit != 0) mirror_.set_space32(space_);
}

void DomainAudit::apply_point(const TreeSlice& slice) {
  const auto doubt = tree_doubts_.find(slice.from);
  if (doubt == tree_doubts_.end()) return;
  const std::optional<TreeRange> now =
      slice.ranges.empty() ? std::nullopt : std::optional(slice.ranges.front());
  if (mirror_.model().holds(slice.from) != now.has_value()) {
    if (doubt->second.range.has_value() != now.has_value() || !stands(doubt->second.operations)) {
      doubt->second = {now, mirror_.operations()};
      return;
    }
    repair_tree(slice.from, now);
  }
  tree_doubts_.erase(doubt);
}

void DomainAudit::repair_tree(std::uint64_t pfn, const std::optional<TreeRange>& range) {
  DomainModel& model = mirror_.model_for_audit();
  if (model.holds(pfn) == range.has_value()) return;
  add({0, 0, 0, 1, 0});
  if (!range) return model.remove_vanished(pfn);
  const bool reserved =
      std::any_of(options_.reserved.begin(), options_.reserved.end(),
                  [&](const TreeRange& area) { return area.lo <= range->lo && range->hi <= area.hi; });
  model.add_found(*range, reserved, options_.goal == Goal::seed && !reserved);
}

// Gaps between the ranges as the walk comes by them.
void DomainAudit::measure_space(const TreeSlice& slice) {
  const auto gap_until = [&](std::uint64_t lo) {
    const std::uint64_t end = std::min(lo, options_.pfn_end_32bit);
    if (end <= walked_until_) return;
    space_.free_pages += end - walked_until_;
    space_.largest_gap_pages = std::max(space_.largest_gap_pages, end - walked_until_);
  };
  for (const TreeRange& range : slice.ranges) {
    gap_until(range.lo);
    walked_until_ = std::max(walked_until_, range.hi + 1);
  }
  if (slice.to == kEnd) gap_until(kEnd);
  space_.time_ns = slice.time.end_ns;
}

void DomainAudit::complete() {
  state_ = State::completed;
  if (every_cpu_) mirror_.set_cpu_magazines(cpu_magazines_, last_ns_);
  mirror_.finish_audit(drift_, loss_epoch_, last_ns_);
}

void DomainAudit::abandon(std::string why) {
  state_ = State::abandoned;
  why_ = std::move(why);
  mirror_.abandon_audit();
}

// Everything asked for has been answered: is there anything to look at again?
void DomainAudit::look_again() {
  if (mirror_.model().has_unknown_slots()) {
    for (std::uint16_t cpu = 0; cpu < options_.possible_cpus; ++cpu) {
      if (mirror_.has_unknown_slots(cpu)) cpus_.try_emplace(cpu, CpuDoubt{kEnd, true, {}});
    }
    for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
      if (mirror_.has_unknown_slots_in_depot(order)) depots_.try_emplace(order, Doubt{kEnd});
    }
  }
  if (cpus_.empty() && depots_.empty() && tree_doubts_.empty() && !tree_unread_ && fq_excess_ == 0) {
    return complete();
  }
  if (look_ == kLooks) {
    // Parts that were taken over at the last look and never stood still are as good as a reading can make
    // them.
    if (tree_unread_ || mirror_.model().has_unknown_slots()) return abandon("it changed under every look");
    for (const auto& [cpu, doubt] : cpus_) {
      if (!doubt.read && options_.goal != Goal::verify)
        return abandon("the magazines of a CPU changed during every reading");
      if (doubt.operations == kEnd) left_open_ = true;  // not read at this look
    }
    return complete();
  }
  ++look_;
  for (const auto& [cpu, doubt] : cpus_) wanted_.push_back({ReadRequest::Part::cpu, cpu, 0, 0});
  for (const auto& [order, doubt] : depots_) wanted_.push_back({ReadRequest::Part::depot, 0, order, 0});
  if (fq_excess_ != 0) wanted_.push_back({ReadRequest::Part::flush_queue, 0, 0, 0});
  if (std::exchange(tree_unread_, false) || tree_doubts_.size() > kPointLooks) {
    wanted_.push_back({ReadRequest::Part::tree, 0, 0, 0});
  } else {
    for (const auto& [pfn, range] : tree_doubts_) wanted_.push_back({ReadRequest::Part::tree_at, 0, 0, pfn});
  }
}

}  // namespace rcached
