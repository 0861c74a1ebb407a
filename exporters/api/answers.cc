// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/answers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "view/confidence_text.h"
#include "view/depot_mark.h"
#include "view/duration_quantile.h"

namespace rcached::api {
namespace {

constexpr double kNsPerSecond = 1e9;  // a divisor, not a factor: gives the shortest digits

double seconds(std::uint64_t ns) { return static_cast<double>(ns) / kNsPerSecond; }

// A time of the snapshot's clock as Unix time, to the microsecond; null for 0, which means never.
Figure unix_time(const View& view, std::uint64_t monotonic_ns) {
  if (monotonic_ns == 0) return std::nullopt;
  const std::int64_t us =
      (static_cast<std::int64_t>(monotonic_ns) + view.status.unix_minus_monotonic_ns) / 1000;
  return static_cast<double>(us) / 1e6;
}

static_assert(kOrders == kCachedOrders);

// One domain and the View's other data about it.
struct Subject {
  const View& view;
  const DomainSnapshot& state;
  const DomainInfo& info;
  const DomainRates* rates = nullptr;                       // null: not known
  const std::vector<rcached::Verdict>* verdicts = nullptr;  // null: none
  std::optional<std::uint32_t> mark;                        // of the depots
  std::uint64_t now_ns = 0;

  Subject(const View& all, const NamedDomain& domain, std::uint64_t now)
      : view(all), state(*domain.state), info(domain.info), mark(depot_mark(all.kernel)), now_ns(now) {
    const std::size_t at = domain.position;
    if (at < all.rates.size() && all.rates[at]) rates = &*all.rates[at];
    if (at < all.verdicts.size()) verdicts = &all.verdicts[at];
  }

