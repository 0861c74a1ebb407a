// SPDX-License-Identifier: Apache-2.0
// For comparison: the same 196,608 series through prometheus-cpp.
#include <prometheus/collectable.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/measure.h"
#include "tests/bench/scrape_parts.h"
#include "tests/bench/scrape_views.h"
#include "view/view.h"

namespace rcached::bench {
namespace {

constexpr const char* kName = "iova_rcache_magazine_ranges";
constexpr const char* kHelp = "Ranges in one magazine of one CPU: loaded or prev.";
constexpr std::size_t kRepetitions = 11;

template <class Function>
void each_magazine(const View& view, Function function) {
  for (std::size_t i = 0; i < view.snapshot.domains.size(); ++i) {
    for (const CpuFill& fill : view.snapshot.domains[i].cpu_fills) {
      function(view.domains[i].label, fill, "loaded", fill.loaded);
      function(view.domains[i].label, fill, "prev", fill.prev);
    }
  }
}

// The old approach: families are created from the View at every scrape.
class MagazineCollectable final : public prometheus::Collectable {
 public:
  explicit MagazineCollectable(const View& view) : view_(view) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    prometheus::MetricFamily family;
    family.name = kName;
    family.help = kHelp;
    family.type = prometheus::MetricType::Gauge;
    each_magazine(view_,
                  [&](const std::string& domain, const CpuFill& fill, const char* magazine, unsigned value) {
                    prometheus::ClientMetric sample;
                    sample.label = {{"domain", domain},
                                    {"order", std::to_string(fill.order)},
                                    {"cpu", std::to_string(fill.cpu)},
                                    {"node", std::to_string(view_.kernel.cpu_nodes[fill.cpu])},
                                    {"magazine", magazine}};
                    sample.gauge.value = value;
                    family.metric.push_back(std::move(sample));
                  });
    return {std::move(family)};
  }

 private:
  const View& view_;
};

// Collects and serialises; the text is still allocated when the memory is measured.
Result measure_collectable(const prometheus::Collectable& collectable, const char* what, double before_mib) {
  const prometheus::TextSerializer serializer;
  std::string text;
  std::size_t series = 0;
  reset_peak();
  const Times times = measure(kRepetitions, [&](std::size_t) {
    const auto families = collectable.Collect();
    series = families.at(0).metric.size();
    text = serializer.Serialize(families);
  });
  return {.what = what,
          .figures = {{"series", series},
                      {"body_mib", static_cast<double>(text.size()) / kMiB},
                      {"median_ms", times.settled_median()},
                      {"cpu_ms", times.settled_cpu_median()},
                      {"first_ms", times.first()},
                      {"slowest_ms", times.slowest()},
                      {"added_mib", resident_mib() - before_mib},
                      {"peak_added_mib", peak_mib() - before_mib}}};
}

}  // namespace

std::vector<Result> run_registry() {
  const View view = make_view({.per_magazine = true}, 1);
  const double before = resident_mib();
  prometheus::Registry registry;
  auto& family = prometheus::BuildGauge().Name(kName).Help(kHelp).Register(registry);
  each_magazine(view,
                [&](const std::string& domain, const CpuFill& fill, const char* magazine, unsigned value) {
                  family
                      .Add({{"domain", domain},
                            {"order", std::to_string(fill.order)},
                            {"cpu", std::to_string(fill.cpu)},
                            {"node", std::to_string(view.kernel.cpu_nodes[fill.cpu])},
                            {"magazine", magazine}})
                      .Set(value);
                });
  return {measure_collectable(registry, "prometheus-cpp Registry + TextSerializer", before)};
}

std::vector<Result> run_collectable() {
  const View view = make_view({.per_magazine = true}, 1);
  const double before = resident_mib();
  return {measure_collectable(MagazineCollectable(view), "custom Collectable + TextSerializer", before)};
}

}  // namespace rcached::bench
