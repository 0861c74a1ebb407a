// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/status_json.h"

#include <algorithm>
#include <cstdint>

#include "exporters/api/json.h"
#include "view/depot_mark.h"

namespace rcached::api {
namespace {

Json kernel(const KernelInfo& k) {
  return {{"release", text(k.release)},
          {"depot", depot_kind(k)},
          {"magazine_capacity", k.profile.magazine_capacity},
          {"depot_mark_magazines", or_null(depot_mark(k))},
          {"online_cpus", k.online_cpus == 0 ? Json() : Json(k.online_cpus)}};
}

Json events(const DaemonStatus& status) {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t ring_full = 0;
  std::uint64_t entry_missing = 0;
  for (const CpuLoss& cpu : status.cpus) {
    sent += cpu.sent;
    received += cpu.received;
    ring_full += cpu.ring_full;
    entry_missing += cpu.entry_missing;
  }
  // What events_lost() counts is ring_full + entry_missing + skipped; a malformed record is lost as well.
  const std::uint64_t lost = events_lost(status.cpus, status.programs);
  return {{"applied", status.events},
          {"sent", sent},
          {"received", received},
          {"lost", lost + status.malformed},
          {"lost_by",
           {{"ring_full", ring_full},
            {"entry_missing", entry_missing},
            {"skipped", lost - ring_full - entry_missing},
            {"malformed", status.malformed}}},
          {"lag_seconds", seconds(status.lag_ns)}};
}

Json cpus(const std::vector<CpuLoss>& list) {
  Json out = Json::array();
  for (const CpuLoss& cpu : list) {
    out.push_back({{"cpu", cpu.cpu},
                   {"sent", cpu.sent},
                   {"received", cpu.received},
                   {"ring_full", cpu.ring_full},
                   {"entry_missing", cpu.entry_missing}});
  }
  return out;
}

// The kernel counts runs only when its statistics are on. When it has counted none at all they are off, or
// nothing has run yet; either way zero cost would be a lie.
Json programs(const std::vector<ProgramStatus>& list) {
  const bool counted = std::any_of(list.begin(), list.end(), [](const auto& p) { return p.runs != 0; });
  Json out = Json::array();
  for (const ProgramStatus& program : list) {
    out.push_back({{"function", text(program.function)},
                   {"method", text(program.method)},
                   {"runs", counted ? Json(program.runs) : Json()},
                   {"seconds", counted ? Json(seconds(program.run_ns)) : Json()},
                   {"skipped", program.skips_countable ? Json(program.skipped) : Json()}});
  }
  return out;
}

Json reader(const ReaderStatus& r) {
  if (!r.available) return nullptr;
  return {{"reads", r.reads},
          {"changed", r.changed},
          {"faults", r.faults},
          {"seconds", seconds(r.time_ns)},
          {"longest_seconds", seconds(r.longest_ns)},
          {"budget_seconds_per_second", seconds(r.budget_ns_per_s)}};
}

Json history(const History& h) {
  return {{"interval_seconds", h.interval_s}, {"points", h.points}, {"domains_left_out", h.domains_left_out}};
}

Json not_ready_reason(const DaemonStatus& status) {
  if (status.ready) return nullptr;
  return text(status.not_ready_reason.empty() ? "the event source does not run yet"
                                              : status.not_ready_reason);
}

}  // namespace

std::string status_body(const View& view, const ProcessFigures& process) {
  const DaemonStatus& status = view.status;
  return dump({{"time", unix_time(view.snapshot.time_ns, status.unix_minus_monotonic_ns)},
               {"version", text(status.version)},
               {"source", text(status.source)},
               {"mode", text(status.mode)},
               {"ready", status.ready},
               {"not_ready_reason", not_ready_reason(status)},
               {"started", status.started_unix_s == 0 ? Json() : Json(status.started_unix_s)},
               {"kernel", kernel(view.kernel)},
               {"events", events(status)},
               {"cpus", cpus(status.cpus)},
               {"programs", programs(status.programs)},
               {"reader", reader(status.reader)},
               {"process",
                {{"cpu_seconds", or_null(process.cpu_seconds)},
                 {"resident_bytes", or_null(process.resident_bytes)},
                 {"open_fds", or_null(process.open_fds)}}},
               {"history", history(view.history ? *view.history : History{})},
               {"unattributed_flush_queue_drains", status.unattributed_fq_drains}});
}

}  // namespace rcached::api
