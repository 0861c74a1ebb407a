// SPDX-License-Identifier: Apache-2.0
#include "daemon/pipeline/reconciler.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace rcached {
namespace {

using std::chrono::nanoseconds;

constexpr std::chrono::milliseconds kStartGap{50};  // finding due domains needs a pass over all

std::string_view to_words(Unread why) {
  return why == Unread::changed ? "it changed during every reading" : "its memory could not be read";
}

}  // namespace

Reconciler::Reconciler(KernelReader& reader, Mirror& mirror, const DomainRegistry& registry,
                       ReservedReader read_reserved, const Options& options)
    : reader_(reader),
      mirror_(mirror),
      registry_(registry),
      read_reserved_(std::move(read_reserved)),
      options_(options),
      affordable_ns_(options.budget.count() * kBurstSeconds) {}

std::optional<LiveDomain> Reconciler::live(std::uint64_t id) const {
  for (const LiveDomain& domain : registry_.live()) {
    if (domain.id == id) return domain;
  }
  return std::nullopt;
}

void Reconciler::apply_due_readings(std::uint64_t time_ns) {
  while (!readings_.empty() && readings_.front().end_ns < time_ns) {
    const PendingReading reading = std::move(readings_.front());
    readings_.pop_front();
    const auto job = jobs_.find(reading.id);
    if (job == jobs_.end()) continue;
    DomainAudit& audit = *job->second.audit;
    if (const auto* cpu = std::get_if<CpuContents>(&reading.piece)) audit.apply(*cpu);
    if (const auto* depot = std::get_if<DepotSlice>(&reading.piece)) audit.apply(*depot);
    if (const auto* queue = std::get_if<FlushQueueReading>(&reading.piece)) {
      audit.apply_flush_queue(queue->pending);
    }
    if (const auto* tree = std::get_if<TreeSlice>(&reading.piece)) audit.apply(reading.request, *tree);
  }
}

void Reconciler::forget(std::uint64_t id) {
  std::erase_if(readings_, [id](const PendingReading& reading) { return reading.id == id; });
  jobs_.erase(id);
  schedules_.erase(id);
  for (Request& request : requests_) std::erase(request.waiting, id);
}

void Reconciler::audit_all() {
  for (const LiveDomain& domain : registry_.live()) schedules_[domain.id].wanted = true;
}

bool Reconciler::all_seeded() const {
  const std::vector<LiveDomain> domains = registry_.live();
  return started_ && std::all_of(domains.begin(), domains.end(), [&](const LiveDomain& domain) {
           const DomainMirror* mirror = std::as_const(mirror_).find(domain.id);
           if (mirror == nullptr || mirror->known_from_start()) return true;
           const auto schedule = schedules_.find(domain.id);
           return schedule != schedules_.end() && schedule->second.unreadable;
         });
}

ReaderStatus Reconciler::reader_status() const {
  ReaderStatus status = reader_.status();
  status.budget_ns_per_s = static_cast<std::uint64_t>(options_.budget.count());
  return status;
}

void Reconciler::work(TimePoint now) {
  if (started_) {
    const std::int64_t elapsed = nanoseconds(now - last_round_).count();
    const std::int64_t budget = options_.budget.count();
    affordable_ns_ = std::min(affordable_ns_ + elapsed * (budget / 1000) / 1'000'000, budget * kBurstSeconds);
  }
  last_round_ = now;
  end_jobs(now);
  if (now >= next_start_ || !started_) {
    next_start_ = now + kStartGap;
    start_due_jobs(now);
  }
  started_ = true;

  const std::uint64_t begin = reader_.status().time_ns;
  const auto spent = [&] { return static_cast<std::int64_t>(reader_.status().time_ns - begin); };
  bool wanted = true;
  while (wanted && !jobs_.empty()) {
    wanted = false;
    for (auto& [id, job] : jobs_) {
      if (spent() >= std::min(affordable_ns_, kRoundNs)) {
        wanted = false;
        break;
      }
      if (read_piece(id, job, now)) wanted = true;
    }
  }
  affordable_ns_ -= spent();
  answer_requests();
}

