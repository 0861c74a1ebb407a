// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/metrics_page.h"

#include <prometheus/metric_family.h>

#include <iterator>
#include <utility>

#include "exporters/http/gzip.h"
#include "exporters/prometheus/family_writer.h"

namespace rcached {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
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

MetricFamily gauge(std::size_t metric) {
  MetricFamily family;
  family.name = kMetrics.at(metric).name;
  family.help = kMetrics.at(metric).help;
  family.type = prometheus::MetricType::Gauge;
  return family;
}

void add(MetricFamily& family, std::uint64_t value, std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric sample;
  sample.gauge.value = static_cast<double>(value);
  sample.label = std::move(labels);
  family.metric.push_back(std::move(sample));
}

// What the scrape holds and what it leaves out.
std::vector<MetricFamily> about(const SeriesPlan& plan, const SeriesCounts& counts) {
  std::vector<MetricFamily> families = {
      gauge(metric("rcached_series")), gauge(metric("rcached_series_limit")),
      gauge(metric("rcached_series_left_out")), gauge(metric("rcached_series_dropped"))};
  add(families[0], plan.total());
  add(families[1], plan.limit);
  add(families[2], plan.left_out);
  for (std::size_t row = 0; row < counts.size(); ++row) {
    if (plan.dropped[row]) add(families[3], counts.at(row), {{"metric", std::string(kMetrics.at(row).name)}});
  }
  return families;
}

// The text that follows the View's.
std::string ending(std::vector<MetricFamily> own, const BodyFacts& facts, MetricsFormat format) {
  SeriesPlan plan = facts.plan;
  plan.own = series_of(own);
  std::vector<MetricFamily> families = about(plan, facts.counts);
  std::move(own.begin(), own.end(), std::back_inserter(families));
  std::string text;
  append_families(std::move(families), format, text);
  if (format == MetricsFormat::openmetrics) text += "# EOF\n";
  return text;
}

}  // namespace

MetricsPage::MetricsPage(std::shared_ptr<const ViewSource> source, Own own,
                         std::function<void(std::string_view)> on_drop)
    : source_(std::move(source)), own_(std::move(own)), on_drop_(std::move(on_drop)) {
  const auto registry = std::make_shared<prometheus::Registry>();
  const MetricRow& row = kMetrics.at(metric("rcached_render_duration_seconds"));
  auto& seconds = prometheus::BuildHistogram()
                      .Name(std::string(row.name))
                      .Help(std::string(row.help))
                      .Register(*registry);
  own_.push_back(registry);
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

HttpResponse MetricsPage::answer(const HttpRequest& request) {
  const std::optional<ContentCoding> coding = choose_coding(request.header("Accept-Encoding"));
  if (!coding) {
    return plain(406, "Accept-Encoding refuses all there is: gzip and identity. Ask for one of them.");
  }
  const MetricsFormat format = choose_format(request.header("Accept"));
  HttpResponse response;
  response.content_type = content_type(format);
  response.headers = {{"Vary", "Accept, Accept-Encoding"}};
  auto own = collect({});
  const std::uint64_t own_series = series_of(own);
  if (*coding == ContentCoding::gzip) {
    const auto number = number_shown(format, own_series);
    if (!number) return not_ready();
    const PackedBody packed = packers_.at(static_cast<std::size_t>(format))->get(*number);
    response.headers.emplace_back("Content-Encoding", "gzip");
    response.shared_body = packed.bytes;
    response.body = gzip_end(packed.sum, ending(std::move(own), *packed.facts, format), kGzipLevel);
  } else {
    const auto body = render(format, own_series);
    if (!body) return not_ready();
    response.shared_body = body->text;
    response.body = ending(std::move(own), *body->facts, format);
  }
  return response;
}

std::optional<MetricsPage::Text> MetricsPage::text(MetricsFormat format, std::string_view without) {
  auto own = collect(without);
  const auto body = render(format, series_of(own));
  if (!body) return std::nullopt;
  return Text{body->text, ending(std::move(own), *body->facts, format)};
}

std::vector<MetricFamily> MetricsPage::collect(std::string_view without) const {
  std::vector<MetricFamily> families;
  for (const auto& collectable : own_) {
    for (MetricFamily& family : collectable->Collect()) {
      if (without.empty() || !family.name.starts_with(without)) families.push_back(std::move(family));
    }
  }
  return families;
}

std::optional<RenderedBody> MetricsPage::render(MetricsFormat format, std::uint64_t own_series) {
  const auto index = static_cast<std::size_t>(format);
  const std::lock_guard lock(mutex_);
  if (!look(own_series, index)) return std::nullopt;
  return render_shown(index);
}

std::optional<std::uint64_t> MetricsPage::number_shown(MetricsFormat format, std::uint64_t own_series) {
  const std::lock_guard lock(mutex_);
  if (!look(own_series, static_cast<std::size_t>(format))) return std::nullopt;
  return shown_.facts->number;
}

bool MetricsPage::look(std::uint64_t own_series, std::size_t format) {
  // Asked under the lock: who has waited gets what is current now, and no View is rendered after a newer one.
  std::shared_ptr<const View> view = source_->view();
  if (view == nullptr) return false;
  const bool more_own = own_series > own_series_;
  if (more_own) own_series_ = own_series;
  if (shown_.facts == nullptr || (view != shown_.view && !may_lag(format))) {
    show(std::move(view));
  } else if (more_own) {
    const SeriesPlan plan = plan_series(shown_.facts->counts, own_series_, shown_.facts->plan.limit);
    if (plan.dropped != shown_.facts->plan.dropped) show(shown_.view);
  }
  return true;
}

// Slow clients hold so many bodies that the one shown now, if it is not too old, must do for others.
bool MetricsPage::may_lag(std::size_t format) const {
  return shown_.bodies.at(format) != nullptr &&
         pools_.at(format).buffers() - pools_.at(format).idle() >= kMaxBodies &&
         Clock::now() - shown_.facts->time < kMaxAge;
}

void MetricsPage::show(std::shared_ptr<const View> view) {
  BodyFacts facts;
  facts.number = shown_.facts == nullptr ? 1 : shown_.facts->number + 1;
  facts.time = Clock::now();
  facts.counts = renderer_.count(*view);
  facts.plan = plan_series(facts.counts, own_series_, view->status.series_limit);
  // When nobody sends them any more, the buffers of the bodies are free for the new ones.
  shown_ = {.view = std::move(view), .facts = std::make_shared<const BodyFacts>(facts), .bodies = {}};
  tell_what_is_left_out();
}

void MetricsPage::tell_what_is_left_out() {
  const SeriesPlan& plan = shown_.facts->plan;
  const bool over_limit = plan.total() > plan.limit;
  if (plan.dropped == told_ && over_limit == told_over_limit_) return;
  told_ = plan.dropped;
  told_over_limit_ = over_limit;
  if (on_drop_) on_drop_(describe_plan(plan, shown_.facts->counts));
}

RenderedBody MetricsPage::render_shown(std::size_t format) {
  auto& body = shown_.bodies.at(format);
  if (body == nullptr) {
    const auto start = Clock::now();
    body = pools_.at(format).make([&](std::string& out) {
      renderer_.render(*shown_.view, static_cast<MetricsFormat>(format), shown_.facts->plan.dropped, out);
    });
    render_seconds_.at(format)->Observe(std::chrono::duration<double>(Clock::now() - start).count());
  }
  return {shown_.facts, body};
}

}  // namespace rcached
