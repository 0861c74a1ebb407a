// SPDX-License-Identifier: Apache-2.0
// Renders the table of metrics in either format. The data of a View and the data read at every scrape are two
// texts, because the first is shared by many scrapes. Both are written row by row, in the order of kMetrics,
// through the same SampleSink.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/http/negotiation.h"
#include "exporters/prometheus/metric_sources.h"
#include "exporters/prometheus/metric_table.h"
#include "exporters/prometheus/series_budget.h"
#include "exporters/prometheus/series_heads.h"
#include "view/view.h"

namespace rcached {

// Renders a View as text. Reads only the immutable View. Caches data that rarely changes from View to View:
// label blocks, and the size of the text. One thread at a time.
class ViewRenderer {
 public:
  // Series of each metric that render() would write if nothing were dropped.
  SeriesCounts count(const View& view, const SeriesSettings& settings);

  // Overwrites `out`, reusing its memory. Metrics in `dropped` are left out, as are those without samples and
  // those that do not come from a View. After count() of a View of the same size, the buffer is allocated once.
  void render(const View& view, const SeriesSettings& settings, MetricsFormat format,
              const DroppedMetrics& dropped, std::string& out);

  const SeriesHeads& heads() const { return heads_; }

 private:
  SeriesHeads heads_;
  std::array<std::size_t, kMetricCount> bytes_{};  // of each row's samples at the last count(), estimated
};

// Sample lines that scrape_text() writes for the instruments and the process.
std::uint64_t own_series(const ScrapeInput& in);

// The data read at every scrape, as text. Metrics whose names begin with one of `without` are left out. Families
// with the same name are merged, as both formats require. Throws std::logic_error for a family that is not in
// kMetrics, or has another kind there, which is a bug.
std::string scrape_text(const ScrapeInput& in, MetricsFormat format,
                        const std::vector<std::string_view>& without = {});

}  // namespace rcached
