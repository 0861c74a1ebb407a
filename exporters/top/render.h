// SPDX-License-Identifier: Apache-2.0
// The screens of `rcached top`, drawn into a grid of cells. Pure but for the time zone, which is the
// process's.
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

  // nullopt: nothing to compare with yet.
  Figure per_second() const { return per_second_; }

 private:
  Figure last_time_, per_second_;
  Count last_applied_ = 0;
};

// What there is to draw.
struct Picture {
  const TopData* data = nullptr;  // null: nothing has come yet
  std::string host;               // whose allocator it is
  Figure events_per_second;       // since the picture before; nullopt: there is none, the mean is shown
  std::string problem;            // why no newer data comes; empty: all is well
};

struct Size {
  int rows = 24;
  int columns = 80;
};

// A whole screen of exactly that size, however small. Sets scroll positions of `state` back into what there
// is.
Grid render_screen(const Picture& picture, UiState& state, Size size, Charset charset);

// The lines that the body of a view has on a screen of that size (handle_key's page).
int body_lines(const Picture& picture, const UiState& state, Size size);

// The same for a reader who does not scroll: as many lines as it takes, without keys and tabs, and below the
// table of domains what the verdicts say and the latest notes.
Grid render_plain(const Picture& picture, const UiState& state, int columns, Charset charset);

}  // namespace rcached::top
