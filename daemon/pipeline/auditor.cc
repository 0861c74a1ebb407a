// SPDX-License-Identifier: Apache-2.0
#include "daemon/pipeline/auditor.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/monotonic_clock.h"

namespace rcached {
namespace {

using std::chrono::nanoseconds;

constexpr std::chrono::milliseconds kStartGap{50};  // finding due domains needs a pass over all

// Holds the log back while a piece is read and written.
class OpenReading {
 public:
  explicit OpenReading(ReadingGate& gate) : gate_(gate) { gate_.open(monotonic_now_ns()); }
  ~OpenReading() { gate_.close(); }
  OpenReading(const OpenReading&) = delete;
  OpenReading& operator=(const OpenReading&) = delete;

 private:
  ReadingGate& gate_;
};

// Differences are expected after a loss; otherwise they are worth a warning.
void log_drift(const std::string& label, const DomainMirror::Drift& drift, bool resyncing) {
  if (drift.sum() == 0) return;
  spdlog::log(
      resyncing ? spdlog::level::debug : spdlog::level::warn,
      "domain {}: an audit found and repaired {} ranges that differed from kernel memory (loaded {}, prev "
      "{}, depot {}, tree {}, fq {})",
      label, drift.sum(), drift.loaded, drift.prev, drift.depot, drift.tree, drift.fq);
}

}  // namespace

Auditor::Auditor(KernelReader& reader, ReadingGate& gate, Write write, ReservedReader read_reserved,
                 const Options& options)
    : reader_(reader),
      gate_(gate),
      write_(std::move(write)),
      read_reserved_(std::move(read_reserved)),
      options_(options),
      affordable_ns_(options.budget.count() * kBurstSeconds) {
  publish();
}

const LiveDomain* Auditor::live(std::uint64_t id) const {
  const auto& domains = domains_->domains;
  const auto it =
      std::lower_bound(domains.begin(), domains.end(), id,
                       [](const LiveDomain& domain, std::uint64_t wanted) { return domain.id < wanted; });
  return it == domains.end() || it->id != id ? nullptr : &*it;
}

const DomainStanding* Auditor::standing(std::uint64_t id) const {
  const auto it = standings_.find(id);
  return it == standings_.end() ? nullptr : &it->second;
}

void Auditor::set_domains(std::shared_ptr<const DomainList> domains) {
  if (domains == domains_) return;
  domains_ = std::move(domains);
  const auto gone = [this](const auto& entry) { return live(entry.first) == nullptr; };
  std::erase_if(jobs_, gone);
  std::erase_if(schedules_, gone);
  std::erase_if(standings_, gone);
  for (Request& request : requests_)
    std::erase_if(request.waiting, [this](std::uint64_t id) { return live(id) == nullptr; });
}

void Auditor::audit_all() {
  for (const LiveDomain& domain : domains_->domains) schedules_[domain.id].wanted = true;
}

void Auditor::take(const MirrorNews& news, TimePoint now) {
  for (const AuditNews& audit : news.audits) {
    const auto it = jobs_.find(audit.id);
    if (it == jobs_.end() || it->second.audit != audit.audit) continue;
    Job& job = it->second;
    if (audit.over) {
      end_job(audit.id, job, *audit.over, now);
      jobs_.erase(it);
      continue;
    }
    if (std::exchange(job.look, audit.look) != audit.look && audit.look >= 3)
      job.next_read = now + (kLookGap * (1 << (audit.look - 3)));
    job.wanted.insert(job.wanted.end(), audit.wanted.begin(), audit.wanted.end());
  }
  if (!news.standings) return;
  for (const DomainStanding& standing : *news.standings) standings_[standing.id] = standing;
}

bool Auditor::all_seeded() const {
  return domains_->discoveries != 0 &&
         std::all_of(domains_->domains.begin(), domains_->domains.end(), [&](const LiveDomain& domain) {
           const DomainStanding* now = standing(domain.id);
           if (now != nullptr && now->known_from_start) return true;
           const auto schedule = schedules_.find(domain.id);
           return schedule != schedules_.end() && schedule->second.unreadable;
         });
}

Auditor::Status Auditor::status() const {
  const MutexLock lock(mutex_);
  return status_;
}

void Auditor::publish() {
  Status status{reader_.status(), all_seeded()};
  status.reader.budget_ns_per_s = static_cast<std::uint64_t>(options_.budget.count());
  const MutexLock lock(mutex_);
  status_ = status;
}

bool Auditor::work(TimePoint now, std::shared_ptr<const DomainList> domains, std::uint64_t losses) {
  set_domains(std::move(domains));
  if (std::exchange(losses_, losses) != losses) last_loss_ = now;
  if (started_) {
    const std::int64_t elapsed = nanoseconds(now - last_round_).count();
    const std::int64_t budget = options_.budget.count();
    affordable_ns_ = std::min(affordable_ns_ + elapsed * (budget / 1000) / 1'000'000, budget * kBurstSeconds);
  }
  last_round_ = now;
  if (now >= next_start_ || !started_) {
    next_start_ = now + kStartGap;
    start_due_jobs(now);
  }
  started_ = true;
  const std::uint64_t before = reader_.status().time_ns;
  read_jobs(now);
  affordable_ns_ -= static_cast<std::int64_t>(reader_.status().time_ns - before);
  read_flush_queues(now);
  answer_requests();
  publish();
  return std::exchange(wrote_, false);
}

void Auditor::write(std::uint64_t id, std::uint64_t time_ns, Input input) {
  write_(id, time_ns, std::move(input));
  wrote_ = true;
}

// In turn, one piece of each.
void Auditor::read_jobs(TimePoint now) {
  const std::uint64_t begin = reader_.status().time_ns;
  const auto spent = [&] { return static_cast<std::int64_t>(reader_.status().time_ns - begin); };
  for (bool wanted = true; wanted;) {
    wanted = false;
    for (auto& [id, job] : jobs_) {
      if (spent() >= std::min(affordable_ns_, kRoundNs)) return;
      if (read_piece(id, job, now)) wanted = true;
    }
  }
}

bool Auditor::due(const DomainStanding& standing, const Schedule& schedule, TimePoint now) const {
  if (schedule.wanted) return true;
  const auto since = now - schedule.last_end;
  if (!standing.known_from_start) return schedule.last_end == TimePoint{} || since >= kRetry;
  if (standing.in_doubt)
    return now - last_loss_ >= kQuietAfterLoss ? since >= kQuietAfterLoss : since >= kLossRetry;
  if (schedule.unsure != 0) return since >= kRetry;
  if (!schedule.completed && schedule.last_end != TimePoint{}) return since >= kRetry;
  return verify_due(standing.id, schedule.last_end, now);
}

// Each domain has its moment in every interval; those of consecutive ids are spread evenly, however many there are. The
// first moment after an audit is left out if it comes within half an interval.
bool Auditor::verify_due(std::uint64_t id, TimePoint last, TimePoint now) const {
  const std::int64_t interval = options_.interval.count();
  constexpr std::uint64_t kGoldenRatio = 0x9e3779b97f4a7c15;  // times 2^64
  const double phase = static_cast<double>((id * kGoldenRatio) >> 32) / 0x1p32;
  const auto offset = static_cast<std::int64_t>(phase * static_cast<double>(interval));
  const std::int64_t earliest = nanoseconds(last.time_since_epoch()).count() + interval / 2;
  const std::int64_t after = (earliest - offset) % interval;
  const std::int64_t moment = earliest + (after > 0 ? interval - after : -after);
  return nanoseconds(now.time_since_epoch()).count() >= moment;
}

void Auditor::start_due_jobs(TimePoint now) {
  struct Candidate {
    const LiveDomain* domain;
    int urgency;
  };
  std::vector<Candidate> candidates;
  for (const LiveDomain& domain : domains_->domains) {
    const DomainStanding* now_standing = standing(domain.id);
    if (now_standing == nullptr || jobs_.contains(domain.id)) continue;
    Schedule& schedule = schedules_[domain.id];
    if (schedule.last_end == TimePoint{} && now_standing->known_from_start && !now_standing->in_doubt &&
        !schedule.wanted) {
      schedule.last_end = now;  // traced since its creation: the first audit is due as if one had just ended
      schedule.completed = true;
    }
    if (!due(*now_standing, schedule, now)) continue;
    const int urgency = schedule.wanted                   ? 0
                        : !now_standing->known_from_start ? 1
                        : now_standing->in_doubt          ? 2
                                                          : 3;
    candidates.push_back({&domain, urgency});
  }
  // From where the last round left off.
  const auto first =
      std::partition_point(candidates.begin(), candidates.end(),
                           [&](const Candidate& candidate) { return candidate.domain->id < next_id_; });
  std::rotate(candidates.begin(), first, candidates.end());
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.urgency < b.urgency; });
  for (const Candidate& candidate : candidates) {
    if (jobs_.size() >= kJobs) return;
    next_id_ = candidate.domain->id + 1;
    start(*candidate.domain, candidate.urgency == 3);
  }
}

