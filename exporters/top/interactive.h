// SPDX-License-Identifier: Apache-2.0
// The live screen: processes keys, signals and new pictures, and draws grids.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "exporters/top/poller.h"
#include "exporters/top/render.h"
#include "exporters/top/screen.h"

namespace rcached::top {

// Single-threaded.
class Interactive {
 public:
  Interactive(Screen& screen, Poller& poller, TerminalSignals& signals, std::string host, UiState state,
              Charset charset);

  // `first` is the result fetched before the screen was opened. Returns when the user quits (nullopt), a signal
  // requests termination (its number), or the terminal is gone (SIGHUP).
  std::optional<int> run(Poller::Result first);

 private:
  void take_result(Poller::Result result);
  void take_keys();
  void handle(Key key);
  std::optional<int> take_signals();
  void wait();
  void draw();
  Picture picture() const;
  std::string wanted_label() const;
  std::string problem_text() const;

  Screen& screen_;
  Poller& poller_;
  TerminalSignals& signals_;
  const std::string host_;
  const Charset charset_;
  UiState state_;
  std::optional<TopData> shown_;
  std::optional<TopData> pending_;  // newer than the displayed data, while paused
  bool take_one_ = false;           // paused, but an update was requested
  EventMeter meter_;
  std::optional<Error> problem_;
  std::chrono::steady_clock::time_point fresh_{};  // when the newest data arrived
  bool terminal_gone_ = false;
};

}  // namespace rcached::top
