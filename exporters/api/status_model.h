// SPDX-License-Identifier: Apache-2.0
// The API's data about rcached itself, like model.h: status, notes, the event stream and errors.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exporters/api/fields.h"
#include "exporters/api/model.h"

namespace rcached::api {

struct Kernel {
  static constexpr Schema kSchema{"Kernel"};
  std::string release, depot;
  Count magazine_capacity = 0;
  Known depot_mark_magazines, online_cpus;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("release", &Kernel::release, "uname -r, or synthetic");
    visit("depot", &Kernel::depot, "As in the domains' depot.kind", Rule{.one_of = kDepotKinds});
    visit("magazine_capacity", &Kernel::magazine_capacity, "Ranges that a magazine holds");
    visit("depot_mark_magazines", &Kernel::depot_mark_magazines,
          "Limit or reclaim threshold; null: not known");
    visit("online_cpus", &Kernel::online_cpus, "null: not known");
  }
};

struct LostBy {
  static constexpr Schema kSchema{"LostBy", "They add up to lost"};
  Count ring_full = 0, entry_missing = 0, skipped = 0, malformed = 0;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("ring_full", &LostBy::ring_full, "The ring buffer was full");
    visit("entry_missing", &LostBy::entry_missing, "A return whose entry was skipped or not recorded");
    visit("skipped", &LostBy::skipped, "The kernel skipped the program");
    visit("malformed", &LostBy::malformed, "A rejected record");
  }
};

struct Events {
  static constexpr Schema kSchema{"Events", "Since the start"};
  Count applied = 0, sent = 0, received = 0, lost = 0;
  LostBy lost_by;
  double lag_seconds = 0;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("applied", &Events::applied, "Events applied to the mirror");
    visit("sent", &Events::sent, "Events the probes tried to send");
    visit("received", &Events::received, "Events read from the rings");
    visit("lost", &Events::lost, "Events that never reached the mirror");
    visit("lost_by", &Events::lost_by, "");
    visit("lag_seconds", &Events::lag_seconds, "Age of the oldest event that was not applied yet");
  }
};

struct CpuEvents {
  static constexpr Schema kSchema{"CpuEvents"};
  Count cpu = 0, sent = 0, received = 0, ring_full = 0, entry_missing = 0;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("cpu", &CpuEvents::cpu, "CPU number");
    visit("sent", &CpuEvents::sent, "Events its probes tried to send");
    visit("received", &CpuEvents::received, "Events read from its ring");
    visit("ring_full", &CpuEvents::ring_full, "Lost: its ring was full");
    visit("entry_missing", &CpuEvents::entry_missing, "Lost: the entry was skipped or not recorded");
  }
};

struct Program {
  static constexpr Schema kSchema{"Program", "One probe program"};
  std::string function, method;
  Known runs;
  Figure seconds;
  Known skipped;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("function", &Program::function, "The kernel function");
    visit("method", &Program::method, "fentry, fexit, kprobe, kretprobe or synthetic");
    visit("runs", &Program::runs, "null: the kernel does not count (kernel.run_statistics)");
    visit("seconds", &Program::seconds, "Time of all runs; null: the kernel does not count");
    visit("skipped", &Program::skipped,
          "Runs that the kernel skipped; null: the kernel does not report them");
  }
};

struct Reader {
  static constexpr Schema kSchema{"Reader"};
  Count reads = 0, changed = 0, faults = 0;
  double seconds = 0, longest_seconds = 0, budget_seconds_per_second = 0;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("reads", &Reader::reads, "Chunks of kernel memory read");
    visit("changed", &Reader::changed, "Of them, discarded because the structure changed during the read");
    visit("faults", &Reader::faults, "Of them, failed or inconsistent");
    visit("seconds", &Reader::seconds, "Total time");
    visit("longest_seconds", &Reader::longest_seconds, "The longest");
    visit("budget_seconds_per_second", &Reader::budget_seconds_per_second, "The limit (audit.budget)");
  }
};