void Auditor::start(const LiveDomain& domain, bool scheduled) {
  Schedule& schedule = schedules_[domain.id];
  schedule.wanted = false;
  Job& job = jobs_[domain.id];
  job = {};
  job.light = scheduled && schedule.completed && schedule.unsure == 0 && schedule.constants &&
              schedule.light < kWholeInterval - 1;
  job.audit = next_audit_++;
  job.key = domain.key;
  job.has_group = domain.group.has_value();
  AuditBegun begun{domain.id, job.audit, {}, std::exchange(schedule.contents, false)};
  begun.options.counts_drift = schedule.unsure == 0 || schedule.resyncing;
  begun.options.possible_cpus = reader_.possible_cpus();
  begun.options.has_flush_queue = job.has_group;
  begun.options.skip_unused_cpus = job.light;
  begun.only_if_changed = job.light;
  if (!job.light) {
    const auto read = reader_.read_constants(domain.key);
    schedule.constants = read ? std::optional(*read) : std::nullopt;
  }
  if (const auto& constants = schedule.constants) {
    begun.options.start_pfn = constants->start_pfn;
    begun.options.pfn_end_32bit = constants->dma_32bit_pfn;
    if (domain.group && read_reserved_)
      begun.options.reserved = reserved(domain, schedule, constants->granule_bytes);
  } else {
    job.faulty = true;
  }
  write(domain.id, 0, std::move(begun));
  if (job.faulty) write(domain.id, 0, AuditGivenUp{domain.id, job.audit});
}

