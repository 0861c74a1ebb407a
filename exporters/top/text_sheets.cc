// SPDX-License-Identifier: Apache-2.0
// Notes, the daemon itself, help.
#include <fmt/format.h>

#include <algorithm>

#include "exporters/top/domain_table.h"
#include "exporters/top/figures.h"
#include "exporters/top/sheets.h"

namespace rcached::top {
namespace {

void facts_line(Grid& grid, const char* name, const std::string& text, Style style = {}) {
  const int row = grid.add_row();
  grid.put(row, 0, name, kTitle);
  add_wrapped(grid, row, 10, text, style);
}

Style loss_style(Count lost) { return {.tone = lost > 0 ? Tone::bad : Tone::normal}; }

void programs(Grid& grid, const Status& status) {
  int row = grid.add_row();
  grid.put(row, 0, "PROGRAM", kTitle);
  grid.put(row, 30, "METHOD", kTitle);
  for (const auto& [x, name] : {std::pair(40, "RUNS"), std::pair(50, "MEAN"), std::pair(60, "SKIPPED")})
    grid.put_right(row, x, 9, name, kTitle);
  for (const Program& program : status.programs) {
    row = grid.add_row();
    grid.put(row, 0, program.function, {}, 29);
    grid.put(row, 30, program.method, {}, 10);
    const bool known = program.seconds && program.runs.value_or(0) > 0;
    grid.put_right(row, 40, 9, count(program.runs));
    grid.put_right(
        row, 50, 9,
        duration(known ? Figure(*program.seconds / static_cast<double>(*program.runs)) : Figure()));
    grid.put_right(row, 60, 9, count(program.skipped), loss_style(program.skipped.value_or(0)));
  }
}

void cpus(Grid& grid, const Status& status) {
  int row = grid.add_row();
  grid.put(row, 0, "CPU", kTitle);
  for (const auto& [x, name] : {std::pair(10, "SENT"), std::pair(22, "RECEIVED"), std::pair(34, "RING FULL"),
                                std::pair(46, "NO ENTRY")})
    grid.put_right(row, x, 11, name, kTitle);
  for (const CpuEvents& cpu : status.cpus) {
    row = grid.add_row();
    grid.put(row, 0, std::to_string(cpu.cpu), {.bold = true});
    grid.put_right(row, 10, 11, count(cpu.sent));
    grid.put_right(row, 22, 11, count(cpu.received));
    grid.put_right(row, 34, 11, count(cpu.ring_full), loss_style(cpu.ring_full));
    grid.put_right(row, 46, 11, count(cpu.entry_missing), loss_style(cpu.entry_missing));
  }
}

}  // namespace

Sheet notes_sheet(const TopData& data, const std::string& filter, int width, Charset charset) {
  Sheet sheet{Grid(0, width, charset)};
  for (const Note& note : data.notes.notes) {
    const std::string label = note.domain.value_or("");
    if (!contains_words(note.kind + " " + label + " " + note.text, filter)) continue;
    const int row = sheet.grid.add_row();
    int x = sheet.grid.put(row, 0, clock_text(note.time, data.status.time), kFaint) + 1;
    x = sheet.grid.put(row, x, note.kind, {.bold = true}) + 1;
    if (note.domain) x = sheet.grid.put(row, x, label + ":", kTitle) + 1;
    // On a narrow screen there is more room on the next line.
    const bool below = x > width / 2;
    add_wrapped(sheet.grid, below ? sheet.grid.add_row() : row, below ? 2 : x, note.text);
  }
  if (sheet.grid.rows() == 0) {
    sheet.grid.put(sheet.grid.add_row(), 0,
                   data.notes.notes.empty() ? "There are no notes." : "No note matches the filter.", kFaint);
  }
  return sheet;
}

Sheet daemon_sheet(const TopData& data, int width, Charset charset) {
  Sheet sheet{Grid(0, width, charset)};
  const Status& status = data.status;
  Grid& grid = sheet.grid;
  facts_line(grid, "rcached",
             fmt::format("{}, source {}, mode {}, {}", status.version, status.source, status.mode,
                         status.ready ? "ready" : "not ready: " + status.not_ready_reason.value_or("")),
             {.tone = status.ready ? Tone::normal : Tone::warning});
  if (status.started) {
    const auto started = static_cast<double>(*status.started);
    facts_line(grid, "started",
               status.time
                   ? fmt::format("{}, {} ago", clock_text(started, status.time), age(*status.time - started))
                   : clock_text(started, std::nullopt));
  }
  facts_line(
      grid, "kernel",
      fmt::format("{}, {} depots of {} magazines, magazines of {} ranges, {} CPUs", status.kernel.release,
                  status.kernel.depot, count(status.kernel.depot_mark_magazines),
                  status.kernel.magazine_capacity, count(status.kernel.online_cpus)));
  facts_line(
      grid, "events",
      fmt::format("{} applied, {} sent, {} received, lag {}; {} flush-queue drains without a domain",
                  count(status.events.applied), count(status.events.sent), count(status.events.received),
                  duration(status.events.lag_seconds), count(status.unattributed_flush_queue_drains)));
  facts_line(grid, "lost",
             fmt::format("{}: ring full {}, entry missing {}, skipped by the kernel {}, malformed {}",
                         count(status.events.lost), count(status.events.lost_by.ring_full),
                         count(status.events.lost_by.entry_missing), count(status.events.lost_by.skipped),
                         count(status.events.lost_by.malformed)),
             loss_style(status.events.lost));
  facts_line(
      grid, "reader",
      status.reader
          ? fmt::format("{} reads, {} changed during the read, {} faults; {} in total, longest {}, budget {} "
                        "per second",
                        count(status.reader->reads), count(status.reader->changed),
                        count(status.reader->faults), duration(status.reader->seconds),
                        duration(status.reader->longest_seconds),
                        duration(status.reader->budget_seconds_per_second))
          : "this source has no kernel memory to read");
  facts_line(grid, "process",
             fmt::format("CPU time {}, resident {}, {} open files", duration(status.process.cpu_seconds),
                         bytes(status.process.resident_bytes), count(status.process.open_fds)));
  if (!status.programs.empty()) programs(grid, status);
  if (!status.cpus.empty()) cpus(grid, status);
  return sheet;
}

Sheet help_sheet(int width, Charset charset) {
  Sheet sheet{Grid(0, width, charset)};
  struct Line {
    const char* keys;
    const char* what;
  };
  constexpr std::array<Line, 14> kLines = {
      {{"1 2 3 4 5, Tab", "domains, one domain, its CPUs, notes, the daemon"},
       {"Up Down k j", "select a domain; elsewhere scroll. Also Page, Home, End"},
       {"Enter, Esc", "open the selected domain; go back"},
       {"Left Right", "sort by the next column; in domain views, go to the next domain"},
       {"r", "reverse the order"},
       {"/", "filter: words in label, type, device, driver, confidence, verdict"},
       {"n", "CPUs as map or numbers"},
       {"space", "pause: freeze the numbers"},
       {"u, F5, Ctrl-L", "update now; redraw the screen"},
       {"?, q", "this help (also h, F1); quit (also Ctrl-C)"},
       {"", ""},
       {"TREE", "= OUTST + CPU + DEPOT + reserved + unaccounted; +/S: per second"},
       {"FULL", "the fullest depot, of its limit or reclaim threshold"},
       {"MISS", "allocations that went to the tree"}}};
  Grid& grid = sheet.grid;
  for (const Line& each : kLines) {
    const int row = grid.add_row();
    const int x = grid.put(row, 0, each.keys, {.bold = true});
    add_wrapped(grid, x > 16 ? grid.add_row() : row, 17, each.what);
  }
  const int row = grid.add_row();
  grid.put(row, 0, "Sort by", {.bold = true});
  std::string sorts;
  for (const Column& each : columns()) {
    if (each.key != 0) sorts += fmt::format("{}{} {}", sorts.empty() ? "" : ", ", each.key, each.name);
  }
  add_wrapped(grid, row, 17, sorts);
  return sheet;
}

}  // namespace rcached::top
