// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/metrics_page.h"

#include <prometheus/text_serializer.h>

#include "exporters/prometheus/process_collectable.h"
#include "exporters/prometheus/view_collectable.h"

namespace rcached {

std::string render_metrics(const View& view) {
  const prometheus::TextSerializer serializer;
  return serializer.Serialize(ViewCollectable(view).Collect());
}

std::string render_process_metrics() {
  const prometheus::TextSerializer serializer;
  return serializer.Serialize(ProcessCollectable().Collect());
}

std::shared_ptr<const std::string> MetricsPage::body() {
  const std::lock_guard lock(mutex_);
  // Asked under the lock: a caller that waited gets what is current now, and no view is rendered after a
  // newer.
  const std::shared_ptr<const View> view = source_->view();
  if (view == nullptr) return nullptr;
  if (view != rendered_) {
    body_ = std::make_shared<const std::string>(render_metrics(*view));
    rendered_ = view;
  }
  return body_;
}

}  // namespace rcached