bool Reconciler::due(const DomainMirror& mirror, const Schedule& schedule, TimePoint now) const {
  if (schedule.wanted) return true;
  const auto since = now - schedule.last_end;
  if (!mirror.known_from_start()) return schedule.last_end == TimePoint{} || since >= kRetry;
  if (mirror.in_doubt())
    return now - last_loss_ >= kQuietAfterLoss ? since >= kQuietAfterLoss : since >= kLossRetry;
  if (schedule.unsure != 0) return since >= kRetry;
  if (!schedule.completed && schedule.last_end != TimePoint{}) return since >= kRetry;
  return since >= options_.interval;
}

void Reconciler::start_due_jobs(TimePoint now) {
  std::vector<LiveDomain> domains = registry_.live();
  if (domains.empty()) return;
  // Never-read domains first, then where the last round left off.
  const auto urgency = [&](const LiveDomain& domain) {
    const DomainMirror* mirror = std::as_const(mirror_).find(domain.id);
    if (schedules_[domain.id].wanted) return 0;
    if (mirror != nullptr && !mirror->known_from_start()) return 1;
    if (mirror != nullptr && mirror->in_doubt()) return 2;
    return 3;
  };
  const auto first = std::partition_point(domains.begin(), domains.end(),
                                          [&](const LiveDomain& domain) { return domain.id < next_id_; });
  std::rotate(domains.begin(), first, domains.end());
  std::stable_sort(domains.begin(), domains.end(),
                   [&](const LiveDomain& a, const LiveDomain& b) { return urgency(a) < urgency(b); });
  for (const LiveDomain& domain : domains) {
    if (jobs_.size() >= kJobs) return;
    if (jobs_.contains(domain.id)) continue;
    DomainMirror* mirror = mirror_.find(domain.id);
    if (mirror == nullptr) continue;
    Schedule& schedule = schedules_[domain.id];
    if (schedule.last_end == TimePoint{} && mirror->known_from_start() && !mirror->in_doubt() &&
        !schedule.wanted) {
      schedule.last_end = now;  // traced since its creation: the first audit is due after an interval
      schedule.completed = true;
    }
    if (!due(*mirror, schedule, now)) continue;
    schedule.wanted = false;
    next_id_ = domain.id + 1;
    start(domain.id, *mirror);
  }
}

void Reconciler::start(std::uint64_t id, DomainMirror& mirror) {
  const auto domain = live(id);
  if (!domain) return;
  Job& job = jobs_[id];
  job.key = domain->key;
  DomainAudit::Options options;
  options.goal = !mirror.known_from_start() ? DomainAudit::Goal::seed
                 : mirror.in_doubt()        ? DomainAudit::Goal::resync
                                            : DomainAudit::Goal::verify;
  const Schedule& schedule = schedules_[id];
  job.resyncing = options.goal == DomainAudit::Goal::resync || (schedule.unsure != 0 && schedule.resyncing);
  options.counts_drift = schedule.unsure == 0 || schedule.resyncing;
  options.possible_cpus = reader_.possible_cpus();
  options.has_flush_queue = domain->group.has_value();
  if (const auto constants = reader_.read_constants(domain->key)) {
    options.start_pfn = constants->start_pfn;
    options.pfn_end_32bit = constants->dma_32bit_pfn;
    if (domain->group && read_reserved_) {
      options.is_reserved = lazily_reserved(*domain->group, constants->granule_bytes);
    }
  } else {
    job.faulty = true;
  }
  job.audit = std::make_unique<DomainAudit>(mirror, std::move(options));
}

