// SPDX-License-Identifier: Apache-2.0
// The one renderer of the table of metrics, in either format. What comes from a View and what is read anew at
// every scrape are two texts, because the first is shared by many scrapes; both are made row by row, in the
// order of kMetrics, through the same SampleSink.
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

// A View as text. Reads nothing but the immutable View. Keeps what does not change from View to View: label
// blocks, and how large the text was. One thread at a time.
class ViewRenderer {
 public:
  // Series of each metric that render() would write if nothing were dropped.
  SeriesCounts count(const View& view, const SeriesSettings& settings);

  // Writes over `out`, whose memory is used again. Metrics in `dropped` are left out, as are those without
  // samples and those that do not come from a View. After count() of a View as large as this one the buffer
  // gets its size at once.
  void render(const View& view, const SeriesSettings& settings, MetricsFormat format,
              const DroppedMetrics& dropped, std::string& out);

  const SeriesHeads& heads() const { return heads_; }

 private:
  SeriesHeads heads_;
  std::array<std::size_t, kMetricCount> bytes_{};  // of each row's samples at the last count(), about
};

// Sample lines that scrape_text() makes of the instruments and the process.
std::uint64_t own_series(const ScrapeInput& in);

// What is read anew at every scrape, as text. Metrics whose names begin with one of `without` are left out.
// Families of one name become one, which both formats demand. A family that is not in kMetrics, or there
// under another kind, throws std::logic_error: a bug that every test meets.
std::string scrape_text(const ScrapeInput& in, MetricsFormat format,
                        const std::vector<std::string_view>& without = {});

}  // namespace rcached
