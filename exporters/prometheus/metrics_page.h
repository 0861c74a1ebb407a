// SPDX-License-Identifier: Apache-2.0
// MetricsPage: the responses of /metrics: the current View and rcached's own metrics, in the Prometheus text
// format or OpenMetrics, uncompressed or compressed with gzip.
//
// A View is rendered and compressed once per requested format, regardless of the number of scrapers: a host
// with many CPUs and domains has tens of megabytes of text. The own metrics (the process_ ones and those of the
// daemon's instruments) are read at every scrape, because they must stay current even without new Views; they
// follow the shared body.
//
// Scrapes that arrive during a rendering wait for it, some milliseconds; see BodyPacker for gzip. A rendering
// never waits for scrapers: if slow clients use kMaxBodies bodies, others get the last rendered one until it is
// kMaxAge old, so memory stays bounded.
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
#include "exporters/prometheus/bodies.h"
#include "exporters/prometheus/renderer.h"
#include "exporters/prometheus/series_budget.h"
#include "view/view.h"

namespace rcached {

struct MetricsOptions {
  // Registries of the daemon's instruments. Collected at every scrape, by several threads at once.
  std::vector<std::shared_ptr<prometheus::Collectable>> instruments = {};
  SeriesSettings series = {};  // at the start
  // Gets a log line whenever the set of metrics left out because of the limit changes. May be empty.
  std::function<void(std::string_view)> on_drop = {};
};

// Thread-safe.
class MetricsPage {
 public:
  static constexpr std::size_t kMaxBodies = 3;  // per format, in use at once
  static constexpr std::chrono::seconds kMaxAge{5};

  explicit MetricsPage(std::shared_ptr<const ViewSource> source, MetricsOptions options = {});

  // Takes effect with the next rendering. Any thread.
  void set_series(const SeriesSettings& settings);

  // 200; 503 before the first View; 406 if neither gzip nor identity is acceptable.
  HttpResponse answer(const HttpRequest& request);

  // The two parts of a scrape: `view` is shared; `own` is specific to the caller and follows it.
  struct Text {
    std::shared_ptr<const std::string> view;
    std::string own;
  };
  // For exporters other than HTTP. Own metrics whose names begin with one of `without` are left out, but are
  // counted in rcached_series. nullopt before the first View.
  std::optional<Text> text(MetricsFormat format, const std::vector<std::string_view>& without = {});

 private:
  // The View that is currently shown. Rendered on first use.
  struct Shown {
    std::shared_ptr<const View> view;
    std::shared_ptr<const BodyFacts> facts;                    // null: no View is shown yet
    std::array<std::shared_ptr<const std::string>, 2> bodies;  // by format
  };

  ScrapeInput read_own() const;
  // Shows the source's current View. False: there is none yet.
  bool refresh(std::uint64_t own_series, std::size_t format);
  bool may_lag(std::size_t format) const;
  void show(std::shared_ptr<const View> view);
  void report_drops();
  RenderedBody render_shown(std::size_t format);
  // nullopt before the first View.
  std::optional<RenderedBody> render(MetricsFormat format, std::uint64_t own_series);
  std::optional<std::uint64_t> number_shown(MetricsFormat format, std::uint64_t own_series);

  std::shared_ptr<const ViewSource> source_;
  const std::function<void(std::string_view)> on_drop_;
  std::vector<std::shared_ptr<prometheus::Collectable>> instruments_;
  std::array<prometheus::Histogram*, 2> render_seconds_{};  // by format; owned by one of the instruments

  std::mutex mutex_;  // held while a View is rendered; guards what follows
  SeriesSettings settings_;
  bool settings_changed_ = false;  // since the View was shown
  ViewRenderer renderer_;
  std::array<BodyPool, 2> pools_;  // by format
  Shown shown_;
  std::uint64_t own_series_ = 0;  // the maximum seen, so that the same metrics are left out for all clients
  DroppedMetrics reported_;       // to on_drop_
  bool reported_over_limit_ = false;

  // by format; the last member: their threads use the others
  std::array<std::unique_ptr<BodyPacker>, 2> packers_;
};

}  // namespace rcached