// Lazy: this reads many small files, and most audits do not need it.
std::function<bool(const TreeRange&)> Reconciler::lazily_reserved(int group,
                                                                  std::uint64_t granule_bytes) const {
  return [read = read_reserved_, group, granule_bytes,
          areas = std::optional<std::vector<TreeRange>>()](const TreeRange& range) mutable {
    if (!areas) areas = read(group, granule_bytes);
    return std::any_of(areas->begin(), areas->end(),
                       [&](const TreeRange& area) { return area.lo <= range.lo && range.hi <= area.hi; });
  };
}

bool Reconciler::read_piece(std::uint64_t id, Job& job, TimePoint now) {
  if (job.faulty || now < job.next_read) return false;
  const std::uint64_t before = reader_.status().time_ns;
  bool read = true;
  if (job.sliced) {
    read_slice(id, job);
  } else if (const auto request = next_request(job, now)) {
    switch (request->part) {
      case ReadRequest::Part::cpu:
        keep(id, job, *request, reader_.read_cpu(job.key, request->cpu));
        break;
      case ReadRequest::Part::depot:
      case ReadRequest::Part::tree:
        job.sliced = *request;
        job.cursor = {};
        job.tree_from = 0;
        read_slice(id, job);
        break;
      case ReadRequest::Part::flush_queue:
        keep(id, job, *request, read_flush_queue(job));
        break;
      case ReadRequest::Part::tree_at:
        keep(id, job, *request, reader_.read_tree_at(job.key, request->pfn));
        break;
    }
  } else {
    read = false;
  }
  job.read_ns += reader_.status().time_ns - before;
  return read;
}

// A domain without a queue has no pending entries.
Reading<FlushQueueReading> Reconciler::read_flush_queue(const Job& job) {
  RCACHED_TRY(const auto queue, reader_.read_flush_queue(job.key));
  FlushQueueReading none;
  none.time = {job.end_ns, job.end_ns};
  return queue.value_or(none);
}

std::optional<ReadRequest> Reconciler::next_request(Job& job, TimePoint now) {
  if (job.held) return std::exchange(job.held, std::nullopt);
  const auto request = job.audit->next();
  const int look = job.audit->looks();
  if (!request || std::exchange(job.look, look) == look || look < 3) return request;
  job.next_read = now + (kLookGap * (1 << (look - 3)));
  job.held = request;
  return std::nullopt;
}

