// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/metric_sources.h"

#include <gtest/gtest.h>

#include <string>

#include "exporters/prometheus/renderer.h"
#include "tests/kit/sample_view.h"
#include "tests/kit/samples.h"

namespace rcached {
namespace {

using testing::hostile_view;
using testing::sample_view;
using testing::Samples;

constexpr SeriesSettings kDetailed{.per_cpu = true, .per_magazine = true};

Samples samples_of(const View& view, const SeriesSettings& settings = {}) {
  ViewRenderer renderer;
  std::string text;
  renderer.render(view, settings, MetricsFormat::text, {}, text);
  return Samples(text);
}

TEST(MetricSources, EveryFieldIsExportedUnderItsName) {
  const Samples s = samples_of(sample_view(kProfile61), kDetailed);
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
  EXPECT_EQ(s.at("rcached_spared_cpus{}"), 46);
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
  EXPECT_EQ(s.at("rcached_events_late_total{}"), 46);
  EXPECT_DOUBLE_EQ(s.at("rcached_consumer_lag_seconds{}"), 0.0025);
  EXPECT_EQ(s.at("rcached_backlog_events{}"), 17);
  EXPECT_DOUBLE_EQ(s.at("rcached_drain_gap_longest_seconds{}"), 0.021);
  EXPECT_EQ(s.at("rcached_ring_size_bytes{}"), 1 << 20);
  EXPECT_EQ(s.at("rcached_ring_used_bytes{}"), 4096);
  EXPECT_EQ(s.at("rcached_ring_used_highest_bytes{}"), 70'000);
  EXPECT_EQ(s.at("rcached_mode{mode=mirror}"), 1);
  EXPECT_EQ(s.at("rcached_mode{mode=aggregate}"), 0);
  EXPECT_EQ(s.at("rcached_mode{mode=snapshot}"), 0);
  EXPECT_EQ(s.at("rcached_build_info{version=0.1.0}"), 1);
  EXPECT_EQ(s.at("rcached_start_time_seconds{}"), 1'700'000'000);
}

TEST(MetricSources, AuditsAreShownByResultAndTimesInUnixTime) {
  const Samples s = samples_of(sample_view(kProfile61));
  EXPECT_EQ(s.at("rcached_audits_total{domain=4,result=clean}"), 10030 - 31);
  EXPECT_EQ(s.at("rcached_audits_total{domain=4,result=repaired}"), 31);
  EXPECT_EQ(s.at("rcached_audits_total{domain=4,result=abandoned}"), 32);
  EXPECT_EQ(s.at("rcached_audits_skipped_total{domain=4}"), 39);
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

TEST(MetricSources, OneConfidenceIsSet) {
  View view = sample_view(kProfile61);
  for (const std::string current : {"exact", "resynced", "partial", "lossy"}) {
    for (const Confidence value :
         {Confidence::exact, Confidence::resynced, Confidence::partial, Confidence::lossy}) {
      if (to_string(value) == current) view.snapshot.domains[0].confidence = value;
    }
    const Samples s = samples_of(view);
    EXPECT_EQ(s.at("rcached_domain_confidence{domain=4,confidence=" + current + "}"), 1);
    EXPECT_EQ(s.sum("rcached_domain_confidence{domain=4,"), 1);
    EXPECT_EQ(s.count("rcached_domain_confidence{domain=4,"), 4u);
  }
}

TEST(MetricSources, TheExportedBalanceSheetAddsUpToTheTree) {
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

TEST(MetricSources, BoundedAndUnboundedDepotsHaveDifferentMarks) {
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

TEST(MetricSources, UnknownValuesAreAbsent) {
  View view = sample_view(kProfile612);
  view.kernel.online_cpus = 0;
  const Samples s = samples_of(view);
  EXPECT_FALSE(s.has("iova_rcache_depot_reclaim_threshold_magazines"));
  EXPECT_FALSE(s.has("iova_rcache_depot_saturation_ratio"));
  EXPECT_EQ(s.count("iova_fq_pending_ranges"), 1u) << "known only for the first domain";
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
  for (const char* name :
       {"rcached_kernel_reads_total", "rcached_kernel_read_seconds_total",
        "rcached_kernel_read_longest_seconds", "rcached_kernel_read_budget_ratio", "rcached_spared_cpus"}) {
    EXPECT_FALSE(without.has(name)) << name;
  }
}

TEST(MetricSources, KnownSeriesStartAtZero) {
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

TEST(MetricSources, LossesAreCountedOnceEach) {
  const Samples s = samples_of(sample_view(kProfile61));
  EXPECT_EQ(s.at("rcached_events_lost_total{reason=ring_full,cpu=3}"), 3);
  EXPECT_EQ(s.at("rcached_events_lost_total{reason=entry_missing,cpu=3}"), 4);
  EXPECT_EQ(s.at("rcached_events_lost_total{reason=skipped,cpu=all}"), 11);
  EXPECT_EQ(s.sum("rcached_events_lost_total"), 1 + 2 + 3 + 4 + 11);
}

TEST(MetricSources, ProgramsOfOneFunctionAreAddedUp) {
  const Samples s = samples_of(sample_view(kProfile61));
  EXPECT_EQ(s.at("rcached_program_runs_total{program=alloc_iova_fast,method=fexit}"), 30);
  EXPECT_DOUBLE_EQ(s.at("rcached_program_run_seconds_total{program=alloc_iova_fast,method=fexit}"), 1e-5);
  EXPECT_EQ(s.at("rcached_program_skipped_total{program=alloc_iova,method=fentry}"), 7);
  EXPECT_EQ(s.at("rcached_events_lost_total{reason=skipped,cpu=all}"), 11);
  EXPECT_EQ(s.at("rcached_program_skipped_total{program=alloc_iova_fast,method=fexit}"), 11);
  EXPECT_EQ(s.at("rcached_program_runs_total{program=free_iova_fast,method=kprobe}"), 30);
}

TEST(MetricSources, SeriesByCpuAndByMagazineOnlyIfConfigured) {
  const View view = sample_view(kProfile61);
  const char* by_cpu[] = {"iova_rcache_cpu_ranges", "iova_flush_queue_cpu_drains_total",
                          "iova_flush_queue_cpu_drained_ranges_total"};
  const char* by_magazine = "iova_rcache_magazine_ranges";
  for (const bool cpu : {false, true}) {
    for (const bool magazine : {false, true}) {
      const Samples s = samples_of(view, {.per_cpu = cpu, .per_magazine = magazine});
      for (const char* name : by_cpu) EXPECT_EQ(s.has(name), cpu) << name;
      EXPECT_EQ(s.has(by_magazine), magazine);
    }
  }
}

TEST(MetricSources, AnUnknownNodeIsLabelledUnknown) {
  View view = sample_view(kProfile61);
  view.kernel.cpu_nodes = {-1};
  const Samples s = samples_of(view, kDetailed);
  EXPECT_EQ(s.at("iova_rcache_cpu_ranges{domain=4,order=0,cpu=0,node=unknown}"), 12 + 127);
  EXPECT_EQ(s.at("iova_rcache_magazine_ranges{domain=4,order=5,cpu=3,node=unknown,magazine=loaded}"), 1);
}

TEST(MetricSources, DurationsAreHistogramsWithCumulativeBuckets) {
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

TEST(MetricSources, VerdictsAreOneOrZero) {
  const Samples s = samples_of(sample_view(kProfile61));
  EXPECT_EQ(s.at("rcached_verdict{domain=4,verdict=depot-saturated}"), 1);
  EXPECT_EQ(s.at("rcached_verdict{domain=4,verdict=size-mismatch}"), 0);
  EXPECT_EQ(s.count("rcached_verdict"), 2u) << "no verdicts were evaluated for the other domain";
  View view = sample_view(kProfile61);
  view.verdicts.resize(1);
  view.verdicts[0].push_back({"a\"b", true, ""});
  EXPECT_EQ(samples_of(view).at("rcached_verdict{domain=4,verdict=a\"b}"), 1);
  view.verdicts.clear();
  EXPECT_FALSE(samples_of(view).has("rcached_verdict"));
}

TEST(MetricSources, AnUnknownModeIsExportedWithTheKnownOnes) {
  View view = sample_view(kProfile61);
  view.status.mode = "paused";
  const Samples s = samples_of(view);
  EXPECT_EQ(s.at("rcached_mode{mode=paused}"), 1);
  EXPECT_EQ(s.sum("rcached_mode"), 1);
}

TEST(MetricSources, LabelValuesAreValidUtf8) {
  const Samples s = samples_of(hostile_view());
  EXPECT_EQ(s.at("rcached_build_info{version=a\"b\\c\nd<script>alert('&')</script>\xef\xbf\xbd\xef\xbf\xbd}"),
            1);
}

TEST(MetricSources, OnlyReadableProcessFiguresAreExported) {
  const Samples all(
      scrape_text({.instruments = {}, .process = {.cpu_seconds = 3.5, .resident_bytes = 4096, .open_fds = 7}},
                  MetricsFormat::text));
  EXPECT_EQ(all.at("process_cpu_seconds_total{}"), 3.5);
  EXPECT_EQ(all.at("process_resident_memory_bytes{}"), 4096);
  EXPECT_EQ(all.at("process_open_fds{}"), 7);
  EXPECT_EQ(all.type("process_cpu_seconds_total"), "counter");
  ScrapeInput partly;
  partly.process.open_fds = 3;
  const Samples one(scrape_text(partly, MetricsFormat::text));
  EXPECT_EQ(one.series(), 1u);
  EXPECT_EQ(one.at("process_open_fds{}"), 3);
}

}  // namespace
}  // namespace rcached
