// SPDX-License-Identifier: Apache-2.0
// Chronicle: adds to a View what depends on previous views: rates, verdicts, history, notes. Used only by the
// publisher's thread.
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

  // `view` is complete except for rates, verdicts, history and notes; `now` never decreases.
  void complete(View& view, TimePoint now);

 private:
  Trend trend_;
  HistoryKeeper history_;
  NoteKeeper notes_;
};

}  // namespace rcached
