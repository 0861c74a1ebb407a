// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/view_renderer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "exporters/prometheus/metric_table.h"
#include "tests/kit/sample_view.h"
#include "tests/kit/samples.h"

namespace rcached {
namespace {

using testing::hostile_view;
using testing::sample_view;
using testing::Samples;

constexpr MetricsFormat kText = MetricsFormat::text;
constexpr MetricsFormat kOpen = MetricsFormat::openmetrics;

std::string rendered(const View& view, MetricsFormat format = kText) {
  ViewRenderer renderer;
  std::string text = "what was there before";
  renderer.render(view, format, {}, text);
  return text;
}

Samples samples_of(const View& view) { return Samples(rendered(view)); }

TEST(ViewRenderer, EveryFieldArrivesUnderItsName) {
  View view = sample_view(kProfile61);
  view.status.per_cpu_series = view.status.per_magazine_series = true;
  const Samples s = samples_of(view);
  // domain 1 has seed 10000, domain 2 seed 20000; each order adds 100 (see sample_view.cc)
  EXPECT_EQ(s.at("iova_kernel_info{release=6.1.0-test,depot=bounded,magazine_capacity=127,tree=rbtree}"), 1);
  EXPECT_EQ(
      s.at("iova_domain_info{domain=4,type=DMA-FQ,devices=0000:00:03.0,0000:00:04.0,driver=nvme,iommu=intel,"
           "granule=4096}"),
      1);
  EXPECT_EQ(s.at("iova_domain_info{domain=iovad-2,type=unknown,devices=none,driver=none,iommu=unknown,"
                 "granule=unknown}"),
            1);
  EXPECT_EQ(s.at("iova_outstanding_ranges{domain=4,order=2}"), 10201);
  EXPECT_EQ(s.at("iova_outstanding_ranges{domain=iovad-2,order=6+}"), 20601);
  EXPECT_EQ(s.at("iova_rcache_cpu_cached{domain=4,order=3}"), 10302);
  EXPECT_EQ(s.at("iova_rcache_cpu_capacity{domain=4,order=0}"), 10300);
  EXPECT_EQ(s.at("iova_rcache_cpus_holding{domain=4,order=4}"), 5);
  EXPECT_EQ(s.at("iova_rcache_depot_magazines{domain=4,order=5}"), 27);
  EXPECT_EQ(s.at("iova_rcache_depot_cached{domain=4,order=5}"), 27 * 127);
  EXPECT_EQ(s.at("iova_allocations_total{domain=4,order=1}"), 10104);
  EXPECT_EQ(s.at("iova_allocation_failures_total{domain=4,order=1}"), 10105);
  EXPECT_EQ(s.at("iova_tree_allocations_total{domain=4,order=6+}"), 10606);
  EXPECT_EQ(s.at("iova_frees_total{domain=4,order=1}"), 10107);
  EXPECT_EQ(s.at("iova_tree_frees_total{domain=4,order=1}"), 10108);
  EXPECT_EQ(s.at("iova_depot_pushes_total{domain=4,order=1}"), 10109);
  EXPECT_EQ(s.at("iova_depot_pops_total{domain=4,order=1}"), 10110);
  EXPECT_EQ(s.at("iova_depot_overflows_total{domain=4,order=1}"), 10111);
  EXPECT_EQ(s.at("iova_depot_reclaims_total{domain=4,order=1}"), 10112);
  EXPECT_EQ(s.at("iova_mismatched_frees_total{domain=4,order=1}"), 10113);
  EXPECT_EQ(s.at("iova_reserved_ranges{domain=4}"), 10014);
  EXPECT_EQ(s.at("iova_unaccounted_ranges{domain=4}"), -3);
  EXPECT_EQ(s.at("iova_rcache_flushes_total{domain=4}"), 10015);
  EXPECT_EQ(s.at("iova_flush_queue_drains_total{domain=4}"), 10016);
  EXPECT_EQ(s.at("rcached_loss_marks_total{domain=4}"), 10017);
  EXPECT_EQ(s.at("iova_outstanding_before_start_ranges{domain=4}"), 10018);
  EXPECT_EQ(s.at("iova_magazine_bytes{domain=4}"), 1'040'384);
  EXPECT_EQ(s.at("iova_range_bytes{domain=4}"), 655'360);
  EXPECT_EQ(s.at("iova_32bit_free_pages{domain=4}"), 900'001);
  EXPECT_EQ(s.at("iova_32bit_largest_gap_pages{domain=4}"), 800'002);
  EXPECT_EQ(s.at("iova_flush_queue_drained_ranges_total{domain=4}"), 10019);
  EXPECT_DOUBLE_EQ(s.at("iova_flush_queue_drain_seconds_total{domain=4}"), 10.020);
  EXPECT_DOUBLE_EQ(s.at("iova_flush_queue_drain_longest_seconds{domain=4}"), 0.021);
  EXPECT_EQ(s.at("iova_flush_queue_drain_largest_ranges{domain=4}"), 10022);
  EXPECT_EQ(s.at("iova_flush_queue_cpu_drains_total{domain=4,cpu=0}"), 10023);
  EXPECT_EQ(s.at("iova_flush_queue_cpu_drained_ranges_total{domain=4,cpu=0}"), 10024);
  EXPECT_EQ(s.at("iova_flush_queue_cpu_drains_total{domain=4,cpu=3}"), 10025);
  EXPECT_EQ(s.at("iova_flush_queue_cpu_drained_ranges_total{domain=4,cpu=3}"), 10026);
  EXPECT_EQ(s.at("rcached_unattributed_flush_queue_drains_total{}"), 41);
  EXPECT_EQ(s.at("rcached_kernel_reads_total{result=good}"), 500 - 42 - 43);
  EXPECT_EQ(s.at("rcached_kernel_reads_total{result=changed}"), 42);
  EXPECT_EQ(s.at("rcached_kernel_reads_total{result=fault}"), 43);
  EXPECT_DOUBLE_EQ(s.at("rcached_kernel_read_seconds_total{}"), 0.044);
  EXPECT_DOUBLE_EQ(s.at("rcached_kernel_read_longest_seconds{}"), 45e-6);
  EXPECT_DOUBLE_EQ(s.at("rcached_kernel_read_budget_ratio{}"), 0.05);
  EXPECT_EQ(s.at("iova_rcache_cpu_ranges{domain=4,order=0,cpu=0,node=0}"), 12 + 127);
  EXPECT_EQ(s.at("iova_rcache_cpu_ranges{domain=iovad-2,order=5,cpu=3,node=1}"), 1);
  EXPECT_EQ(s.at("iova_rcache_magazine_ranges{domain=4,order=0,cpu=0,node=0,magazine=loaded}"), 12);
  EXPECT_EQ(s.at("iova_rcache_magazine_ranges{domain=4,order=0,cpu=0,node=0,magazine=prev}"), 127);
  EXPECT_EQ(s.at("iova_rcache_magazine_ranges{domain=iovad-2,order=5,cpu=3,node=1,magazine=loaded}"), 1);
  EXPECT_EQ(s.at("iova_rcache_magazine_ranges{domain=iovad-2,order=5,cpu=3,node=1,magazine=prev}"), 0);
  EXPECT_EQ(s.at("rcached_predictions_total{domain=4}"), 1000);
  EXPECT_EQ(s.at("rcached_prediction_hits_total{domain=4}"), 990);
  EXPECT_EQ(s.at("rcached_prediction_misses_total{domain=4,class=reordered}"), 1);
  EXPECT_EQ(s.at("rcached_prediction_misses_total{domain=4,class=depot_race}"), 2);
  EXPECT_EQ(s.at("rcached_prediction_misses_total{domain=4,class=migration}"), 3);
  EXPECT_EQ(s.at("rcached_prediction_misses_total{domain=4,class=unknown}"), 4);
  EXPECT_EQ(s.at("rcached_drift_ranges{domain=4}"), 5);
  EXPECT_EQ(s.at("rcached_drift_corrections_total{domain=4,part=loaded}"), 6);
  EXPECT_EQ(s.at("rcached_drift_corrections_total{domain=4,part=prev}"), 7);
  EXPECT_EQ(s.at("rcached_drift_corrections_total{domain=4,part=depot}"), 8);
  EXPECT_EQ(s.at("rcached_events_total{}"), 123456);
  EXPECT_EQ(s.at("rcached_events_sent_total{}"), 304);
  EXPECT_EQ(s.at("rcached_events_received_total{}"), 300);
  EXPECT_EQ(s.at("rcached_malformed_events_total{}"), 9);
  EXPECT_DOUBLE_EQ(s.at("rcached_consumer_lag_seconds{}"), 0.0025);
  EXPECT_EQ(s.at("rcached_mode{mode=mirror}"), 1);
  EXPECT_EQ(s.at("rcached_mode{mode=aggregate}"), 0);
  EXPECT_EQ(s.at("rcached_mode{mode=snapshot}"), 0);
  EXPECT_EQ(s.at("rcached_build_info{version=0.1.0}"), 1);
  EXPECT_EQ(s.at("rcached_start_time_seconds{}"), 1'700'000'000);
}

TEST(ViewRenderer, AuditsAreShownByResultAndTimesInUnixTime) {
  const Samples s = samples_of(sample_view(kProfile61));
  EXPECT_EQ(s.at("rcached_audits_total{domain=4,result=clean}"), 10030 - 31);
  EXPECT_EQ(s.at("rcached_audits_total{domain=4,result=repaired}"), 31);
  EXPECT_EQ(s.at("rcached_audits_total{domain=4,result=abandoned}"), 32);
  EXPECT_EQ(s.at("rcached_audit_drift_ranges_total{domain=4,part=loaded}"), 10033);
  EXPECT_EQ(s.at("rcached_audit_drift_ranges_total{domain=4,part=prev}"), 10034);
  EXPECT_EQ(s.at("rcached_audit_drift_ranges_total{domain=4,part=depot}"), 10035);
  EXPECT_EQ(s.at("rcached_audit_drift_ranges_total{domain=4,part=tree}"), 10036);
  EXPECT_EQ(s.at("rcached_audit_drift_ranges_total{domain=4,part=fq}"), 10037);
  EXPECT_EQ(s.at("rcached_resyncs_total{domain=4}"), 10038);
  EXPECT_EQ(s.at("rcached_resyncs_total{domain=iovad-2}"), 20038);
  EXPECT_DOUBLE_EQ(s.at("rcached_last_loss_timestamp_seconds{domain=4}"), 1'700'000'000.91);
  EXPECT_DOUBLE_EQ(s.at("rcached_resynced_timestamp_seconds{domain=4}"), 1'700'000'000.92);
  EXPECT_DOUBLE_EQ(s.at("rcached_last_repair_timestamp_seconds{domain=4}"), 1'700'000'000.93);
  EXPECT_DOUBLE_EQ(s.at("rcached_last_audit_timestamp_seconds{domain=4}"), 1'700'000'000.94);
  EXPECT_DOUBLE_EQ(s.at("iova_memory_read_timestamp_seconds{domain=4}"), 1'700'000'000.95);
  EXPECT_DOUBLE_EQ(s.at("iova_32bit_read_timestamp_seconds{domain=4}"), 1'700'000'000.96);
}

TEST(ViewRenderer, OneConfidenceHolds) {
  View view = sample_view(kProfile61);
  for (const std::string holds : {"exact", "resynced", "partial", "lossy"}) {
    for (const Confidence value :
         {Confidence::exact, Confidence::resynced, Confidence::partial, Confidence::lossy}) {
      if (to_string(value) == holds) view.snapshot.domains[0].confidence = value;
    }
    const Samples s = samples_of(view);
    EXPECT_EQ(s.at("rcached_domain_confidence{domain=4,confidence=" + holds + "}"), 1);
    EXPECT_EQ(s.sum("rcached_domain_confidence{domain=4,"), 1);
    EXPECT_EQ(s.count("rcached_domain_confidence{domain=4,"), 4u);
  }
}

TEST(ViewRenderer, TheExportedBalanceSheetAddsUpToTheTree) {
  for (const KernelProfile& profile : {kProfile510, kProfile61, kProfile612}) {
    const Samples s = samples_of(sample_view(profile));
    for (const std::string domain : {"{domain=4", "{domain=iovad-2"}) {
      const double parts = s.sum("iova_outstanding_ranges" + domain) +
                           s.sum("iova_rcache_cpu_cached" + domain) +
                           s.sum("iova_rcache_depot_cached" + domain) +
                           s.sum("iova_reserved_ranges" + domain) + s.sum("iova_unaccounted_ranges" + domain);
      EXPECT_EQ(s.at("iova_tree_ranges" + domain + "}"), parts) << profile.name;
    }
  }
}

TEST(ViewRenderer, BoundedAndUnboundedDepotsHaveDifferentMarks) {
  const Samples bounded = samples_of(sample_view(kProfile61));
  EXPECT_EQ(bounded.at("iova_rcache_depot_limit_magazines{}"), 32);
  EXPECT_FALSE(bounded.has("iova_rcache_depot_reclaim_threshold_magazines"));
  EXPECT_EQ(bounded.at("iova_rcache_depot_saturation_ratio{domain=4,order=0}"), 1);

  const Samples unbounded = samples_of(sample_view(kProfile612));
  EXPECT_FALSE(unbounded.has("iova_rcache_depot_limit_magazines"));
  EXPECT_EQ(unbounded.at("iova_rcache_depot_reclaim_threshold_magazines{}"), 8);
  EXPECT_EQ(unbounded.at("iova_rcache_depot_saturation_ratio{domain=4,order=0}"), 4);
  EXPECT_EQ(
      unbounded.at("iova_kernel_info{release=6.1.0-test,depot=unbounded,magazine_capacity=127,tree=rbtree}"),
      1);
}

TEST(ViewRenderer, WhatIsUnknownIsAbsent) {
  View view = sample_view(kProfile612);
  view.kernel.online_cpus = 0;
  const Samples s = samples_of(view);
  EXPECT_FALSE(s.has("iova_rcache_depot_reclaim_threshold_magazines"));
  EXPECT_FALSE(s.has("iova_rcache_depot_saturation_ratio"));
  EXPECT_EQ(s.count("iova_fq_pending_ranges"), 1u) << "only the first domain's source can tell";
  EXPECT_EQ(s.at("iova_fq_pending_ranges{domain=4}"), 77);
  EXPECT_EQ(s.count("rcached_program_skipped_total"), 2u) << "the kprobe's skips are not countable";
  for (const char* read :
       {"iova_magazine_bytes", "iova_range_bytes", "iova_memory_read_timestamp_seconds",
        "iova_32bit_free_pages", "iova_32bit_largest_gap_pages", "iova_32bit_read_timestamp_seconds",
        "rcached_last_audit_timestamp_seconds", "rcached_last_repair_timestamp_seconds",
        "rcached_last_loss_timestamp_seconds", "rcached_resynced_timestamp_seconds"}) {
    EXPECT_EQ(s.count(read), 1u) << read << ": only the first domain was ever read";
  }
  view.status.reader.available = false;
  const Samples without = samples_of(view);
  for (const char* name : {"rcached_kernel_reads_total", "rcached_kernel_read_seconds_total",
                           "rcached_kernel_read_longest_seconds", "rcached_kernel_read_budget_ratio"}) {
    EXPECT_FALSE(without.has(name)) << name;
  }
}

TEST(ViewRenderer, KnownSeriesStartAtZero) {
  View view;
  view.kernel.profile = kProfile61;
  view.snapshot.domains.emplace_back().id = 1;
  view.status.cpus = {{.cpu = 0}};
  const Samples s = samples_of(view);
  EXPECT_EQ(s.count("iova_allocations_total{domain=iovad-1"), 7u);
  EXPECT_EQ(s.count("iova_rcache_cpu_cached{domain=iovad-1"), 6u) << "sizes of 6+ are never cached";
  EXPECT_EQ(s.at("iova_depot_overflows_total{domain=iovad-1,order=5}"), 0);
  EXPECT_EQ(s.at("rcached_events_lost_total{reason=ring_full,cpu=0}"), 0);
  EXPECT_EQ(s.at("rcached_events_lost_total{reason=entry_missing,cpu=0}"), 0);
  EXPECT_EQ(s.at("rcached_events_lost_total{reason=skipped,cpu=all}"), 0);
  EXPECT_EQ(s.at("rcached_domain_confidence{domain=iovad-1,confidence=partial}"), 1);
  EXPECT_EQ(s.at("rcached_domain_confidence{domain=iovad-1,confidence=exact}"), 0);
  EXPECT_EQ(s.at("rcached_domain_confidence{domain=iovad-1,confidence=lossy}"), 0);
  EXPECT_EQ(s.at("rcached_domain_confidence{domain=iovad-1,confidence=resynced}"), 0);
  EXPECT_EQ(s.count("rcached_audits_total{domain=iovad-1,"), 3u);
  EXPECT_EQ(s.count("rcached_audit_drift_ranges_total{domain=iovad-1,"), 5u);
  EXPECT_EQ(s.at("rcached_build_info{version=unknown}"), 1);
}

TEST(ViewRenderer, LossesAreCountedOnceEach) {
  const Samples s = samples_of(sample_view(kProfile61));
  EXPECT_EQ(s.at("rcached_events_lost_total{reason=ring_full,cpu=3}"), 3);
  EXPECT_EQ(s.at("rcached_events_lost_total{reason=entry_missing,cpu=3}"), 4);
  EXPECT_EQ(s.at("rcached_events_lost_total{reason=skipped,cpu=all}"), 11);
  EXPECT_EQ(s.sum("rcached_events_lost_total"), 1 + 2 + 3 + 4 + 11);
}

TEST(ViewRenderer, ProgramsOfOneFunctionAreAddedUp) {
  const Samples s = samples_of(sample_view(kProfile61));
  EXPECT_EQ(s.at("rcached_program_runs_total{program=alloc_iova_fast,method=fexit}"), 30);
  EXPECT_DOUBLE_EQ(s.at("rcached_program_run_seconds_total{program=alloc_iova_fast,method=fexit}"), 1e-5);
  EXPECT_EQ(s.at("rcached_program_skipped_total{program=alloc_iova,method=fentry}"), 7);
  EXPECT_EQ(s.at("rcached_events_lost_total{reason=skipped,cpu=all}"), 11);
  EXPECT_EQ(s.at("rcached_program_skipped_total{program=alloc_iova_fast,method=fexit}"), 11);
  EXPECT_EQ(s.at("rcached_program_runs_total{program=free_iova_fast,method=kprobe}"), 30);
}

TEST(ViewRenderer, SeriesByCpuAndByMagazineOnlyWhenAsked) {
  View view = sample_view(kProfile61);
  const char* by_cpu[] = {"iova_rcache_cpu_ranges", "iova_flush_queue_cpu_drains_total",
                          "iova_flush_queue_cpu_drained_ranges_total"};
  const char* by_magazine = "iova_rcache_magazine_ranges";
  for (const bool cpu : {false, true}) {
    for (const bool magazine : {false, true}) {
      view.status.per_cpu_series = cpu;
      view.status.per_magazine_series = magazine;
      const Samples s = samples_of(view);
      for (const char* name : by_cpu) EXPECT_EQ(s.has(name), cpu) << name;
      EXPECT_EQ(s.has(by_magazine), magazine);
    }
  }
}

TEST(ViewRenderer, ACpuWhoseNodeIsNotKnownSaysSo) {
  View view = sample_view(kProfile61);
  view.status.per_cpu_series = view.status.per_magazine_series = true;
  view.kernel.cpu_nodes = {-1};
  const Samples s = samples_of(view);
  EXPECT_EQ(s.at("iova_rcache_cpu_ranges{domain=4,order=0,cpu=0,node=unknown}"), 12 + 127);
  EXPECT_EQ(s.at("iova_rcache_magazine_ranges{domain=4,order=5,cpu=3,node=unknown,magazine=loaded}"), 1);
}

TEST(ViewRenderer, DurationsAreHistogramsWithCumulativeBuckets) {
  const Samples s = samples_of(sample_view(kProfile61));
  // Bucket i of domain 4 counts 10040 + i tree searches, 10070 + i overflows (sample_view.cc).
  EXPECT_EQ(s.at("iova_tree_allocation_duration_seconds_bucket{domain=4,le=1e-07}"), 10040);
  EXPECT_EQ(s.at("iova_tree_allocation_duration_seconds_bucket{domain=4,le=2.5e-07}"), 10040 + 10041);
  EXPECT_EQ(s.at("iova_tree_allocation_duration_seconds_bucket{domain=4,le=5e-07}"), 10040 + 10041 + 10042);
  double all = 0;
  for (int i = 0; i < 20; ++i) all += 10040 + i;
  EXPECT_EQ(s.at("iova_tree_allocation_duration_seconds_bucket{domain=4,le=0.1}"), all - 10059);
  EXPECT_EQ(s.at("iova_tree_allocation_duration_seconds_bucket{domain=4,le=+Inf}"), all);
  EXPECT_EQ(s.at("iova_tree_allocation_duration_seconds_count{domain=4}"), all);
  EXPECT_DOUBLE_EQ(s.at("iova_tree_allocation_duration_seconds_sum{domain=4}"), 10.1);
  EXPECT_EQ(s.at("iova_depot_overflow_duration_seconds_bucket{domain=4,le=0.00025}"), [] {
    double n = 0;
    for (int i = 0; i < 11; ++i) n += 10070 + i;
    return n;
  }());
  EXPECT_DOUBLE_EQ(s.at("iova_depot_overflow_duration_seconds_sum{domain=iovad-2}"), 20.101);
  EXPECT_EQ(s.count("iova_depot_overflow_duration_seconds_bucket{domain=4,"), 20u);
  EXPECT_EQ(s.type("iova_tree_allocation_duration_seconds"), "histogram");
}

TEST(ViewRenderer, VerdictsHoldOrDoNot) {
  const Samples s = samples_of(sample_view(kProfile61));
  EXPECT_EQ(s.at("rcached_verdict{domain=4,verdict=depot-saturated}"), 1);
  EXPECT_EQ(s.at("rcached_verdict{domain=4,verdict=size-mismatch}"), 0);
  EXPECT_EQ(s.count("rcached_verdict"), 2u) << "nothing was looked at for the other domain";
  View view = sample_view(kProfile61);
  view.verdicts.resize(1);
  view.verdicts[0].push_back({"a\"b", true, ""});
  EXPECT_EQ(samples_of(view).at("rcached_verdict{domain=4,verdict=a\"b}"), 1);
  view.verdicts.clear();
  EXPECT_FALSE(samples_of(view).has("rcached_verdict"));
}

TEST(ViewRenderer, AnUnknownModeIsShownBesideTheKnownOnes) {
  View view = sample_view(kProfile61);
  view.status.mode = "paused";
  const Samples s = samples_of(view);
  EXPECT_EQ(s.at("rcached_mode{mode=paused}"), 1);
  EXPECT_EQ(s.sum("rcached_mode"), 1);
}

TEST(ViewRenderer, LabelValuesAreValidUtf8) {
  const Samples s = samples_of(hostile_view());
  EXPECT_EQ(s.at("rcached_build_info{version=a\"b\\c\nd<script>alert('&')</script>\xef\xbf\xbd\xef\xbf\xbd}"),
            1);
}

TEST(ViewRenderer, EveryMetricIsInTheTableAndEveryRowIsRenderedByAFullView) {
  View bounded = sample_view(kProfile61);
  bounded.status.per_cpu_series = bounded.status.per_magazine_series = true;
  const Samples both[] = {samples_of(bounded), samples_of(sample_view(kProfile612))};
  for (std::size_t row = 0; row < kMetrics.size(); ++row) {
    const std::string name(kMetrics[row].name);
    EXPECT_EQ(both[0].has(name) || both[1].has(name), comes_from_view(row)) << name;
    const MetricTier tier = kMetrics[row].tier;
    EXPECT_EQ(comes_from_view(row), tier != MetricTier::own && !name.starts_with("rcached_series")) << name;
  }
  for (const Samples& s : both) {
    for (const auto& [name, labels] : s.label_names()) {
      const auto row =
          std::find_if(kMetrics.begin(), kMetrics.end(), [&](const MetricRow& r) { return r.name == name; });
      ASSERT_NE(row, kMetrics.end()) << name;
      EXPECT_EQ(labels, std::string(row->labels)) << name;
    }
  }
}

TEST(ViewRenderer, CountsWhatItRenders) {
  View view = sample_view(kProfile61);
  view.status.per_cpu_series = view.status.per_magazine_series = true;
  ViewRenderer renderer;
  const SeriesCounts counts = renderer.count(view);
  const Samples s = samples_of(view);
  for (std::size_t row = 0; row < kMetrics.size(); ++row) {
    EXPECT_EQ(counts[row], s.series_of(std::string(kMetrics[row].name))) << kMetrics[row].name;
  }
}

TEST(ViewRenderer, LeavesOutWhatIsDropped) {
  View view = sample_view(kProfile61);
  view.status.per_cpu_series = view.status.per_magazine_series = true;
  const Samples all = samples_of(view);
  for (std::size_t row = 0; row < kMetrics.size(); ++row) {
    if (!all.has(std::string(kMetrics[row].name))) continue;
    DroppedMetrics dropped;
    dropped.set(row);
    std::string text;
    ViewRenderer renderer;
    renderer.render(view, kText, dropped, text);
    EXPECT_EQ(text.find("# TYPE " + std::string(kMetrics[row].name) + " "), std::string::npos);
    const Samples left(text);
    EXPECT_FALSE(left.has(std::string(kMetrics[row].name))) << kMetrics[row].name;
    EXPECT_EQ(left.metrics(), all.metrics() - 1);
  }
}

TEST(ViewRenderer, BothFormatsHoldTheSameSeriesAndValues) {
  for (View view : {sample_view(kProfile510), sample_view(kProfile612), hostile_view()}) {
    view.status.per_cpu_series = view.status.per_magazine_series = true;
    EXPECT_EQ(Samples(rendered(view, kText)).values(), Samples(rendered(view, kOpen)).values());
  }
}

TEST(ViewRenderer, HeadsAreMadeAnewOnlyWhenNamesChange) {
  View view = sample_view(kProfile61);
  view.status.per_cpu_series = view.status.per_magazine_series = true;
  ViewRenderer renderer;
  std::string text;
  const auto render = [&] {
    renderer.render(view, kText, {}, text);
    EXPECT_EQ(text, rendered(view)) << "what was kept must not show";
    return renderer.heads().made();
  };
  EXPECT_EQ(render(), 1u);
  view.snapshot.domains[0].outstanding += 5;
  view.snapshot.domains[0].cpu_fills.push_back({.cpu = 900, .order = 1, .loaded = 2, .prev = 3});
  EXPECT_EQ(render(), 1u) << "values and a CPU more";
  view.kernel.cpu_nodes[0] = 7;
  EXPECT_EQ(render(), 1u) << "nodes are of CPUs, not of domains";
  EXPECT_NE(text.find("cpu=\"0\",node=\"7\""), std::string::npos);
  for (std::string DomainInfo::*name :
       {&DomainInfo::label, &DomainInfo::type, &DomainInfo::devices, &DomainInfo::driver}) {
    const std::size_t before = renderer.heads().made();
    view.domains[1].*name += "x";
    EXPECT_EQ(render(), before + 1);
  }
  view.domains[1].granule_bytes = 65536;
  EXPECT_EQ(render(), 6u);
  view.snapshot.domains.pop_back();
  EXPECT_EQ(render(), 7u) << "a domain has gone, its name not yet";
  view.snapshot.domains[0].id = 2;
  EXPECT_EQ(render(), 8u) << "another domain in its place";
  view.snapshot.domains.clear();
  EXPECT_EQ(render(), 9u);
}

TEST(ViewRenderer, TheBufferIsUsedAgain) {
  View view = sample_view(kProfile61);
  view.status.per_cpu_series = view.status.per_magazine_series = true;
  for (std::uint16_t cpu = 4; cpu < 500; ++cpu)
    view.snapshot.domains[0].cpu_fills.push_back({.cpu = cpu, .order = 1});
  ViewRenderer renderer;
  std::string text;
  renderer.count(view);
  renderer.render(view, kText, {}, text);
  const char* const buffer = text.data();
  const std::size_t large = text.size();
  for (int round = 0; round < 3; ++round) {
    renderer.count(view);
    renderer.render(view, kText, {}, text);
    EXPECT_EQ(text.data(), buffer);
    EXPECT_EQ(text.size(), large);
    View small = sample_view(kProfile61);
    renderer.count(small);
    renderer.render(small, kOpen, {}, text);
    EXPECT_EQ(text.data(), buffer);
    EXPECT_EQ(text, rendered(small, kOpen));
  }
}

// The buffer grows under way when what it was made for was much smaller.
TEST(ViewRenderer, AnExpectationThatWasWrongDoesNoHarm) {
  View view = sample_view(kProfile61);
  ViewRenderer renderer;
  std::string text;
  renderer.count(View{});
  renderer.render(view, kText, {}, text);
  EXPECT_EQ(text, rendered(view));
  for (DomainInfo& info : view.domains) info.devices = std::string(100'000, 'd');
  renderer.render(view, kText, {}, text);
  EXPECT_EQ(text, rendered(view));
  EXPECT_NE(text.find(std::string(100'000, 'd')), std::string::npos);
}

TEST(ViewRenderer, AnEmptyViewHasNoStrayLines) {
  const Samples s = samples_of(View{});
  EXPECT_EQ(s.at("rcached_events_total{}"), 0);
  EXPECT_FALSE(s.has("iova_tree_ranges")) << "metadata without samples is not written";
}

}  // namespace
}  // namespace rcached
