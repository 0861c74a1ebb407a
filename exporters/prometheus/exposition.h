// SPDX-License-Identifier: Apache-2.0
// The pieces of the two exposition formats: metadata lines, label values, numbers. Pure; what is called for
// every series of a scrape stands in text_cursor.h instead.
#pragma once

#include <string>
#include <string_view>

#include "exporters/http/negotiation.h"
#include "exporters/prometheus/metric_table.h"

namespace rcached {

// What stands before the samples of a metric.
struct Metadata {
  std::string_view name;  // as in MetricRow: of the samples
  std::string_view type;  // "gauge", "counter", ...: the word of the format
  std::string_view unit;  // may be empty or not part of the name: then it is not written
  std::string_view help;  // any bytes
};

// `row` as it is called in `format`: an info metric is a gauge in the text format.
Metadata metadata_of(const MetricRow& row, MetricsFormat format);

// "# HELP", "# TYPE" and, in OpenMetrics, "# UNIT" where the name ends in the unit. In OpenMetrics a
// counter's family has no _total and an info's no _info.
void append_metadata(std::string& out, const Metadata& metadata, MetricsFormat format);

// `name="value"`, escaped (the same in both formats) and valid UTF-8. A NUL becomes U+FFFD: parsers of the
// text format take it for the end.
void append_label(std::string& out, std::string_view name, std::string_view value);

// A sample's value: the shortest text that is this very number; NaN, +Inf, -Inf.
void append_number(std::string& out, double value);

// The value of `le` or `quantile` as OpenMetrics wants it: "1e-07", "0.00025", "1.0", "+Inf". The text format
// gets the same, so that a histogram's series do not depend on the format they came in.
std::string canonical_number(double value);

}  // namespace rcached
