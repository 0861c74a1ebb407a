// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/summary.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "exporters/confidence_text.h"
#include "exporters/domain_names.h"
#include "exporters/monotonic_clock.h"

namespace rcached {
namespace {

constexpr std::size_t kRowsWithoutTerminal = 40;
constexpr std::size_t kDevicesWidth = 22;
constexpr const char* kRow = "{:<10} {:<{}} {:>11} {:>12} {:>7} {:>9} {:>9} {:>9}  {}\n";

std::string cut(const std::string& text, std::size_t width) {
  return text.size() <= width ? text : text.substr(0, width - 3) + "...";
}

}  // namespace

std::string format_summary(const View& view, std::size_t max_rows, std::uint64_t now_ns) {
  std::string out = fmt::format("source {}, {} domains, {} events, {} lost\n", view.status.source,
                                view.snapshot.domains.size(), view.status.events,
                                view.status.malformed + events_lost(view.status.cpus, view.status.programs));
  out += fmt::format(kRow, "domain", "devices", kDevicesWidth, "outstanding", "before start", "fq", "cached",
                     "depot", "tree", "confidence");
  std::vector<NamedDomain> domains = named_domains(view);
  const std::size_t shown = std::min(domains.size(), max_rows);
  if (shown < domains.size()) {
    std::stable_sort(domains.begin(), domains.end(), [](const NamedDomain& a, const NamedDomain& b) {
      return a.state->tree_ranges > b.state->tree_ranges;
    });
  }
  for (std::size_t i = 0; i < shown; ++i) {
    const DomainSnapshot& state = *domains[i].state;
    out += fmt::format(kRow, cut(domains[i].info.label, 10), cut(domains[i].info.devices, kDevicesWidth),
                       kDevicesWidth, state.outstanding, state.outstanding_before_start,
                       state.fq_pending ? std::to_string(*state.fq_pending) : "-", state.cpu_cached,
                       state.depot_cached, state.tree_ranges, confidence_text(state, now_ns));
  }
  if (shown < domains.size()) out += fmt::format("... and {} smaller domains\n", domains.size() - shown);
  return out;
}

SummaryPrinter::SummaryPrinter(std::FILE* out) : out_(out), terminal_(isatty(fileno(out)) != 0) {}

std::size_t SummaryPrinter::rows_that_fit() const {
  winsize size{};
  if (!terminal_ || ioctl(fileno(out_), TIOCGWINSZ, &size) != 0 || size.ws_row < 8)
    return kRowsWithoutTerminal;
  return size.ws_row - 5u;  // totals, header, "... and", the shell's line, one for the log
}

bool SummaryPrinter::print(const View& view) {
  const std::string text = format_summary(view, rows_that_fit(), monotonic_now_ns());
  std::string screen;
  if (terminal_ && lines_above_ > 0) screen = fmt::format("\x1b[{}A\x1b[J", lines_above_);
  screen += text;
  if (!terminal_) screen += "\n";
  lines_above_ = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  return std::fwrite(screen.data(), 1, screen.size(), out_) == screen.size() && std::fflush(out_) == 0;
}

}  // namespace rcached
