// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/process_collectable.h"

#include "base/process_figures.h"
#include "exporters/prometheus/family_set.h"
#include "exporters/prometheus/metric_table.h"

namespace rcached {

std::vector<prometheus::MetricFamily> ProcessCollectable::Collect() const {
  const ProcessFigures figures = read_process_figures(proc_self_);
  FamilySet out;
  if (figures.cpu_seconds) out.add(metric("process_cpu_seconds_total"), *figures.cpu_seconds);
  if (figures.resident_bytes) {
    out.add(metric("process_resident_memory_bytes"), static_cast<double>(*figures.resident_bytes));
  }
  if (figures.open_fds) out.add(metric("process_open_fds"), static_cast<double>(*figures.open_fds));
  return out.take();
}

}  // namespace rcached