  Figure time(std::uint64_t monotonic_ns) const { return unix_time(view, monotonic_ns); }
};

// "a,b" -> ["a","b"]
std::vector<std::string> names(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view name = list.substr(0, comma);
    if (!name.empty()) out.push_back(valid_utf8(name));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return out;
}

Confidence confidence(const Subject& s) {
  const AuditSnapshot& audit = s.state.audit;
  return {.state = std::string(to_string(s.state.confidence)),
          .text = confidence_text(s.state, s.now_ns),
          .loss_marks = s.state.loss_marks,
          .last_loss = s.time(audit.last_loss_ns),
          .resynced = s.time(audit.resynced_ns),
          .last_audit = s.time(audit.last_audit_ns),
          .last_repair = s.time(audit.last_repair_ns)};
}

Balance balance(const Subject& s) {
  const auto level = [&](std::uint64_t ranges, double DomainRates::*rate) {
    return Level{ranges, s.rates == nullptr ? Figure() : Figure(s.rates->*rate)};
  };
  return {.tree = level(s.state.tree_ranges, &DomainRates::tree_ranges),
          .outstanding = level(s.state.outstanding, &DomainRates::outstanding),
          .cpu_cached = level(s.state.cpu_cached, &DomainRates::cpu_cached),
          .depot_cached = level(s.state.depot_cached, &DomainRates::depot_cached),
          .reserved = {s.state.reserved},
          .unaccounted = {s.state.unaccounted},
          .outstanding_before_start = {s.state.outstanding_before_start},
          .fq_pending = {s.state.fq_pending}};
}

Figure ratio(std::uint32_t magazines, std::optional<std::uint32_t> mark) {
  return mark ? Figure(static_cast<double>(magazines) / *mark) : Figure();
}

Depot depot(const Subject& s) {
  Depot out{.kind = std::string(depot_kind(s.view.kernel)),
            .mark_magazines = s.mark,
            .magazines = {},
            .fullest = std::nullopt};
  std::size_t fullest = 0;  // the smallest order of those that are equally full
  for (std::size_t order = 0; order < kOrders; ++order) {
    out.magazines[order] = s.state.orders[order].depot_magazines;
    if (out.magazines[order] > out.magazines[fullest]) fullest = order;
  }
  if (const std::uint32_t held = s.state.orders[fullest].depot_magazines; held != 0)
    out.fullest = Fullest{std::string(kOrderNames[fullest]), held, ratio(held, s.mark)};
  return out;
}

std::optional<Rates> rates(const DomainRates* r) {
  if (r == nullptr) return std::nullopt;
  return Rates{.seconds = r->seconds,
               .allocations = r->allocations,
               .allocation_failures = r->allocation_failures,
               .tree_allocations = r->tree_allocations,
               .frees = r->frees,
               .depot_overflows = r->depot_overflows,
               .depot_reclaims = r->depot_reclaims,
               .mismatched_frees = r->mismatched_frees};
}

Durations durations(const DurationHistogram& histogram) {
  return {.count = histogram.count(),
          .seconds = seconds(histogram.sum_ns),
          .p50 = duration_quantile(histogram, 0.5),
          .p99 = duration_quantile(histogram, 0.99)};
}

std::vector<Verdict> verdicts(const std::vector<rcached::Verdict>* list) {
  std::vector<Verdict> out;
  if (list == nullptr) return out;
  out.reserve(list->size());
  for (const rcached::Verdict& verdict : *list)
    out.push_back({valid_utf8(verdict.name), verdict.holds, valid_utf8(verdict.evidence)});
  return out;
}

Domain summary(const Subject& s) {
  Domain out;
  out.label = valid_utf8(s.info.label);
  out.type = s.info.type.empty() ? "unknown" : valid_utf8(s.info.type);
  out.devices = names(s.info.devices);
  out.drivers = names(s.info.driver);
  if (s.info.granule_bytes != 0) out.granule_bytes = s.info.granule_bytes;
  out.confidence = confidence(s);
  out.balance = balance(s);
  out.depot = depot(s);
  out.rates = rates(s.rates);
  out.tree_allocation = durations(s.state.tree_allocation);
  out.depot_overflow = durations(s.state.depot_overflow);
  if (const auto& read = s.state.memory)
    out.memory = Memory{read->magazine_bytes, read->range_bytes, s.time(read->time_ns)};
  if (const auto& read = s.state.space32)
    out.space32 = Space32{read->free_pages, read->largest_gap_pages, s.time(read->time_ns)};
  out.prediction = {s.state.prediction.predictions, s.state.prediction.hits};
  out.drift_ranges = s.state.drift.ranges;
  out.verdicts = verdicts(s.verdicts);
  return out;
}

Order order_of(const Subject& s, std::size_t order) {
  const OrderSnapshot& o = s.state.orders[order];
  Order out;
  out.order = kOrderNames[order];
  out.outstanding = o.outstanding;
  out.allocations = o.allocations;
  out.allocation_failures = o.allocation_failures;
  out.tree_allocations = o.tree_allocations;
  out.frees = o.frees;
  out.tree_frees = o.tree_frees;
  out.mismatched_frees = o.mismatched_frees;
  if (order >= kOrders) return out;  // never cached
  out.cpu_cached = o.cpu_cached;
  out.cpu_capacity = o.cpu_capacity;
  out.cpus_holding = o.cpus_holding;
  out.depot_magazines = o.depot_magazines;
  out.depot_cached = std::uint64_t{o.depot_magazines} * s.view.kernel.profile.magazine_capacity;
  out.depot_ratio = ratio(o.depot_magazines, s.mark);
  out.depot_pushes = o.depot_pushes;
  out.depot_pops = o.depot_pops;
  out.depot_overflows = o.depot_overflows;
  out.depot_reclaims = o.depot_reclaims;
  return out;
}

Known node_of(const KernelInfo& kernel, std::uint16_t cpu) {
  if (cpu >= kernel.cpu_nodes.size() || kernel.cpu_nodes[cpu] < 0) return std::nullopt;
  return static_cast<std::uint64_t>(kernel.cpu_nodes[cpu]);
}

// Orders of a CPU that have not been seen yet are null.
Cpus cpus(const Subject& s) {
  Cpus out;
  out.magazine_capacity = s.view.kernel.profile.magazine_capacity;
  for (const CpuFill& fill : s.state.cpu_fills) {  // by cpu, then order
    if (fill.order >= kOrders) continue;
    if (out.cpu.empty() || out.cpu.back() != fill.cpu) {
      out.cpu.push_back(fill.cpu);
      out.node.push_back(node_of(s.view.kernel, fill.cpu));
      out.loaded.emplace_back();
      out.prev.emplace_back();
    }
    out.loaded.back()[fill.order] = fill.loaded;
    out.prev.back()[fill.order] = fill.prev;
  }
  return out;
}

Events events(const DaemonStatus& status) {
  Events out;
  LostBy& by = out.lost_by;
  for (const CpuLoss& cpu : status.cpus) {
    out.sent += cpu.sent;
    out.received += cpu.received;
    by.ring_full += cpu.ring_full;
    by.entry_missing += cpu.entry_missing;
  }
  // What events_lost() counts is ring_full + entry_missing + skipped; a malformed record is lost as well.
  const std::uint64_t lost = events_lost(status.cpus, status.programs);
  by.skipped = lost - by.ring_full - by.entry_missing;
  by.malformed = status.malformed;
  out.lost = lost + status.malformed;
  out.applied = status.events;
  out.lag_seconds = seconds(status.lag_ns);
  return out;
}

// The kernel counts runs only if its statistics are enabled. If no run was counted, they are disabled or nothing
// has run yet; a cost of zero would be wrong in both cases.
std::vector<Program> programs(const std::vector<ProgramStatus>& list) {
  const bool counted = std::any_of(list.begin(), list.end(), [](const auto& p) { return p.runs != 0; });
  std::vector<Program> out;
  for (const ProgramStatus& status : list) {
    Program& program = out.emplace_back();
    program.function = valid_utf8(status.function);
    program.method = valid_utf8(status.method);
    if (counted) program.runs = status.runs;
    if (counted) program.seconds = seconds(status.run_ns);
    if (status.skips_countable) program.skipped = status.skipped;
  }
  return out;
}

// The double with the same shortest digits: 1.5e-06f becomes 1.5e-06, not 1.5000000530707533e-06.
double with_its_digits(float value) {
  std::array<char, 32> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  double exact = value;
  std::from_chars(digits.data(), written.ptr, exact);
  return exact;
}

std::vector<Figure> column(const std::vector<float>& values) {
  std::vector<Figure> out;
  out.reserve(values.size());
  for (const float value : values)
    out.push_back(std::isfinite(value) ? Figure(with_its_digits(value)) : Figure());
  return out;
}

}  // namespace

const NamedDomain* find_domain(const std::vector<NamedDomain>& domains, std::string_view label) {
  const auto found = std::find_if(domains.begin(), domains.end(), [&](const NamedDomain& domain) {
    return domain.info.label == label || valid_utf8(domain.info.label) == label;
  });
  return found == domains.end() ? nullptr : &*found;
}

Domains domains_answer(const View& view, const std::vector<NamedDomain>& domains, std::uint64_t now_ns) {
  Domains out{.time = unix_time(view, view.snapshot.time_ns), .ready = view.status.ready, .domains = {}};
  out.domains.reserve(domains.size());
  for (const NamedDomain& domain : domains) out.domains.push_back(summary(Subject(view, domain, now_ns)));
  return out;
}

DomainDetail domain_answer(const View& view, const NamedDomain& domain, std::uint64_t now_ns) {
  const Subject s(view, domain, now_ns);
  DomainDetail out;
  out.time = s.time(view.snapshot.time_ns);
  out.domain = summary(s);
  for (std::size_t order = 0; order < out.orders.size(); ++order) out.orders[order] = order_of(s, order);
  out.cpus = cpus(s);
  const FlushQueueSnapshot& queue = s.state.flush_queue;
  out.flush_queue = {.drains = queue.drains,
                     .drained_ranges = queue.drained_ranges,
                     .seconds = seconds(queue.duration_ns),
                     .longest_seconds = seconds(queue.longest_ns),
                     .largest_ranges = queue.largest};
  const AuditSnapshot& audit = s.state.audit;
  out.audit = {.audits = audit.audits,
               .repairs = audit.repairs,
               .abandoned = audit.abandoned,
               .drift = {.loaded = audit.drift.loaded,
                         .prev = audit.drift.prev,
                         .depot = audit.drift.depot,
                         .tree = audit.drift.tree,
                         .fq = audit.drift.fq}};
  const PredictionSnapshot& prediction = s.state.prediction;
  out.misses = {.reordered = prediction.miss_reordered,
                .depot_race = prediction.miss_depot_race,
                .migration = prediction.miss_migration,
                .unknown = prediction.miss_unknown};
  out.rcache_flushes = s.state.rcache_flushes;
  return out;
}

Status status_answer(const View& view, const ProcessFigures& process) {
  const DaemonStatus& status = view.status;
  Status out;
  out.time = unix_time(view, view.snapshot.time_ns);
  out.version = valid_utf8(status.version);
  out.source = valid_utf8(status.source);
  out.mode = valid_utf8(status.mode);
  out.ready = status.ready;
  if (!status.ready) {
    out.not_ready_reason = status.not_ready_reason.empty() ? "the event source is not running yet"
                                                           : valid_utf8(status.not_ready_reason);
  }
  if (status.started_unix_s != 0) out.started = status.started_unix_s;
  out.kernel.release = valid_utf8(view.kernel.release);
  out.kernel.depot = depot_kind(view.kernel);
  out.kernel.magazine_capacity = view.kernel.profile.magazine_capacity;
  out.kernel.depot_mark_magazines = depot_mark(view.kernel);
  if (view.kernel.online_cpus != 0) out.kernel.online_cpus = view.kernel.online_cpus;
  out.events = events(status);
  for (const CpuLoss& cpu : status.cpus)
    out.cpus.push_back({cpu.cpu, cpu.sent, cpu.received, cpu.ring_full, cpu.entry_missing});
  out.programs = programs(status.programs);
  if (const rcached::ReaderStatus& reader = status.reader; reader.available) {
    out.reader = Reader{.reads = reader.reads,
                        .changed = reader.changed,
                        .faults = reader.faults,
                        .seconds = seconds(reader.time_ns),
                        .longest_seconds = seconds(reader.longest_ns),
                        .budget_seconds_per_second = seconds(reader.budget_ns_per_s)};
  }
  out.process = {process.cpu_seconds, process.resident_bytes, process.open_fds};
  const rcached::History none;
  const rcached::History& limits = view.history ? *view.history : none;
  out.history = {limits.interval_s, limits.points, limits.domains_left_out};
  out.unattributed_flush_queue_drains = status.unattributed_fq_drains;
  return out;
}

History history_answer(const View& view, const NamedDomain& domain) {
  const rcached::History none;
  const rcached::History& history = view.history ? *view.history : none;
  History out;
  out.domain = valid_utf8(domain.info.label);
  out.interval_seconds = history.interval_s;
  const auto found =
      std::find_if(history.domains.begin(), history.domains.end(),
                   [&](const DomainHistory& candidate) { return candidate.id == domain.info.id; });
  if (found == history.domains.end() || found->tree_ranges.empty()) return out;
  out.first = static_cast<std::uint64_t>(found->first_unix_s);
  out.tree = column(found->tree_ranges);
  out.outstanding = column(found->outstanding);
  out.cpu_cached = column(found->cpu_cached);
  out.depot_cached = column(found->depot_cached);
  out.allocations_per_second = column(found->allocations_per_second);
  out.overflows_per_second = column(found->overflows_per_second);
  out.tree_allocation_mean = column(found->tree_allocation_mean_seconds);
  out.tree_allocation_p99 = column(found->tree_allocation_p99_seconds);
  return out;
}

Notes notes_answer(const View& view, std::optional<std::uint64_t> after) {
  Notes out{.time = unix_time(view, view.snapshot.time_ns), .notes = {}};
  if (!view.notes) return out;
  for (auto note = view.notes->rbegin(); note != view.notes->rend(); ++note) {
    if (after && note->number <= *after) break;  // numbers increase
    out.notes.push_back(
        {.number = note->number,
         .time = static_cast<double>(note->unix_ms) / 1e3,
         .kind = valid_utf8(note->kind),
         .domain = note->domain.empty() ? std::nullopt : std::optional(valid_utf8(note->domain)),
         .text = valid_utf8(note->text)});
  }
  return out;
}

}  // namespace rcached::api
