// SPDX-License-Identifier: Apache-2.0
// Metric families of prometheus-cpp, the type system of rcached's own metrics, as text in either format.
// Names, help and units of metrics in kMetrics are taken from there. Pure.
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/http/negotiation.h"

namespace rcached {

// Sample lines that append_families() makes of them.
std::uint64_t series_of(const std::vector<prometheus::MetricFamily>& families);

// Families of one name become one, which both formats demand; they stand in the order of kMetrics, others
// after them by name. Families without samples are not written. Of two families of one name and different
// types the later is left out: a scrape with both would be refused as a whole.
void append_families(std::vector<prometheus::MetricFamily> families, MetricsFormat format, std::string& out);

}  // namespace rcached
