// SPDX-License-Identifier: Apache-2.0
// Generates docs/metrics.md from the table.
#include <fmt/format.h>

#include <cstddef>
#include <iterator>
#include <string_view>

#include "exporters/prometheus/metric_table.h"

namespace rcached {
namespace {

constexpr std::string_view kIntroduction =
    R"(<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Generated from exporters/prometheus/metric_table.cc by `metrics-doc`; do not edit. -->
# Metrics

What `/metrics` serves, as Prometheus text 0.0.4 or, if the scraper requests it, OpenMetrics 1.0. Both have the same
series; OpenMetrics names counter and info families without `_total` and `_info`. In the text format an `info` is a
gauge that is always 1. Histograms have the label `le` in addition to those listed.

Labels: `domain` is the IOMMU group number, or `iovad-N` for a domain without a group; `order` is 0 to 5 (sizes of 1
to 32 granules), and `6+` for the sizes that are never cached; `node` is a NUMA node, or `unknown`. Known series exist
from the start with the value 0; unknown values are absent. *Kernels* lists the kernels that can provide a metric.

## Limit on the number of series

A scrape has at most `metrics.series_limit` series. Above that, rcached leaves out whole metrics, never single series of
one: first the *tier* `per_magazine`, then `per_cpu`, `histogram`, `by_order` and `standard`, and within a tier the
largest metric first. `alerting` (what the alerts use) and `own` (rcached's own parts and process, read at every scrape)
are always included, even if they alone exceed the limit. `rcached_series_dropped` and the log list what was left out.
)";

struct Section {
  std::string_view prefix;
  std::string_view title;
  std::string_view text;
};

constexpr Section kSections[] = {
    {"iova_", "The kernel's IOVA allocator",
     R"(For each domain, the parts of the balance sheet add up to the tree (sums over `order`):

```
iova_tree_ranges = sum(iova_outstanding_ranges) + sum(iova_rcache_cpu_cached) + sum(iova_rcache_depot_cached)
                   + iova_reserved_ranges + iova_unaccounted_ranges
```

Counters start when rcached begins to track the domain. Histograms have buckets from 100 ns to 100 ms.)"},
    {"rcached_", "rcached itself", "Counters start with rcached, or with the domain if they have one."},
    {"process_", "The rcached process",
     "Not in the textfile: node_exporter has its own metrics with these names."},
};

std::string_view word(MetricKind kind) {
  constexpr std::string_view kWords[] = {"gauge", "counter", "histogram", "info"};
  return kWords[static_cast<std::size_t>(kind)];
}

std::string_view word(MetricTier tier) {
  constexpr std::string_view kWords[] = {"alerting",  "own",     "standard",    "by_order",
                                         "histogram", "per_cpu", "per_magazine"};
  return kWords[static_cast<std::size_t>(tier)];
}

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
  std::string out(kIntroduction);
  for (const Section& section : kSections) {
    fmt::format_to(std::back_inserter(out), "\n## {}\n\n{}\n\n", section.title, section.text);
    out += "| metric | type | unit | labels | kernels | tier | meaning |\n|---|---|---|---|---|---|---|\n";
    for (const MetricRow& row : kMetrics) {
      if (!row.name.starts_with(section.prefix)) continue;
      fmt::format_to(std::back_inserter(out), "| `{}` | {} | {} | {} | {} | {} | {} |\n", row.name,
                     word(row.kind), row.unit, labels_of(row), row.kernels, word(row.tier), cell(row.help));
    }
  }
  return out;
}

}  // namespace rcached