void Reconciler::read_slice(std::uint64_t id, Job& job) {
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
void Reconciler::keep(std::uint64_t id, Job& job, const ReadRequest& request, Reading<T> piece) {
  if (piece) {
    if (job.begin_ns == 0) job.begin_ns = piece->time.begin_ns;
    job.end_ns = piece->time.end_ns;
    readings_.push_back({piece->time.end_ns, id, request, std::move(*piece)});
    return;
  }
  if (piece.error() == Unread::fault) job.faulty = true;
  std::erase_if(readings_, [&](const PendingReading& reading) {  // slices of an incomplete depot or tree
    return reading.id == id && reading.request.part == request.part &&
           reading.request.order == request.order &&
           (request.part == ReadRequest::Part::depot || request.part == ReadRequest::Part::tree);
  });
  job.audit->unread(request);
}

void Reconciler::end_jobs(TimePoint now) {
  for (auto it = jobs_.begin(); it != jobs_.end();) {
    auto& [id, job] = *it;
    const bool over = job.audit->state() != DomainAudit::State::reading;
    if (!over && !job.faulty) {
      ++it;
      continue;
    }
    if (!over) job.audit->mirror().abandon_audit();
    Schedule& schedule = schedules_[id];
    schedule.last_end = now;
    schedule.completed = job.audit->state() == DomainAudit::State::completed;
    schedule.unreadable = job.faulty;
    const bool unsure = schedule.completed && job.audit->unsure() && schedule.unsure < kConfirmations;
    schedule.unsure = unsure ? schedule.unsure + 1 : 0;
    schedule.resyncing = job.resyncing;
    log(id, job);
    report(id, job);
    const std::uint64_t ended = id;
    std::erase_if(readings_, [ended](const PendingReading& reading) { return reading.id == ended; });
    it = jobs_.erase(it);
  }
}

// Differences are expected after a loss; otherwise they are worth a warning.
void Reconciler::log(std::uint64_t id, const Job& job) const {
  const DomainMirror::Drift& drift = job.audit->drift();
  if (drift.sum() == 0) return;
  const std::vector<DomainInfo> infos = registry_.infos();
  const auto info = std::find_if(infos.begin(), infos.end(), [id](const auto& i) { return i.id == id; });
  spdlog::log(
      job.resyncing ? spdlog::level::debug : spdlog::level::warn,
      "domain {}: an audit found and repaired {} ranges that differed from kernel memory (loaded {}, prev "
      "{}, depot {}, tree {}, fq {})",
      info == infos.end() ? "?" : info->label, drift.sum(), drift.loaded, drift.prev, drift.depot, drift.tree,
      drift.fq);
}

void Reconciler::request(const AuditRequest& what, std::function<void(AuditReport)> done) {
  Request request{what, std::move(done), {}, {}};
  const std::vector<DomainInfo> infos = registry_.infos();
  for (const DomainInfo& info : infos) {
    if (!what.domain.empty() && info.label != what.domain) continue;
    if (jobs_.contains(info.id)) forget_job(info.id);
    schedules_[info.id].wanted = true;
    request.waiting.push_back(info.id);
  }
  if (request.waiting.empty()) {
    request.report.unavailable =
        what.domain.empty() ? "no domain is known yet" : fmt::format("there is no domain '{}'", what.domain);
  }
  requests_.push_back(std::move(request));
}

void Reconciler::forget_job(std::uint64_t id) {
  std::erase_if(readings_, [id](const PendingReading& reading) { return reading.id == id; });
  jobs_.erase(id);
}

void Reconciler::report(std::uint64_t id, const Job& job) {
  for (Request& request : requests_) {
    const auto waits = std::find(request.waiting.begin(), request.waiting.end(), id);
    if (waits == request.waiting.end()) continue;
    const std::vector<DomainInfo> infos = registry_.infos();
    const auto info =
        std::find_if(infos.begin(), infos.end(), [id = id](const auto& i) { return i.id == id; });
    AuditReport::Domain domain;
    domain.label = info == infos.end() ? "" : info->label;
    domain.completed = job.audit->state() == DomainAudit::State::completed;
    domain.why = job.faulty ? std::string(to_words(Unread::fault)) : job.audit->why();
    domain.drift = job.audit->drift();
    const DomainSnapshot snapshot = job.audit->mirror().snapshot();
    domain.confidence = snapshot.confidence;
    domain.tree_ranges = snapshot.tree_ranges;
    domain.duration_ns = job.end_ns - job.begin_ns;
    domain.read_ns = job.read_ns;
    if (request.what.contents) {
      domain.mirror = job.audit->mirror().model().contents();
      domain.kernel = read_contents(job.key);
    }
    request.report.domains.push_back(std::move(domain));
    request.waiting.erase(waits);
  }
}

void Reconciler::answer_requests() {
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
DomainContents Reconciler::read_contents(std::uint64_t key) {
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

// Uses the same budget; when it is exhausted, the last numbers are kept.
void Reconciler::read_flush_queues() {
  if (affordable_ns_ <= 0) return;
  const std::uint64_t begin = reader_.status().time_ns;
  for (const LiveDomain& domain : registry_.live()) {
    DomainMirror* mirror = mirror_.find(domain.id);
    if (mirror == nullptr || !domain.group) continue;
    const auto queue = reader_.read_flush_queue(domain.key);
    const bool there = queue && *queue;
    mirror->set_flush_queue_pending(there ? std::optional((*queue)->pending) : std::nullopt);
  }
  affordable_ns_ -= static_cast<std::int64_t>(reader_.status().time_ns - begin);
}

}  // namespace rcached
