// SPDX-License-Identifier: Apache-2.0
// Views for tests of exporters: every field has a different value, so that a value exported from the wrong
// field is detected.
#pragma once

#include <memory>
#include <utility>

#include "view/view.h"
#include "view/view_slot.h"

namespace rcached::testing {

// Two domains with all sizes in use: group 4 (an nvme, with flush queue, exact, audited and read) and
// "iovad-2" (no group, lossy, no flush-queue count, never read). The balance sheets add up.
View sample_view(const KernelProfile& profile);

// sample_view with quotes, backslashes, newlines, markup and invalid UTF-8 in every name.
View hostile_view();

// A ViewSource whose view the test sets.
class SettableSource final : public ViewSource {
 public:
  SettableSource() = default;
  explicit SettableSource(View view) { publish(std::move(view)); }

  std::shared_ptr<const View> view() const override { return slot_.view(); }
  std::shared_ptr<const View> wait_for_newer(const std::shared_ptr<const View>& seen,
                                             std::chrono::milliseconds limit) const override {
    return slot_.wait_for_newer(seen, limit);
  }

  void publish(View view) { slot_.publish(std::make_shared<const View>(std::move(view))); }

 private:
  ViewSlot slot_;
};

}  // namespace rcached::testing