// Read once: this means many small files, and a reservation made later is seen as an operation.
const std::vector<TreeRange>& Auditor::reserved(const LiveDomain& domain, Schedule& schedule,
                                                std::uint64_t granule_bytes) const {
  if (!schedule.reserved || schedule.reserved_group != domain.group) {
    schedule.reserved = read_reserved_(*domain.group, granule_bytes);
    schedule.reserved_group = domain.group;
  }
  return *schedule.reserved;
}

bool Auditor::read_piece(std::uint64_t id, Job& job, TimePoint now) {
  if (job.faulty || now < job.next_read) return false;
  if (!job.sliced && job.wanted.empty()) return false;
  const std::uint64_t before = reader_.status().time_ns;
  const OpenReading open(gate_);
  if (job.sliced) {
    read_slice(id, job);
  } else {
    const ReadRequest request = job.wanted.front();
    job.wanted.pop_front();
    switch (request.part) {
      case ReadRequest::Part::cpu:
        keep(id, job, request, reader_.read_cpu(job.key, request.cpu));
        break;
      case ReadRequest::Part::depot:
      case ReadRequest::Part::tree:
        job.sliced = request;
        job.cursor = {};
        job.tree_from = 0;
        read_slice(id, job);
        break;
      case ReadRequest::Part::flush_queue:
        keep(id, job, request, read_flush_queue(job));
        break;
      case ReadRequest::Part::tree_at:
        keep(id, job, request, reader_.read_tree_at(job.key, request.pfn));
        break;
    }
  }
  job.read_ns += reader_.status().time_ns - before;
  return true;
}

