// SPDX-License-Identifier: Apache-2.0
// ViewRenderer: a View as text in either format, metric by metric in the order of kMetrics. Reads nothing but
// the immutable View. Keeps what does not change from View to View: label blocks and metadata lines.
// One thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "exporters/http/negotiation.h"
#include "exporters/prometheus/metric_table.h"
#include "exporters/prometheus/series_budget.h"
#include "exporters/prometheus/series_heads.h"
#include "view/view.h"

namespace rcached {

class ViewRenderer {
 public:
  ViewRenderer();

  // Series of each metric that render() would write if nothing were dropped.
  SeriesCounts count(const View& view);

  // Writes over `out`, whose memory is used again. Metrics in `dropped` are left out, as are those without
  // samples and those that do not come from a View. After count() of a View as large as this one the buffer
  // gets its size at once.
  void render(const View& view, MetricsFormat format, const DroppedMetrics& dropped, std::string& out);

  const SeriesHeads& heads() const { return heads_; }

 private:
  SeriesHeads heads_;
  std::array<std::vector<std::string>, 2> metadata_;  // by format and row
  std::vector<Piece> names_;                          // by row
  std::array<std::size_t, kMetrics.size()> bytes_{};  // of each row's samples at the last count(), about
};

// True for the metrics that render() can write: all but the tier "own" and those about series left out.
bool comes_from_view(std::size_t metric);

}  // namespace rcached
