// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/interactive.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "exporters/top/figures.h"

namespace rcached::top {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTickMs = 1'000;  // how often the displayed age of old data is updated
constexpr int kKeysAtOnce = 64;

}  // namespace

Interactive::Interactive(Screen& screen, Poller& poller, TerminalSignals& signals, std::string host,
                         UiState state, Charset charset)
    : screen_(screen),
      poller_(poller),
      signals_(signals),
      host_(std::move(host)),
      charset_(charset),
      state_(std::move(state)) {}

std::optional<int> Interactive::run(Poller::Result first) {
  take_result(std::move(first));
  while (!state_.quit) {
    poller_.want(wanted_label());
    draw();
    wait();
    if (const auto signal = take_signals()) return signal;
    if (terminal_gone_) return SIGHUP;
    take_keys();
    if (auto result = poller_.take()) take_result(std::move(*result));
  }
  return std::nullopt;
}

void Interactive::wait() {
  std::array<pollfd, 3> watched = {
      {{STDIN_FILENO, POLLIN, 0}, {signals_.fd(), POLLIN, 0}, {poller_.ready_fd(), POLLIN, 0}}};
  if (poll(watched.data(), watched.size(), kTickMs) <= 0) return;
  if ((watched[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) terminal_gone_ = true;
}

// A limited number at a time, so that a flood of keys does not prevent drawing.
void Interactive::take_keys() {
  for (int i = 0; i < kKeysAtOnce && !state_.quit; ++i) {
    const auto key = screen_.key();
    if (!key) return;
    handle(*key);
  }
}

void Interactive::handle(Key key) {
  static const Domains kNone;
  const bool was_paused = state_.paused;
  handle_key(state_, key, shown_ ? shown_->domains : kNone, body_lines(picture(), state_, screen_.size()));
  if (std::exchange(state_.redraw, false)) screen_.redraw();
  if (std::exchange(state_.refresh, false)) {
    take_one_ = true;
    poller_.refresh();
  }
  if (was_paused && !state_.paused && pending_) shown_ = std::exchange(pending_, std::nullopt);
}

std::optional<int> Interactive::take_signals() {
  while (const auto signal = signals_.take()) {
    if (TerminalSignals::ends(*signal)) return signal;
    if (*signal == SIGWINCH) screen_.resized();
    if (*signal == SIGTSTP) screen_.suspend();
  }
  return std::nullopt;
}

void Interactive::take_result(Poller::Result result) {
  if (!result) {
    problem_ = result.error();
    return;
  }
  problem_.reset();
  fresh_ = Clock::now();
  TopData& data = result->data;
  if (!state_.paused || take_one_ || !shown_) {
    meter_.add(data.status);
    shown_ = std::move(data);
    pending_.reset();
    take_one_ = false;
    return;
  }
  // While paused, the user can select another domain, for which there is no data yet.
  const std::string label = wanted_label();
  const bool has_it = shown_->detail && shown_->detail->domain.label == label;
  if (!label.empty() && !has_it && data.detail && data.detail->domain.label == label) {
    shown_->detail = data.detail;
    shown_->history = data.history;
  }
  pending_ = std::move(data);
}

std::string Interactive::wanted_label() const {
  const bool of_one = state_.view == ViewKind::domain || state_.view == ViewKind::cpus;
  return of_one && shown_ ? shown_domain(state_, shown_->domains) : std::string();
}

std::string Interactive::problem_text() const {
  if (!problem_) return {};
  std::string text = problem_->message;
  if (shown_) {
    const std::chrono::duration<double> old = Clock::now() - fresh_;
    text = fmt::format("{} old: {}", age(old.count()), text);
  }
  return text;
}

Picture Interactive::picture() const {
  return {shown_ ? &*shown_ : nullptr, host_, meter_.per_second(), problem_text()};
}

void Interactive::draw() { screen_.draw(render_screen(picture(), state_, screen_.size(), charset_)); }

}  // namespace rcached::top
