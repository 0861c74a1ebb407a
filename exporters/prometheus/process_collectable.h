// SPDX-License-Identifier: Apache-2.0
// ProcessCollectable: the standard process_ metrics of rcached itself, read from procfs at every call: they
// stay true when no new View is published any more, which is when they are needed.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <filesystem>
#include <utility>
#include <vector>

namespace rcached {

// Stateless; any number of threads may call Collect().
class ProcessCollectable final : public prometheus::Collectable {
 public:
  explicit ProcessCollectable(std::filesystem::path proc_self = "/proc/self")
      : proc_self_(std::move(proc_self)) {}

  // A metric whose file cannot be read is left out.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  std::filesystem::path proc_self_;
};

}  // namespace rcached
