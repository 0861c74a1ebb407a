// SPDX-License-Identifier: Apache-2.0
// metrics-doc: prints docs/metrics.md (the CMake target `docs-metrics` writes it into the source tree).
#include <cstdio>

#include "exporters/prometheus/metric_table.h"

int main() {
  const std::string text = rcached::metrics_markdown();
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0 ? 0 : 1;
}