// A domain without a queue has no pending entries.
Reading<FlushQueuePending> Auditor::read_flush_queue(const Job& job) {
  RCACHED_TRY(const auto queue, reader_.read_flush_queue(job.key));
  if (!queue) return FlushQueuePending{{job.end_ns, job.end_ns}, 0};
  return FlushQueuePending{queue->time, queue->pending};
}

void Auditor::read_slice(std::uint64_t id, Job& job) {
  const ReadRequest request = *job.sliced;
  if (request.part == ReadRequest::Part::depot) {
    auto slice = reader_.read_depot(job.key, request.order, job.cursor);
    if (slice) slice->last = job.cursor.done;
    if (!slice || slice->last) job.sliced.reset();
    return keep(id, job, request, std::move(slice));
  }
  auto slice = reader_.read_tree(job.key, job.tree_from);
  if (slice) job.tree_from = slice->to + 1;
  if (!slice || slice->to == ~0ull) job.sliced.reset();
  keep(id, job, request, std::move(slice));
}

template <typename T>
void Auditor::keep(std::uint64_t id, Job& job, const ReadRequest& request, Reading<T> piece) {
  if (piece) {
    if (job.begin_ns == 0) job.begin_ns = piece->time.begin_ns;
    job.end_ns = piece->time.end_ns;
    write(id, job.end_ns, PieceRead{id, job.audit, request, std::move(*piece)});
    return;
  }
  // After the pieces that were read before.
  if (piece.error() == Unread::fault) {
    job.faulty = true;
    write(id, job.end_ns, AuditGivenUp{id, job.audit});
  } else {
    write(id, job.end_ns, PieceRead{id, job.audit, request, NotReadable{}});
  }
}

void Auditor::end_job(std::uint64_t id, Job& job, const AuditResult& result, TimePoint now) {
  Schedule& schedule = schedules_[id];
  schedule.light = result.drift.sum() != 0 ? kWholeInterval : job.light ? schedule.light + 1 : 0;
  if (result.skipped) {
    schedule.last_end = now;
    return;
  }
  const bool resyncing =
      result.goal == DomainAudit::Goal::resync || (schedule.unsure != 0 && schedule.resyncing);
  schedule.last_end = now;
  schedule.completed = result.completed;
  schedule.unreadable = job.faulty;
  const bool unsure = result.completed && result.unsure && schedule.unsure < kConfirmations;
  schedule.unsure = unsure ? schedule.unsure + 1 : 0;
  schedule.resyncing = resyncing;
  if (const LiveDomain* domain = live(id)) {
    log_drift(domain->label, result.drift, resyncing);
    report(*domain, job, result);
  }
}

void Auditor::request(const AuditRequest& what, std::function<void(AuditReport)> done) {
  Request request{what, std::move(done), {}, {}};
  for (const LiveDomain& domain : domains_->domains) {
    if (!what.domain.empty() && domain.label != what.domain) continue;
    if (const auto job = jobs_.find(domain.id); job != jobs_.end()) {
      write(domain.id, 0, AuditGivenUp{domain.id, job->second.audit, false});
      jobs_.erase(job);
    }
    Schedule& schedule = schedules_[domain.id];
    schedule.wanted = true;
    schedule.contents = schedule.contents || what.contents;
    request.waiting.push_back(domain.id);
  }
  if (request.waiting.empty()) {
    request.report.unavailable =
        what.domain.empty() ? "no domain is known yet" : fmt::format("there is no domain '{}'", what.domain);
  }
  requests_.push_back(std::move(request));
}