struct Process {
  static constexpr Schema kSchema{"Process"};
  Figure cpu_seconds;
  Known resident_bytes, open_fds;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("cpu_seconds", &Process::cpu_seconds, "User and system time since its start; null: not readable");
    visit("resident_bytes", &Process::resident_bytes, "Resident memory; null: not readable");
    visit("open_fds", &Process::open_fds, "Open file descriptors; null: not readable");
  }
};

struct HistoryLimits {
  static constexpr Schema kSchema{"HistoryLimits"};
  Count interval_seconds = 0, points = 0, domains_left_out = 0;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("interval_seconds", &HistoryLimits::interval_seconds, "From one point to the next");
    visit("points", &HistoryLimits::points, "Maximum number of points kept per domain");
    visit("domains_left_out", &HistoryLimits::domains_left_out,
          "Domains without history because of the memory limit (history.size)");
  }
};

struct Status {
  static constexpr Schema kSchema{"Status"};
  Figure time;
  std::string version, source, mode;
  bool ready = false;
  std::optional<std::string> not_ready_reason;
  Known started;
  Kernel kernel;
  Events events;
  std::vector<CpuEvents> cpus;
  std::vector<Program> programs;
  std::optional<Reader> reader;
  Process process;
  HistoryLimits history;
  Count unattributed_flush_queue_drains = 0;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("time", &Status::time,
          "When the last event included in these numbers happened, in Unix seconds; null before the first",
          kSigned);
    visit("version", &Status::version, "Of rcached");
    visit("source", &Status::source, "kernel or synthetic");
    visit("mode", &Status::mode, "mirror");
    visit("ready", &Status::ready, "Whether the event source is running");
    visit("not_ready_reason", &Status::not_ready_reason, "null when ready");
    visit("started", &Status::started, "Start of the daemon, in Unix seconds; null: not known");
    visit("kernel", &Status::kernel, "");
    visit("events", &Status::events, "");
    visit("cpus", &Status::cpus, "By CPU number");
    visit("programs", &Status::programs, "One entry per program, also for several programs of one function");
    visit("reader", &Status::reader, "null: this source does not read kernel memory");
    visit("process", &Status::process, "");
    visit("history", &Status::history, "");
    visit("unattributed_flush_queue_drains", &Status::unattributed_flush_queue_drains,
          "Flush timer runs whose domain is not known");
  }
};

struct Note {
  static constexpr Schema kSchema{"Note"};
  Count number = 0;
  double time = 0;
  std::string kind;
  std::optional<std::string> domain;
  std::string text;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("number", &Note::number, "Increases by one with each note");
    visit("time", &Note::time, "When, in Unix seconds", kSigned);
    visit("kind", &Note::kind, "One word, e.g. events-lost");
    visit("domain", &Note::domain, "The label; null: about the whole host");
    visit("text", &Note::text, "A sentence");
  }
};

struct Notes {
  static constexpr Schema kSchema{"Notes"};
  Figure time;
  std::vector<Note> notes;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("time", &Notes::time,
          "When the last event included in these numbers happened, in Unix seconds; null before the first",
          kSigned);
    visit("notes", &Notes::notes, "Newest first");
  }
};

struct Snapshot {
  static constexpr Schema kSchema{"Snapshot", "The data of a snapshot event"};
  Domains domains;
  Status status;
  Notes notes;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("domains", &Snapshot::domains, "");
    visit("status", &Snapshot::status, "");
    visit("notes", &Snapshot::notes, "");
  }
};

struct Problem {
  static constexpr Schema kSchema{"Problem"};
  std::string message, hint;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("message", &Problem::message, "What happened, to what");
    visit("hint", &Problem::hint, "What to do");
  }
};

struct ErrorAnswer {
  static constexpr Schema kSchema{"ErrorAnswer", "The response to a request that cannot be served"};
  Problem error;

  template <class Visit>
  static void fields(Visit&& visit) {
    visit("error", &ErrorAnswer::error, "");
  }
};

}  // namespace rcached::api
