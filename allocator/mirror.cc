// SPDX-License-Identifier: Apache-2.0
#include "allocator/mirror.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>
#include <variant>

namespace rcached {
namespace {

// Operations, for prefetching.
constexpr std::size_t kFarAhead = 16;
constexpr std::size_t kNearAhead = 8;
constexpr std::size_t kLongRun = 256;  // operations, from which on it pays to sort them by domain
constexpr std::size_t kBuckets = 512;

// Whether no more of the same reading is to come.
bool completes(const PieceRead& read) {
  if (const auto* depot = std::get_if<DepotSlice>(&read.piece)) return depot->last;
  const auto* tree = std::get_if<TreeSlice>(&read.piece);
  return tree == nullptr || read.request.part != ReadRequest::Part::tree || tree->to == ~0ull;
}

}  // namespace

void Mirror::apply(const InputBatch& batch) {
  std::size_t next = 0;
  const auto apply_until = [&](std::size_t end) {
    apply_run(std::span(batch.operations).subspan(next, end - next));
    next = end;
  };
  for (const InputBatch::Placed& placed : batch.others) {
    apply_until(std::clamp(placed.before, next, batch.operations.size()));
    apply(placed.input);
  }
  apply_until(batch.operations.size());
}

// Domains are independent of each other, so those of a run may be taken one after the other: what belongs to a domain
// stays in the cache meanwhile.
void Mirror::apply_run(std::span<const DomainOperation> run) {
  const std::size_t count = run.size();
  if (count < kLongRun || domains_.size() < 2) {
    order_.resize(count);
    std::iota(order_.begin(), order_.end(), 0u);
  } else {
    std::array<std::uint32_t, kBuckets> at{};
    for (const DomainOperation& step : run) ++at[step.id % kBuckets];
    std::exclusive_scan(at.begin(), at.end(), at.begin(), 0u);
    order_.resize(count);
    for (std::uint32_t i = 0; i < count; ++i) order_[at[run[i].id % kBuckets]++] = i;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (i + 2 * kFarAhead < count) __builtin_prefetch(&run[order_[i + 2 * kFarAhead]]);
    if (i + kFarAhead < count) {
      const DomainOperation& far = run[order_[i + kFarAhead]];
      if (const Domain* domain = recent(far.id)) domain->mirror.prefetch(far.operation);
    }
    if (i + kNearAhead < count) {
      const DomainOperation& near = run[order_[i + kNearAhead]];
      if (const Domain* domain = recent(near.id)) domain->mirror.prefetch_top(near.operation);
    }
    apply(run[order_[i]].id, run[order_[i]].operation);
  }
}

void Mirror::apply(const Input& input) {
  std::visit([this](const auto& value) { take(value); }, input);
}

void Mirror::apply(std::uint64_t id, const Operation& operation) {
  ++operations_;
  last_time_ns_ = std::max(last_time_ns_, operation.time_ns);
  if (operation.after_loss) {  // what was lost can belong to any domain
    lost_ = true;
    for (const auto& [other, domain] : domains_) {
      if (other != id) mark_loss(*domain);
    }
    standings_changed_ = true;
  }
  if (operation.kind == OperationKind::domain_put) return drop(id);
  Domain& target = domain(id);
  target.snapshot.reset();
  if (operation.kind == OperationKind::domain_init) {
    target.audit.reset();
    target.clean_at.reset();
    standings_changed_ = true;
  }
  const std::uint32_t losses = target.mirror.loss_epoch();
  target.mirror.apply(operation);
  if (target.mirror.loss_epoch() != losses) standings_changed_ = true;
}

Mirror::Domain& Mirror::domain(std::uint64_t id) {
  Recent& recent = recent_[id % kRecent];
  if (recent.domain != nullptr && recent.id == id) return *recent.domain;
  std::unique_ptr<Domain>& domain = domains_[id];
  if (domain == nullptr) {
    domain = std::make_unique<Domain>(profile_, id);
    if (lost_) domain->mirror.mark_loss();
    domain->mirror.set_blind(blind_);
    standings_changed_ = true;
  }
  recent = {id, domain.get()};
  return *domain;
}

const DomainMirror* Mirror::find(std::uint64_t id) const {
  const auto it = domains_.find(id);
  return it == domains_.end() ? nullptr : &it->second->mirror;
}

Mirror::Domain* Mirror::known(std::uint64_t id) {
  const auto it = domains_.find(id);
  return it == domains_.end() ? nullptr : it->second.get();
}

Mirror::Domain* Mirror::changed(std::uint64_t id) {
  Domain* domain = known(id);
  if (domain != nullptr) domain->snapshot.reset();
  return domain;
}

void Mirror::drop(std::uint64_t id) {
  recent_[id % kRecent] = {};
  if (domains_.erase(id) != 0) standings_changed_ = true;
}

void Mirror::mark_loss(Domain& domain) {
  domain.snapshot.reset();
  domain.mirror.mark_loss();
}

void Mirror::take(const DomainFound& input) { domain(input.id); }

void Mirror::take(const DomainNamed& input) {
  if (Domain* domain = known(input.info.id)) domain->info = input.info;
}

void Mirror::take(const DomainGone& input) { drop(input.id); }

void Mirror::take(const OperationsLost& input) {
  standings_changed_ = true;
  if (input.id) {
    if (Domain* domain = known(*input.id)) mark_loss(*domain);
    return;
  }
  lost_ = true;
  for (const auto& [id, domain] : domains_) mark_loss(*domain);
}

void Mirror::take(const BlindnessChanged& input) {
  if (input.blind == blind_) return;
  blind_ = input.blind;
  for (const auto& [id, domain] : domains_) domain->mirror.set_blind(blind_);
  take(OperationsLost{});  // at both ends of it
}

void Mirror::take(const CpusChanged& input) { online_cpus_ = input.online; }

void Mirror::take(const AuditBegun& input) {
  Domain* domain = known(input.id);
  if (domain == nullptr) return;
  const DomainMirror& mirror = domain->mirror;
  if (input.only_if_changed && mirror.known_from_start() && !mirror.in_doubt() && domain->audit == nullptr &&
      domain->clean_at == mirror.operations())
    return skip_audit(*domain, input);
  DomainAudit::Options options = input.options;
  options.goal = !domain->mirror.known_from_start() ? DomainAudit::Goal::seed
                 : domain->mirror.in_doubt()        ? DomainAudit::Goal::resync
                                                    : DomainAudit::Goal::verify;
  domain->audit.reset();  // one at a time; its end may touch the mirror
  domain->audit = std::make_unique<RunningAudit>(input, domain->mirror, options);
  report(input.id, *domain);
}

void Mirror::take(const PieceRead& input) {
  Domain* domain = known(input.id);
  if (domain == nullptr || domain->audit == nullptr || domain->audit->number != input.audit) return;
  std::set<std::uint32_t>& open = domain->audit->open;
  if (!open.contains(input.request.number)) return;
  if (completes(input)) open.erase(input.request.number);
  domain->snapshot.reset();
  DomainAudit& audit = domain->audit->audit;
  if (const auto* cpu = std::get_if<CpuContents>(&input.piece)) audit.apply(*cpu);
  if (const auto* depot = std::get_if<DepotSlice>(&input.piece)) audit.apply(*depot);
  if (const auto* tree = std::get_if<TreeSlice>(&input.piece)) audit.apply(input.request, *tree);
  if (const auto* queue = std::get_if<FlushQueuePending>(&input.piece))
    audit.apply_flush_queue(queue->ranges);
  if (std::holds_alternative<NotReadable>(input.piece)) audit.unread(input.request);
  report(input.id, *domain);
}

void Mirror::take(const AuditGivenUp& input) {
  Domain* domain = changed(input.id);
  if (domain == nullptr || domain->audit == nullptr || domain->audit->number != input.audit) return;
  if (!input.counts) {
    domain->audit.reset();
    return;
  }
  domain->mirror.abandon_audit();
  end_audit(input.id, *domain, "its memory could not be read");
}

void Mirror::take(const FlushQueueRead& input) {
  Domain* domain = known(input.id);
  if (domain != nullptr && domain->mirror.set_flush_queue_pending(input.ranges)) domain->snapshot.reset();
}

void Mirror::take(const Tick& input) {
  for (const auto& [id, domain] : domains_) {
    if (!domain->mirror.settle(input.time_ns)) continue;
    domain->snapshot.reset();
    domain->clean_at.reset();
  }
}

// What the audit wants next. Everything that it wants now is asked for now, so that the state depends on nothing but
// the inputs.
void Mirror::report(std::uint64_t id, Domain& domain) {
  RunningAudit& running = *domain.audit;
  AuditNews news{id, running.number, 1, {}, {}};
  while (auto request = running.audit.next()) {
    request->number = ++running.last_request;
    running.open.insert(request->number);
    news.wanted.push_back(*request);
  }
  news.look = running.audit.looks();
  if (running.audit.state() != DomainAudit::State::reading) return end_audit(id, domain, running.audit.why());
  if (!news.wanted.empty()) news_.audits.push_back(std::move(news));
}

void Mirror::skip_audit(Domain& domain, const AuditBegun& input) {
  domain.snapshot.reset();
  domain.mirror.skip_audit();
  AuditResult result;
  result.completed = result.skipped = true;
  result.confidence = domain.mirror.confidence();
  result.tree_ranges = domain.mirror.model().tree_ranges();
  news_.audits.push_back({input.id, input.audit, 1, {}, std::move(result)});
}

void Mirror::end_audit(std::uint64_t id, Domain& domain, const std::string& why) {
  const RunningAudit& running = *domain.audit;
  AuditResult result;
  result.completed = running.audit.state() == DomainAudit::State::completed;
  result.why = why;
  result.goal = running.goal;
  result.drift = running.audit.drift();
  result.unsure = running.audit.unsure();
  domain.clean_at.reset();
  if (result.completed && running.audit.found_nothing()) domain.clean_at = domain.mirror.operations();
  if (running.contents) result.contents = domain.mirror.model().contents();
  AuditNews news{id, running.number, running.audit.looks(), {}, {}};
  domain.audit.reset();
  result.confidence = domain.mirror.confidence();
  result.tree_ranges = domain.mirror.model().tree_ranges();
  news.over = std::move(result);
  news_.audits.push_back(std::move(news));
  standings_changed_ = true;
}

MirrorNews Mirror::take_news() {
  if (std::exchange(standings_changed_, false)) {
    std::vector<DomainStanding>& standings = news_.standings.emplace();
    standings.reserve(domains_.size());
    for (const auto& [id, domain] : domains_)
      standings.push_back({id, domain->mirror.known_from_start(), domain->mirror.in_doubt()});
  }
  return std::exchange(news_, {});
}

Snapshot Mirror::snapshot() {
  Snapshot snapshot;
  snapshot.time_ns = last_time_ns_;
  snapshot.profile = profile_;
  std::vector<std::shared_ptr<const DomainSnapshot>> domains;
  domains.reserve(domains_.size());
  for (const auto& [id, domain] : domains_) {
    if (domain->snapshot == nullptr)
      domain->snapshot = std::make_shared<DomainSnapshot>(domain->mirror.snapshot());
    domains.push_back(domain->snapshot);
  }
  std::sort(domains.begin(), domains.end(), [](const auto& a, const auto& b) { return a->id < b->id; });
  snapshot.domains = SharedList<DomainSnapshot>(std::move(domains));
  return snapshot;
}

std::vector<DomainInfo> Mirror::infos() const {
  std::vector<DomainInfo> infos;
  infos.reserve(domains_.size());
  for (const auto& [id, domain] : domains_) infos.push_back(domain->info);
  std::sort(infos.begin(), infos.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return infos;
}

}  // namespace rcached
