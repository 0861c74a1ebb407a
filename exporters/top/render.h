// SPDX-License-Identifier: Apache-2.0
// The screens of `rcached top`, drawn into a grid of cells. Pure, except for the process's time zone.
#pragma once

#include <string>

#include "exporters/top/cell_grid.h"
#include "exporters/top/model.h"
#include "exporters/top/ui_state.h"

namespace rcached::top {

// Events per second from one picture to the next.
class EventMeter {
 public:
  void add(const Status& status) {
    if (last_time_ && status.time && *status.time > *last_time_ && status.events.applied >= last_applied_) {
      per_second_ = static_cast<double>(status.events.applied - last_applied_) / (*status.time - *last_time_);
    } else if (last_time_ &&
               (!status.time || *status.time < *last_time_ || status.events.applied < last_applied_)) {
      per_second_ = std::nullopt;  // another daemon
    }
    last_time_ = status.time;
    last_applied_ = status.events.applied;
  }

  // nullopt: there is no previous picture yet.
  Figure per_second() const { return per_second_; }

 private:
  Figure last_time_, per_second_;
  Count last_applied_ = 0;
};

// The data of a screen.
struct Picture {
  const TopData* data = nullptr;  // null: no data yet
  std::string host;               // the observed host
  Figure events_per_second;       // since the previous picture; nullopt: there is none, the mean is shown
  std::string problem;            // why there is no newer data; empty: no problem
};

struct Size {
  int rows = 24;
  int columns = 80;
};

// A whole screen of exactly that size, however small. Clamps the scroll positions of `state`.
Grid render_screen(const Picture& picture, UiState& state, Size size, Charset charset);

// The number of body lines of a view on a screen of that size (handle_key's page).
int body_lines(const Picture& picture, const UiState& state, Size size);

// The same without scrolling: as many lines as needed, without keys and tabs, and with verdicts and the latest
// notes below the table of domains.
Grid render_plain(const Picture& picture, const UiState& state, int columns, Charset charset);

}  // namespace rcached::top
