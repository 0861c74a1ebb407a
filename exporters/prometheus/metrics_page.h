// SPDX-License-Identifier: Apache-2.0
// MetricsPage: what /metrics answers: the current View and rcached's own metrics, in the Prometheus text
// format or OpenMetrics, as they are or packed with gzip.
//
// A View is rendered once for each format that is asked for, and packed once, whatever the number of
// scrapers: a host with many CPUs and domains has tens of megabytes of text. The own metrics are read at
// every scrape, for they must stay true when no new View comes any more; they follow the shared body.
//
// Scrapers that come during a rendering, some milliseconds, wait for it; see BodyPacker for gzip. A rendering
// never waits for scrapers: when slow clients hold kMaxBodies bodies, others get the one rendered last until
// it is kMaxAge old, so that memory stays bounded.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/http/message.h"
#include "exporters/http/negotiation.h"
#include "exporters/prometheus/body_packer.h"
#include "exporters/prometheus/body_pool.h"
#include "exporters/prometheus/series_budget.h"
#include "exporters/prometheus/view_renderer.h"
#include "view/view.h"

namespace rcached {

// Thread-safe.
class MetricsPage {
 public:
  using Own = std::vector<std::shared_ptr<prometheus::Collectable>>;
  static constexpr std::size_t kMaxBodies = 3;  // of a format, in use at once
  static constexpr std::chrono::seconds kMaxAge{5};

  // `own` are asked at every scrape, from several threads at once. `on_drop` (may be empty) gets a line for
  // the log whenever the set of metrics left out for View.status.series_limit changes.
  explicit MetricsPage(std::shared_ptr<const ViewSource> source, Own own = {},
                       std::function<void(std::string_view)> on_drop = {});

  // 200; 503 before the first View; 406 when neither gzip nor identity is acceptable.
  HttpResponse answer(const HttpRequest& request);

  // The two parts of a scrape: `view` is shared, `own` made for the caller and ends the text.
  struct Text {
    std::shared_ptr<const std::string> view;
    std::string own;
  };
  // For other ways out than HTTP. Metrics whose names begin with `without` are left out of the own ones (the
  // textfile collector of node_exporter has process_ metrics itself). nullopt before the first View.
  std::optional<Text> text(MetricsFormat format, std::string_view without = {});

 private:
  // One View as it is shown: rendered when the first one asks for it.
  struct Shown {
    std::shared_ptr<const View> view;
    std::shared_ptr<const BodyFacts> facts;                    // null: no View is shown yet
    std::array<std::shared_ptr<const std::string>, 2> bodies;  // by format
  };

  std::vector<prometheus::MetricFamily> collect(std::string_view without) const;
  // Shows the source's current View. False: there is none yet.
  bool look(std::uint64_t own_series, std::size_t format);
  bool may_lag(std::size_t format) const;
  void show(std::shared_ptr<const View> view);
  void tell_what_is_left_out();
  RenderedBody render_shown(std::size_t format);
  // nullopt before the first View.
  std::optional<RenderedBody> render(MetricsFormat format, std::uint64_t own_series);
  std::optional<std::uint64_t> number_shown(MetricsFormat format, std::uint64_t own_series);

  std::shared_ptr<const ViewSource> source_;
  Own own_;
  std::function<void(std::string_view)> on_drop_;
  std::array<prometheus::Histogram*, 2> render_seconds_{};  // by format; owned by a registry in own_

  std::mutex mutex_;  // held while a View is rendered; guards what follows
  ViewRenderer renderer_;
  std::array<BodyPool, 2> pools_;  // by format
  Shown shown_;
  std::uint64_t own_series_ = 0;  // the most that were seen: what is left out does not depend on who asks
  DroppedMetrics told_;           // what on_drop_ was told last
  bool told_over_limit_ = false;

  std::array<std::unique_ptr<BodyPacker>, 2>
      packers_;  // by format; the last member: their threads use the others
};

}  // namespace rcached
