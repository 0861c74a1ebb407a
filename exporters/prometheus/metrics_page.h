// SPDX-License-Identifier: Apache-2.0
// MetricsPage: the current View in the Prometheus text format. A View is rendered once, whatever the number
// of scrapers: a host with many CPUs and domains has tens of megabytes of text, and four scrapers rendering
// their own copy each would cost a gigabyte.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "exporters/view.h"

namespace rcached {

inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

// `view` alone, without the metrics of the process.
std::string render_metrics(const View& view);

// Metrics of the process; cheap, never cached.
std::string render_process_metrics();

// Thread-safe.
class MetricsPage {
 public:
  explicit MetricsPage(std::shared_ptr<const ViewSource> source) : source_(std::move(source)) {}

  // render_metrics() of the source's current view; null before the first one. As long as the source returns
  // the same View, all callers share one string. Callers that arrive during a rendering wait for it.
  std::shared_ptr<const std::string> body();

 private:
  std::shared_ptr<const ViewSource> source_;
  std::mutex mutex_;
  std::shared_ptr<const View> rendered_;  // the View of body_; owned, so that its address is not used again
  std::shared_ptr<const std::string> body_;
};

}  // namespace rcached
