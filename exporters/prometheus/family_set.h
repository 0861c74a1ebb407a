// SPDX-License-Identifier: Apache-2.0
// FamilySet: collects samples into the metric families of kMetrics. One per Collect(); not thread-safe.
#pragma once

#include <prometheus/metric_family.h>

#include <cstddef>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace rcached {

class FamilySet {
 public:
  FamilySet();

  // Adds a sample to the family kMetrics[metric]. `labels` are the values of that row's labels, in its order
  // and number (a mismatch throws std::logic_error: it is a bug that every test meets).
  void add(std::size_t metric, std::initializer_list<std::string_view> labels, double value);
  void add(std::size_t metric, double value) { add(metric, {}, value); }

  // The families that got samples, in the order of the table. Leaves the set empty.
  std::vector<prometheus::MetricFamily> take();

 private:
  std::vector<prometheus::MetricFamily> families_;          // one per row
  std::vector<std::vector<std::string_view>> label_names_;  // one per row
};

}  // namespace rcached
