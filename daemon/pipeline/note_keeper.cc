// SPDX-License-Identifier: Apache-2.0
#include "daemon/pipeline/note_keeper.h"

#include <fmt/format.h>

#include "view/domain_names.h"

namespace rcached {

void NoteKeeper::add(std::string_view kind, std::string_view domain, std::string text) {
  notes_.push_back({next_number_++, unix_ms_, std::string(kind), std::string(domain), std::move(text)});
  if (notes_.size() > kMaxNotes) notes_.pop_front();
  changed_ = true;
}

std::uint64_t NoteKeeper::grown(Growth& growth, std::uint64_t value, TimePoint now) {
  if (value <= growth.reported || now < growth.next) return 0;
  growth.next = now + kQuiet;
  return value - std::exchange(growth.reported, value);
}

void NoteKeeper::observe(const View& view, TimePoint now, std::int64_t unix_ms) {
  unix_ms_ = unix_ms;
  const bool first = !std::exchange(started_, true);
  if (first) {
    add("started", "",
        fmt::format("rcached is tracing {} domains (source {}, mode {})", view.snapshot.domains.size(),
                    view.status.source, view.status.mode));
  }
  const std::uint32_t cpus_before = std::exchange(online_cpus_, view.kernel.online_cpus);
  if (!first && cpus_before != online_cpus_) {
    add("cpus-changed", "", fmt::format("{} CPUs are online, previously {}", online_cpus_, cpus_before));
  }
  const std::uint64_t lost = view.status.malformed + events_lost(view.status.cpus, view.status.programs);
  if (const std::uint64_t more = grown(losses_, lost, now)) {
    add("events-lost", "", fmt::format("{} events were lost; audits will repair the mirror", more));
  }
  if (std::exchange(silence_, view.status.silence) != view.status.silence) {
    if (silence_.empty()) {
      add("probes-run", "", "the kernel runs the probes again; audits will repair the mirror");
    } else {
      add("probes-silent", "", view.status.not_ready_reason);
    }
  }

  std::map<std::uint64_t, Domain> seen;
  const std::vector<NamedDomain> named = named_domains(view);
  for (std::size_t i = 0; i < named.size(); ++i) {
    const DomainSnapshot& state = *named[i].state;
    const bool known = domains_.contains(state.id);
    if (known) {
      seen.insert(domains_.extract(state.id));
    } else {
      Domain fresh;
      fresh.confidence = state.confidence;
      fresh.repairs = state.audit.repairs;
      fresh.drift = state.audit.drift.sum();
      fresh.flushes.reported = state.rcache_flushes;
      seen.emplace(state.id, std::move(fresh));
    }
    if (!known && !first) {
      add("domain-appeared", named[i].info.label,
          named[i].info.devices.empty() ? "a domain without a known device"
                                        : fmt::format("devices {}", named[i].info.devices));
    }
    Domain& domain = seen.at(state.id);
    domain.label = named[i].info.label;
    observe_domain(domain, state, now);
    if (i < view.verdicts.size()) observe_verdicts(domain, view.verdicts[i]);
  }
  for (const auto& [id, gone] : domains_) add("domain-gone", gone.label, "the domain was removed");
  domains_ = std::move(seen);

  const std::size_t left_out = view.history ? view.history->domains_left_out : 0;
  if (left_out > std::exchange(left_out_, left_out)) {
    add("history-limit", "", fmt::format("{} domains have no history: history.size is too small", left_out));
  }
  if (std::exchange(changed_, false)) {
    published_ = std::make_shared<const std::vector<Note>>(notes_.begin(), notes_.end());
  }
}

void NoteKeeper::observe_domain(Domain& before, const DomainSnapshot& now, TimePoint when) {
  const Confidence confidence = std::exchange(before.confidence, now.confidence);
  if (confidence != now.confidence && now.confidence == Confidence::lossy) {
    add("lossy", before.label, "events were lost; its figures are estimates until the next audit");
  } else if (confidence == Confidence::lossy && now.confidence == Confidence::resynced) {
    add("resynced", before.label, "an audit has read it again; its figures are correct again");
  }
  const std::uint64_t repairs = std::exchange(before.repairs, now.audit.repairs);
  const std::uint64_t drift = std::exchange(before.drift, now.audit.drift.sum());
  if (now.audit.repairs > repairs) {
    add("audit-repaired", before.label,
        fmt::format("an audit found and repaired {} differing ranges", before.drift - drift));
  }
  if (const std::uint64_t more = grown(before.flushes, now.rcache_flushes, when)) {
    add("rcache-flush", before.label,
        fmt::format("cpu rcaches were flushed {} times: no space was found, or a CPU went offline", more));
  }
}

void NoteKeeper::observe_verdicts(Domain& before, const std::vector<Verdict>& verdicts) {
  for (const Verdict& verdict : verdicts) {
    bool& held = before.verdicts[verdict.name];
    if (std::exchange(held, verdict.holds) == verdict.holds) continue;
    add(verdict.holds ? "verdict-holds" : "verdict-ended", before.label,
        fmt::format("{}: {}", verdict.name, verdict.evidence));
  }
}

}  // namespace rcached
