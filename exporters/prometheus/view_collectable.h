// SPDX-License-Identifier: Apache-2.0
// ViewCollectable: one View as prometheus-cpp metric families. What each metric means stands in
// metric_table.h.
//
// Known series are present from the start with 0: every order of every domain, every reason, mode and class.
// Orders are "0".."5"; "6+" collects the sizes beyond the cacheable ones and exists only where such sizes can
// occur (they are never cached). What is unknown is absent, never 0: flush-queue counts, skip counts, the
// limit or threshold that the depot kind does not have.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "exporters/view.h"

namespace rcached {

// Stateless; any number of threads may call Collect().
class ViewCollectable final : public prometheus::Collectable {
 public:
  // `view` must outlive this object.
  explicit ViewCollectable(const View& view) : view_(view) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const View& view_;
};

}  // namespace rcached
