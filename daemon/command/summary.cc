// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/summary.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <thread>
#include <utility>
#include <vector>

#include "base/monotonic_clock.h"
#include "base/mutex.h"
#include "view/confidence_text.h"
#include "view/domain_names.h"

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

SummaryPrinter::SummaryPrinter(std::FILE* out) : fd_(fileno(out)), terminal_(isatty(fd_) != 0) {}

std::size_t SummaryPrinter::rows_that_fit() const {
  winsize size{};
  if (!terminal_ || ioctl(fd_, TIOCGWINSZ, &size) != 0 || size.ws_row < 8) return kRowsWithoutTerminal;
  return size.ws_row - 5u;  // totals, header, "... and", the shell's line, one for the log
}

bool SummaryPrinter::print(const View& view) {
  const std::string text = format_summary(view, rows_that_fit(), monotonic_now_ns());
  std::string screen;
  if (terminal_ && lines_above_ > 0) screen = fmt::format("\x1b[{}A\x1b[J", lines_above_);
  screen += text;
  if (!terminal_) screen += "\n";
  lines_above_ = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  return write(screen);
}

bool SummaryPrinter::write(std::string_view text) const {
  while (!text.empty()) {
    const ssize_t size = ::write(fd_, text.data(), text.size());
    if (size >= 0) {
      text.remove_prefix(static_cast<std::size_t>(size));
    } else if (errno == EAGAIN) {  // another process made the shared output non-blocking
      pollfd ready{fd_, POLLOUT, 0};
      poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

struct SummaryThread::Shared {
  Shared(std::FILE* out, std::string first) : printer(out), first_line(std::move(first)) {}

  SummaryPrinter printer;  // used by the thread only
  const std::string first_line;

  Mutex mutex;
  std::condition_variable_any changed;
  std::shared_ptr<const View> newest GUARDED_BY(mutex);  // null: taken
  bool closed GUARDED_BY(mutex) = false;
  bool ending GUARDED_BY(mutex) = false;
};

SummaryThread::SummaryThread(std::FILE* out, std::string first_line)
    : shared_(std::make_shared<Shared>(out, std::move(first_line))) {
  std::thread([shared = shared_] { run(*shared); }).detach();
}

SummaryThread::~SummaryThread() {
  const MutexLock lock(shared_->mutex);
  shared_->ending = true;
  shared_->changed.notify_one();
}

bool SummaryThread::show(std::shared_ptr<const View> view) {
  const MutexLock lock(shared_->mutex);
  shared_->newest.swap(view);
  shared_->changed.notify_one();
  return !shared_->closed;
}

void SummaryThread::run(Shared& shared) {
  bool good = shared.printer.write(shared.first_line);
  MutexLock lock(shared.mutex);
  while (good) {
    while (!shared.ending && !shared.newest) shared.changed.wait(shared.mutex);
    if (shared.ending) return;
    const auto view = std::exchange(shared.newest, nullptr);
    lock.unlock();
    good = shared.printer.print(*view);
    lock.lock();
  }
  shared.closed = true;
}

}  // namespace rcached
