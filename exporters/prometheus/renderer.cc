// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/renderer.h"

#include <algorithm>
#include <stdexcept>

#include "exporters/prometheus/exposition.h"

namespace rcached {
namespace {

using prometheus::MetricFamily;

// The text of a row other than its samples.
struct RowText {
  Piece name;
  std::array<std::string, 2> metadata;  // by format
};

const std::array<RowText, kMetricCount>& row_texts() {
  static const auto kTexts = [] {
    std::array<RowText, kMetricCount> texts;
    for (std::size_t row = 0; row < kMetricCount; ++row) {
      texts[row].name = Piece(std::string(kMetrics[row].name));
      for (const MetricsFormat format : {MetricsFormat::text, MetricsFormat::openmetrics}) {
        texts[row].metadata.at(static_cast<std::size_t>(format)) = metadata_lines(kMetrics[row], format);
      }
    }
    return texts;
  }();
  return kTexts;
}

bool is_of_kind(prometheus::MetricType type, MetricKind kind) {
  switch (kind) {
    case MetricKind::counter:
      return type == prometheus::MetricType::Counter;
    case MetricKind::gauge:
      return type == prometheus::MetricType::Gauge;
    case MetricKind::histogram:
      return type == prometheus::MetricType::Histogram;
    case MetricKind::info:
      break;
  }
  return false;
}

void check_families(const ScrapeInput& in) {
  for (const MetricFamily& family : in.instruments) {
    if (!is_of_kind(family.type, metric_row(family.name).kind)) {
      throw std::logic_error(family.name + " is an instrument of another kind than in kMetrics");
    }
  }
}

// The samples of a row that does not come from a View.
void add_samples(const MetricRow& row, const ScrapeInput& in, SampleSink& sink) {
  if (row.source.scrape != nullptr) {
    row.source.scrape(in, sink);
    return;
  }
  for (const MetricFamily& family : in.instruments) {
    if (family.name == row.name) sources::add_instrument(family, sink);
  }
}

}  // namespace

SeriesCounts ViewRenderer::count(const View& view, const SeriesSettings& settings) {
  heads_.update(view);
  const ViewInput input{view, heads_, settings};
  SeriesCounts counts{};
  SampleSink sink;
  for (std::size_t row = 0; row < kMetricCount; ++row) {
    if (kMetrics[row].source.view == nullptr) continue;
    sink.start(row_texts()[row].name, {});
    kMetrics[row].source.view(input, sink);
    counts[row] = sink.series();
    bytes_[row] = sink.bytes();
  }
  return counts;
}

void ViewRenderer::render(const View& view, const SeriesSettings& settings, MetricsFormat format,
                          const DroppedMetrics& dropped, std::string& out) {
  heads_.update(view);
  const ViewInput input{view, heads_, settings};
  const auto metadata = [format](std::size_t row) -> const std::string& {
    return row_texts()[row].metadata.at(static_cast<std::size_t>(format));
  };

  std::size_t expected = 0;
  for (std::size_t row = 0; row < kMetricCount; ++row) {
    if (!dropped[row] && bytes_[row] != 0) expected += bytes_[row] + metadata(row).size();
  }

  TextCursor cursor(out, expected);
  SampleSink sink(cursor);
  for (std::size_t row = 0; row < kMetricCount; ++row) {
    if (kMetrics[row].source.view == nullptr || dropped[row]) continue;
    sink.start(row_texts()[row].name, metadata(row));
    kMetrics[row].source.view(input, sink);
  }
  cursor.finish();
}

std::uint64_t own_series(const ScrapeInput& in) {
  std::uint64_t series = 0;
  SampleSink sink;
  for (std::size_t row = 0; row < kMetricCount; ++row) {
    if (kMetrics[row].tier != MetricTier::own) continue;
    sink.start(row_texts()[row].name, {});
    add_samples(kMetrics[row], in, sink);
    series += sink.series();
  }
  return series;
}

std::string scrape_text(const ScrapeInput& in, MetricsFormat format,
                        const std::vector<std::string_view>& without) {
  check_families(in);
  std::string text;
  TextCursor cursor(text, 0);
  SampleSink sink(cursor);
  for (std::size_t row = 0; row < kMetricCount; ++row) {
    const auto begins_with = [row](std::string_view prefix) {
      return kMetrics[row].name.starts_with(prefix);
    };
    if (kMetrics[row].source.view != nullptr || std::ranges::any_of(without, begins_with)) continue;
    const RowText& texts = row_texts()[row];
    sink.start(texts.name, texts.metadata.at(static_cast<std::size_t>(format)));
    add_samples(kMetrics[row], in, sink);
  }
  cursor.finish();
  return text;
}

}  // namespace rcached
