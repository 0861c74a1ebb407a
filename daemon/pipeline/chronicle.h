// SPDX-License-Identifier: Apache-2.0
// Chronicle: gives a View what only the views before it can tell: rates, verdicts, history, notes. Belongs to
// the pipeline's thread.
#pragma once

#include <chrono>
#include <cstddef>

#include "allocator/trend.h"
#include "daemon/pipeline/history_keeper.h"
#include "daemon/pipeline/note_keeper.h"
#include "view/view.h"

namespace rcached {

class Chronicle {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  Chronicle(std::size_t history_bytes, std::chrono::milliseconds snapshot_interval)
      : history_(history_bytes, snapshot_interval) {}

  // `view` is complete but for rates, verdicts, history and notes; `now` never falls.
  void complete(View& view, TimePoint now);

 private:
  Trend trend_;
  HistoryKeeper history_;
  NoteKeeper notes_;
};

}  // namespace rcached
