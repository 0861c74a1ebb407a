# SPDX-License-Identifier: Apache-2.0
"""Rows that the dashboards of a host and of a domain share."""
import parts
from model import BAD, FILL, NOT_ZERO, Board, by_regexp, dashed, quantile, rate, right

BY_DOMAIN = "domain {{domain}}"
PARTS = (("sum(iova_outstanding_ranges) - (sum(iova_fq_pending_ranges) or vector(0))", "mapped"),
         ("sum(iova_fq_pending_ranges)", "FQ pending"), ("sum(iova_rcache_cpu_cached)", "cpu rcaches"),
         ("sum(iova_rcache_depot_cached)", "depot"), ("sum(iova_reserved_ranges)", "reserved"),
         ("sum(iova_tree_ranges)", "tree"))
CACHED_SHARE = "(sum(iova_rcache_cpu_cached) + sum(iova_rcache_depot_cached)) / sum(iova_tree_ranges)"
HIT_RATIO = f"{rate('rcached_prediction_hits_total')} / {rate('rcached_predictions_total')}"


def balance_sheet(board: Board, title, size):
    board.series(title, "The parts of the tree, stacked; they add up to the tree, which is the dashed line. If "
                 "outstanding grows: a leak or more load. If cached grows while outstanding is flat: cache growth. A "
                 "gap to the dashed line is unaccounted.", "short", PARTS, size=size, stack=True,
                 overrides=[dashed("tree")])


def fullest_depot(board: Board):
    board.stat("Fullest depot", f"{parts.FILL_WORDS}: the fullest order.", "percentunit", FILL,
               [(f"max({parts.BOUNDED_FILL})", parts.OF_LIMIT),
                (f"max({parts.UNBOUNDED_FILL})", parts.OF_THRESHOLD)],
               overrides=[parts.NO_THRESHOLDS], runbooks=["IovaDepotFull"], min=0)


def latency(board: Board):
    for title, histogram, words in (
            ("Search of the tree", "iova_tree_allocation_duration_seconds",
             "Time that an allocation took to search the tree under its lock, even if it found no space"),
            ("Overflow of the depot", "iova_depot_overflow_duration_seconds",
             "Time that a free spent returning a magazine's ranges to the tree because the depot was full (kernels up "
             "to 6.6)")):
        board.heatmap(title, f"{words}: darker means more of them. Drivers notice a band of slow ones at the top.",
                      "short", rate(histogram + "_bucket", "le", "increase"), "{{le}}", buckets=True)
        board.series(f"{title}: percentiles", f"{words}, and the mean. Between 100 ns and 100 ms.", "s",
                     [(quantile(0.5, histogram), "median"), (quantile(0.99, histogram), "p99"),
                      (f"{rate(histogram + '_sum')} / ({rate(histogram + '_count')} > 0)", "mean")], size=(12, 8))


def flush_queue(board: Board):
    board.row("Flush queue (lazy mode)")
    board.series("Flush queue: waiting", "Ranges that are unmapped and wait for their invalidation, by domain. They "
                 "stay in the tree until the timer or a full queue frees them.", "short",
                 [("iova_fq_pending_ranges", BY_DOMAIN)], size=(12, 8))
    board.series("Flush queue: drained by CPU", "Ranges per second that the timer freed, all into the rcache of the "
                 "CPU that ran it. By CPU only with metrics.per_cpu: a single CPU that gets "
                 "them all fills the depot.", "ops",
                 [(rate("iova_flush_queue_drained_ranges_total", "domain"), BY_DOMAIN),
                  (rate("iova_flush_queue_cpu_drained_ranges_total", "cpu"), "CPU {{cpu}}")], size=(12, 8))
    board.series("Flush queue: timer runs", "Runs of the timer per second, by CPU only with metrics.per_cpu.", "ops",
                 [(rate("iova_flush_queue_drains_total", "domain"), BY_DOMAIN),
                  (rate("iova_flush_queue_cpu_drains_total", "cpu"), "CPU {{cpu}}")], size=(12, 8))
    board.series("Flush queue: time in the timer", "Seconds per second spent in the timer, and its longest run so far, "
                 "during which the CPU does nothing else. The ranges of its largest run so far "
                 "are on the right axis.", "s",
                 [(rate("iova_flush_queue_drain_seconds_total", "domain"), "per second, " + BY_DOMAIN),
                  ("max(iova_flush_queue_drain_longest_seconds)", "longest run"),
                  ("max(iova_flush_queue_drain_largest_ranges)", "largest run")],
                 size=(12, 8), overrides=[right("largest run", "short")])


