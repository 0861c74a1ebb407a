// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/metrics_doc.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

#include "exporters/prometheus/metric_table.h"

namespace rcached {
namespace {

struct Section {
  std::string_view prefix;
  std::string_view title;
  std::string_view text;
};

constexpr Section kSections[] = {
    {"iova_", "The kernel's IOVA allocator",
     "Per domain the parts of the balance sheet add up to the tree:\n"
     "`iova_tree_ranges = sum(iova_outstanding_ranges) + sum(iova_rcache_cpu_cached) + "
     "sum(iova_rcache_depot_cached) + iova_reserved_ranges + iova_unaccounted_ranges`, sums over `order`.\n"
     "Counters count from the moment rcached began to follow the domain."},
    {"rcached_", "rcached itself",
     "Counters count from the start of rcached, or of the domain where there is one."},
    {"process_", "The rcached process", "Read at every scrape; part of `/metrics` only."},
};

std::string labels_of(const MetricRow& row) {
  std::string text;
  for (const char c : row.labels) text += c == ',' ? "`, `" : std::string(1, c);
  return text.empty() ? "" : "`" + text + "`";
}

// '|' would end a table cell.
std::string cell(std::string_view help) {
  std::string text;
  for (const char c : help) text += c == '|' ? "\\|" : std::string(1, c);
  return text;
}

}  // namespace

std::string metrics_markdown() {
  std::string out =
      "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"
      "<!-- Generated from exporters/prometheus/metric_table.h by `metrics-doc`; do not edit. -->\n"
      "# Metrics\n\n"
      "What `/metrics` serves. Labels: `domain` is the IOMMU group number, or `iovad-N` for a domain without "
      "a\n"
      "group; `order` is 0 to 5 (sizes of 1 to 32 granules), and `6+` for the sizes that are never cached. "
      "Known\n"
      "series exist from the start with the value 0; what rcached does not know is absent. *Kernels* says "
      "which\n"
      "kernels can fill a metric.\n";
  for (const Section& section : kSections) {
    fmt::format_to(std::back_inserter(out), "\n## {}\n\n{}\n\n", section.title, section.text);
    out += "| metric | type | unit | labels | kernels | meaning |\n|---|---|---|---|---|---|\n";
    for (const MetricRow& row : kMetrics) {
      if (!row.name.starts_with(section.prefix)) continue;
      fmt::format_to(std::back_inserter(out), "| `{}` | {} | {} | {} | {} | {} |\n", row.name,
                     row.kind == MetricKind::counter ? "counter" : "gauge", row.unit, labels_of(row),
                     row.kernels, cell(row.help));
    }
  }
  return out;
}

}  // namespace rcached
