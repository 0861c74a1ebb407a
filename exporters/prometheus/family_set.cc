// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/family_set.h"

#include <stdexcept>
#include <string>
#include <utility>

#include "base/text.h"
#include "exporters/prometheus/metric_table.h"

namespace rcached {
namespace {

std::vector<std::string_view> split(std::string_view list) {
  std::vector<std::string_view> parts;
  while (!list.empty()) {
    const auto comma = list.find(',');
    parts.push_back(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return parts;
}

}  // namespace

FamilySet::FamilySet() : families_(kMetrics.size()) {
  label_names_.reserve(kMetrics.size());
  for (const MetricRow& row : kMetrics) label_names_.push_back(split(row.labels));
}

void FamilySet::add(std::size_t metric, std::initializer_list<std::string_view> labels, double value) {
  const auto& names = label_names_.at(metric);
  if (names.size() != labels.size()) {
    throw std::logic_error("wrong number of labels for " + std::string(kMetrics.at(metric).name));
  }
  prometheus::ClientMetric sample;
  sample.label.reserve(names.size());
  auto name = names.begin();
  for (const std::string_view label : labels) {
    sample.label.push_back({std::string(*name++), valid_utf8(label)});
  }
  if (kMetrics.at(metric).kind == MetricKind::counter) {
    sample.counter.value = value;
  } else {
    sample.gauge.value = value;
  }
  families_[metric].metric.push_back(std::move(sample));
}

std::vector<prometheus::MetricFamily> FamilySet::take() {
  std::vector<prometheus::MetricFamily> filled;
  for (std::size_t i = 0; i < families_.size(); ++i) {
    prometheus::MetricFamily& family = families_[i];
    if (family.metric.empty()) continue;
    family.name = kMetrics.at(i).name;
    family.help = kMetrics.at(i).help;
    family.type = kMetrics.at(i).kind == MetricKind::counter ? prometheus::MetricType::Counter
                                                             : prometheus::MetricType::Gauge;
    filled.push_back(std::exchange(family, {}));
  }
  return filled;
}

}  // namespace rcached