def memory(board: Board):
    board.row("Memory and the space below 4 GiB")
    board.series("Memory of the allocator", "Kernel memory used by magazines and by the ranges of the tree, as last "
                 "read.", "bytes",
                 [("sum(iova_magazine_bytes)", "magazines"), ("sum(iova_range_bytes)", "ranges")],
                 stack=True)
    board.series("Space below 4 GiB", "Free granules below 4 GiB and the largest run of them, as last read, in the "
                 "fullest domain. Devices with 32-bit addresses fail when no large enough run is left.",
                 "short", [("min(iova_32bit_free_pages)", "free"),
                           ("min(iova_32bit_largest_gap_pages)", "largest gap")])
    board.series("Age of the readings", "Seconds since the memory and the space below 4 GiB were read, for the domain "
                 "where this is longest ago.", "s",
                 [("time() - min(iova_memory_read_timestamp_seconds)", "memory"),
                  ("time() - min(iova_32bit_read_timestamp_seconds)", "space below 4 GiB")])


def trust(board: Board):
    board.row("Can the numbers be trusted?")
    board.states("Confidence", parts.CONFIDENCE_WORDS, [(parts.CONFIDENCE_QUERY, BY_DOMAIN)], parts.CONFIDENCE,
                 runbooks=["RcachedDomainLossy"])
    board.series("Prediction hits and misses", "Share of predictions that were right, and where the pfn of the others "
                 "was: deeper in the magazine, in the depot, on another CPU, or unknown.", "percentunit",
                 [(HIT_RATIO, "hits"),
                  (f"{rate('rcached_prediction_misses_total', 'class')} / ignoring (class) group_left "
                   f"{rate('rcached_predictions_total')}", "missed: {{class}}")], size=(12, 7))
    board.series("Audits", "Comparisons of the mirror with kernel memory per second, by result. Repaired ones found "
                 "differences; abandoned ones were given up because the domain kept changing.", "ops",
                 [(rate("rcached_audits_total", "result"), "{{result}}")])
    board.series("Differences found by audits", "Ranges per second that audits found to differ and repaired, by "
                 "part. 0 as long as no events are lost.", "ops",
                 [(rate("rcached_audit_drift_ranges_total", "part"), "{{part}}")], NOT_ZERO,
                 runbooks=["RcachedMirrorDrift"])
    board.series("Since the last audit, repair, loss", "Seconds since each, for the domain where it is longest ago "
                 "(audit) or most recent (repair, loss, resync).", "s",
                 [("time() - min(rcached_last_audit_timestamp_seconds)", "audit"),
                  ("time() - max(rcached_last_repair_timestamp_seconds)", "repair"),
                  ("time() - max(rcached_last_loss_timestamp_seconds)", "loss"),
                  ("time() - max(rcached_resynced_timestamp_seconds)", "resync")])
    board.series("Drift", "Ranges by which the mirror differs from the fill levels last read in the kernel and, on the "
                 "right axis, ranges corrected per second by part. 0 if all events arrive.", "short",
                 [("sum(rcached_drift_ranges)", "drift now"),
                  (rate("rcached_drift_corrections_total", "part"), "corrected: {{part}}")], size=(12, 7),
                 overrides=[by_regexp("/^corrected/", custom__axisPlacement="right", unit="ops")])
    board.series("Losses", "Times per second that the event stream reported a possible loss of events of a domain, and "
                 "audits that recovered a domain from a loss.", "ops",
                 [(rate("rcached_loss_marks_total", "domain"), "marked, " + BY_DOMAIN),
                  (rate("rcached_resyncs_total", "domain"), "recovered, " + BY_DOMAIN)], BAD, size=(12, 7),
                 runbooks=["RcachedEventsLost"])
