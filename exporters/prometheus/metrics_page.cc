// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/metrics_page.h"

#include <utility>

#include "exporters/http/gzip.h"

namespace rcached {
namespace {

using Clock = std::chrono::steady_clock;

HttpResponse plain(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body) + "\n";
  return response;
}

HttpResponse not_ready() {
  return plain(503, "not ready: rcached is starting: no snapshot has been taken yet");
}

// The text that follows the View's.
std::string ending(ScrapeInput own, const BodyFacts& facts, MetricsFormat format,
                   const std::vector<std::string_view>& without = {}) {
  SeriesPlan plan = facts.plan;
  plan.own = own_series(own);
  own.plan = &plan;
  std::string text = scrape_text(own, format, without);
  if (format == MetricsFormat::openmetrics) text += "# EOF\n";
  return text;
}

}  // namespace

MetricsPage::MetricsPage(std::shared_ptr<const ViewSource> source, MetricsOptions options)
    : source_(std::move(source)),
      on_drop_(std::move(options.on_drop)),
      instruments_(std::move(options.instruments)),
      settings_(options.series) {
  const auto registry = std::make_shared<prometheus::Registry>();
  auto& seconds = prometheus::BuildHistogram().Name("rcached_render_duration_seconds").Register(*registry);
  instruments_.push_back(registry);
  const prometheus::Histogram::BucketBoundaries bounds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                                          0.025,  0.05,    0.1,    0.25,  0.5,    1};
  for (const MetricsFormat format : {MetricsFormat::text, MetricsFormat::openmetrics}) {
    const std::string name = format == MetricsFormat::text ? "text" : "openmetrics";
    const auto index = static_cast<std::size_t>(format);
    render_seconds_.at(index) = &seconds.Add({{"format", name}}, bounds);
    auto& pack_seconds = seconds.Add({{"format", name + "_gzip"}}, bounds);
    packers_.at(index) = std::make_unique<BodyPacker>([this, format] { return render(format, 0).value(); },
                                                      [&pack_seconds](double s) { pack_seconds.Observe(s); });
  }
}

void MetricsPage::set_series(const SeriesSettings& settings) {
  const std::lock_guard lock(mutex_);
  settings_changed_ = settings_changed_ || settings != settings_;
  settings_ = settings;
}

HttpResponse MetricsPage::answer(const HttpRequest& request) {
  const std::optional<ContentCoding> coding = choose_coding(request.header("Accept-Encoding"));
  if (!coding) {
    return plain(406,
                 "Accept-Encoding refuses both supported codings: gzip and identity. Accept one of them.");
  }
  const MetricsFormat format = choose_format(request.header("Accept"));
  HttpResponse response;
  response.content_type = content_type(format);
  response.headers = {{"Vary", "Accept, Accept-Encoding"}};
  ScrapeInput own = read_own();
  const std::uint64_t series = own_series(own);
  if (*coding == ContentCoding::gzip) {
    const auto number = number_shown(format, series);
    if (!number) return not_ready();
    const PackedBody packed = packers_.at(static_cast<std::size_t>(format))->get(*number);
    response.headers.emplace_back("Content-Encoding", "gzip");
    response.shared_body = packed.bytes;
    response.body = gzip_end(packed.sum, ending(std::move(own), *packed.facts, format), kGzipLevel);
  } else {
    const auto body = render(format, series);
    if (!body) return not_ready();
    response.shared_body = body->text;
    response.body = ending(std::move(own), *body->facts, format);
  }
  return response;
}

std::optional<MetricsPage::Text> MetricsPage::text(MetricsFormat format,
                                                   const std::vector<std::string_view>& without) {
  ScrapeInput own = read_own();
  const auto body = render(format, own_series(own));
  if (!body) return std::nullopt;
  return Text{body->text, ending(std::move(own), *body->facts, format, without)};
}

ScrapeInput MetricsPage::read_own() const {
  ScrapeInput own;
  own.process = read_process_figures();
  for (const auto& collectable : instruments_) {
    for (prometheus::MetricFamily& family : collectable->Collect()) {
      own.instruments.push_back(std::move(family));
    }
  }
  return own;
}

std::optional<RenderedBody> MetricsPage::render(MetricsFormat format, std::uint64_t own_series) {
  const auto index = static_cast<std::size_t>(format);
  const std::lock_guard lock(mutex_);
  if (!refresh(own_series, index)) return std::nullopt;
  return render_shown(index);
}

std::optional<std::uint64_t> MetricsPage::number_shown(MetricsFormat format, std::uint64_t own_series) {
  const std::lock_guard lock(mutex_);
  if (!refresh(own_series, static_cast<std::size_t>(format))) return std::nullopt;
  return shown_.facts->number;
}

bool MetricsPage::refresh(std::uint64_t own_series, std::size_t format) {
  // Read under the lock: a client that has waited gets the current View, and no View is rendered after a newer
  // one.
  std::shared_ptr<const View> view = source_->view();
  if (view == nullptr) return false;
  const bool more_own = own_series > own_series_;
  if (more_own) own_series_ = own_series;
  if (shown_.facts == nullptr || settings_changed_ || (view != shown_.view && !may_lag(format))) {
    show(std::move(view));
  } else if (more_own) {
    const SeriesPlan plan = plan_series(shown_.facts->plan.counts, own_series_, settings_.limit);
    if (plan.dropped != shown_.facts->plan.dropped) show(shown_.view);
  }
  return true;
}

// True if slow clients use so many bodies that others must get the current one, unless it is too old.
bool MetricsPage::may_lag(std::size_t format) const {
  return shown_.bodies.at(format) != nullptr &&
         pools_.at(format).buffers() - pools_.at(format).idle() >= kMaxBodies &&
         Clock::now() - shown_.facts->time < kMaxAge;
}

void MetricsPage::show(std::shared_ptr<const View> view) {
  BodyFacts facts;
  facts.number = shown_.facts == nullptr ? 1 : shown_.facts->number + 1;
  facts.time = Clock::now();
  facts.plan = plan_series(renderer_.count(*view, settings_), own_series_, settings_.limit);
  settings_changed_ = false;
  // Once no response sends the old bodies any more, their buffers can be reused.
  shown_ = {.view = std::move(view), .facts = std::make_shared<const BodyFacts>(facts), .bodies = {}};
  report_drops();
}

void MetricsPage::report_drops() {
  const SeriesPlan& plan = shown_.facts->plan;
  const bool over_limit = plan.total() > plan.limit;
  if (plan.dropped == reported_ && over_limit == reported_over_limit_) return;
  reported_ = plan.dropped;
  reported_over_limit_ = over_limit;
  if (on_drop_) on_drop_(describe_plan(plan));
}

RenderedBody MetricsPage::render_shown(std::size_t format) {
  auto& body = shown_.bodies.at(format);
  if (body == nullptr) {
    const auto start = Clock::now();
    body = pools_.at(format).make([&](std::string& out) {
      renderer_.render(*shown_.view, settings_, static_cast<MetricsFormat>(format),
                       shown_.facts->plan.dropped, out);
    });
    render_seconds_.at(format)->Observe(std::chrono::duration<double>(Clock::now() - start).count());
  }
  return {shown_.facts, body};
}

}  // namespace rcached