void Auditor::report(const LiveDomain& domain, const Job& job, const AuditResult& result) {
  for (Request& request : requests_) {
    const auto waits = std::find(request.waiting.begin(), request.waiting.end(), domain.id);
    if (waits == request.waiting.end()) continue;
    AuditReport::Domain entry;
    entry.label = domain.label;
    entry.completed = result.completed;
    entry.why = result.why;
    entry.drift = result.drift;
    entry.confidence = result.confidence;
    entry.tree_ranges = result.tree_ranges;
    entry.duration_ns = job.end_ns - job.begin_ns;
    entry.read_ns = job.read_ns;
    if (request.what.contents) {
      entry.mirror = result.contents;
      entry.kernel = read_contents(job.key);
    }
    request.report.domains.push_back(std::move(entry));
    request.waiting.erase(waits);
  }
}

void Auditor::answer_requests() {
  for (auto it = requests_.begin(); it != requests_.end();) {
    if (!it->waiting.empty()) {
      ++it;
      continue;
    }
    std::sort(it->report.domains.begin(), it->report.domains.end(),
              [](const auto& a, const auto& b) { return a.label < b.label; });
    it->done(std::move(it->report));
    it = requests_.erase(it);
  }
}

// Reads everything at once, regardless of the budget: the user requested it.
DomainContents Auditor::read_contents(std::uint64_t key) {
  DomainContents contents;
  for (std::uint16_t cpu = 0; cpu < reader_.possible_cpus(); ++cpu) {
    if (auto piece = reader_.read_cpu(key, cpu)) contents.cpus.push_back(std::move(*piece));
  }
  for (std::uint8_t order = 0; order < kCachedOrders; ++order) {
    for (DepotCursor cursor; !cursor.done;) {
      auto slice = reader_.read_depot(key, order, cursor);
      if (!slice) break;
      auto& depot = contents.depots[order];
      depot.resize(std::max<std::size_t>(depot.size(), slice->first + slice->magazines.size()));
      std::move(slice->magazines.begin(), slice->magazines.end(), depot.begin() + slice->first);
    }
  }
  for (std::uint64_t from = 0;;) {
    auto slice = reader_.read_tree(key, from);
    if (!slice) break;
    contents.tree.insert(contents.tree.end(), slice->ranges.begin(), slice->ranges.end());
    if (slice->to == ~0ull) break;
    from = slice->to + 1;
  }
  return contents;
}

// All of them every kFlushQueueGap, as far as the budget allows: where it ends, the next round goes on.
void Auditor::read_flush_queues(TimePoint now) {
  const auto& domains = domains_->domains;
  if (next_flush_queue_ >= domains.size()) {
    if (now < next_flush_queues_) return;
    next_flush_queues_ = now + kFlushQueueGap;
    next_flush_queue_ = 0;
  }
  std::int64_t round_ns = kRoundNs;
  while (next_flush_queue_ < domains.size() && affordable_ns_ > 0 && round_ns > 0) {
    const LiveDomain& domain = domains[next_flush_queue_++];
    if (!domain.group) continue;
    const std::uint64_t before = reader_.status().time_ns;
    const OpenReading open(gate_);
    const auto queue = reader_.read_flush_queue(domain.key);
    const bool there = queue && *queue;
    write(domain.id, there ? (*queue)->time.end_ns : 0,
          FlushQueueRead{domain.id, there ? std::optional((*queue)->pending) : std::nullopt});
    const auto spent = static_cast<std::int64_t>(reader_.status().time_ns - before);
    affordable_ns_ -= spent;
    round_ns -= spent;
  }
}

}  // namespace rcached
