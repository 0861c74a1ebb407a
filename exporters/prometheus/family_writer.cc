// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/family_writer.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "exporters/prometheus/exposition.h"
#include "exporters/prometheus/metric_table.h"

namespace rcached {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

std::size_t row_of(std::string_view name) {
  const auto row = std::find_if(kMetrics.begin(), kMetrics.end(),
                                [&](const MetricRow& candidate) { return candidate.name == name; });
  return static_cast<std::size_t>(row - kMetrics.begin());
}

std::string_view type_word(MetricType type, MetricsFormat format) {
  switch (type) {
    case MetricType::Counter:
      return "counter";
    case MetricType::Gauge:
      return "gauge";
    case MetricType::Summary:
      return "summary";
    case MetricType::Histogram:
      return "histogram";
    case MetricType::Untyped:
      break;
  }
  return format == MetricsFormat::text ? "untyped" : "unknown";
}

Metadata metadata_of(const MetricFamily& family, MetricsFormat format) {
  const std::size_t row = row_of(family.name);
  if (row == kMetrics.size()) return {family.name, type_word(family.type, format), {}, family.help};
  Metadata metadata = rcached::metadata_of(kMetrics.at(row), format);
  if (metadata.type != "info") metadata.type = type_word(family.type, format);
  return metadata;
}

bool ends_at_infinity(const ClientMetric::Histogram& histogram) {
  return !histogram.bucket.empty() && std::isinf(histogram.bucket.back().upper_bound);
}

std::uint64_t lines_of(const ClientMetric& metric, MetricType type) {
  if (type == MetricType::Summary) return metric.summary.quantile.size() + 2;
  if (type != MetricType::Histogram) return 1;
  return metric.histogram.bucket.size() + (ends_at_infinity(metric.histogram) ? 2 : 3);
}

class SampleWriter {
 public:
  SampleWriter(std::string_view name, MetricsFormat format, std::string& out)
      : name_(name), format_(format), out_(out) {}

  void write(const ClientMetric& metric, MetricType type) {
    switch (type) {
      case MetricType::Counter:
        line(format_ == MetricsFormat::openmetrics && !name_.ends_with("_total") ? "_total" : "", metric, {},
             {}, metric.counter.value);
        break;
      case MetricType::Gauge:
        line("", metric, {}, {}, metric.gauge.value);
        break;
      case MetricType::Untyped:
        line("", metric, {}, {}, metric.untyped.value);
        break;
      case MetricType::Summary:
        for (const auto& quantile : metric.summary.quantile) {
          line("", metric, "quantile", canonical_number(quantile.quantile), quantile.value);
        }
        line("_sum", metric, {}, {}, metric.summary.sample_sum);
        line("_count", metric, {}, {}, static_cast<double>(metric.summary.sample_count));
        break;
      case MetricType::Histogram:
        write_histogram(metric);
        break;
    }
  }

 private:
  void write_histogram(const ClientMetric& metric) {
    const ClientMetric::Histogram& histogram = metric.histogram;
    const auto count = static_cast<double>(histogram.sample_count);
    for (const auto& bucket : histogram.bucket) {
      line("_bucket", metric, "le", canonical_number(bucket.upper_bound),
           static_cast<double>(bucket.cumulative_count));
    }
    if (!ends_at_infinity(histogram)) line("_bucket", metric, "le", "+Inf", count);
    line("_sum", metric, {}, {}, histogram.sample_sum);
    line("_count", metric, {}, {}, count);
  }

  // `extra` is a last label; none when its name is empty.
  void line(std::string_view suffix, const ClientMetric& metric, std::string_view extra,
            std::string_view extra_value, double value) {
    out_.append(name_).append(suffix);
    char before = '{';
    for (const ClientMetric::Label& label : metric.label) {
      out_ += std::exchange(before, ',');
      append_label(out_, label.name, label.value);
    }
    if (!extra.empty()) {
      out_ += std::exchange(before, ',');
      append_label(out_, extra, extra_value);
    }
    out_ += before == ',' ? "} " : " ";
    append_number(out_, value);
    if (metric.timestamp_ms != 0) {
      out_ += ' ';
      // Milliseconds in the one format, seconds in the other.
      append_number(
          out_, static_cast<double>(metric.timestamp_ms) / (format_ == MetricsFormat::text ? 1.0 : 1000.0));
    }
    out_ += '\n';
  }

  std::string_view name_;
  MetricsFormat format_;
  std::string& out_;
};

}  // namespace

std::uint64_t series_of(const std::vector<MetricFamily>& families) {
  std::map<std::string_view, MetricType> types;
  std::uint64_t series = 0;
  for (const MetricFamily& family : families) {
    if (types.try_emplace(family.name, family.type).first->second != family.type) continue;
    for (const ClientMetric& metric : family.metric) series += lines_of(metric, family.type);
  }
  return series;
}

void append_families(std::vector<MetricFamily> families, MetricsFormat format, std::string& out) {
  std::map<std::pair<std::size_t, std::string>, MetricFamily> by_place;
  for (MetricFamily& family : families) {
    const auto [slot, fresh] = by_place.try_emplace({row_of(family.name), family.name});
    if (fresh) {
      slot->second = std::move(family);
    } else if (slot->second.type == family.type) {
      std::move(family.metric.begin(), family.metric.end(), std::back_inserter(slot->second.metric));
    }
  }
  for (const auto& [place, family] : by_place) {
    if (family.metric.empty()) continue;
    append_metadata(out, metadata_of(family, format), format);
    SampleWriter writer(family.name, format, out);
    for (const ClientMetric& metric : family.metric) writer.write(metric, family.type);
  }
}

}  // namespace rcached
