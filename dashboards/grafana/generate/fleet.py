# SPDX-License-Identifier: Apache-2.0
"""Fleet: which hosts exist, and which hosts and domains are the worst. Uses topk on raw metrics, so that it works
without recording rules."""
import parts
from model import (BAD, DOMAIN_LINK, HOST_LINK, NOT_ZERO, PLAIN, Board, quantile, rate)

WHERE = "job, instance, domain"
ROW_LINKS = {"instance": [HOST_LINK], "domain": [DOMAIN_LINK]}


def build(runbooks):
    board = Board("fleet", "rcached: IOVA fleet",
                  "All hosts with rcached: which exist, which of their domains are worst, and why.",
                  [parts.datasource(), parts.job(True), parts.instance(True, jobs=True), parts.worst(),
                   parts.runbooks(runbooks)],
                  {"job": '=~"$job"', "instance": '=~"$instance"'}, parts.annotations(False))
    summary(board)
    worst(board)
    over_time(board)
    population(board)
    return board


def summary(board):
    board.stat("Hosts", "Hosts whose rcached was scraped successfully.", "short", PLAIN, "count(rcached_build_info)",
               size=(3, 4))
    board.stat("Hosts not responding", "Targets of the selected jobs whose last scrape failed: rcached is not "
               "running there, or cannot be reached.", "short", BAD, "count(up == 0) or vector(0)", size=(3, 4))
    board.stat("Domains", "IOVA domains that rcached knows, on all selected hosts.", "short", PLAIN,
               "count(iova_tree_ranges)", size=(3, 4))
    board.stat("Alerts", "Firing alerts of rcached. The table below lists them.", "short", BAD,
               f"count({parts.firing(False)}) or vector(0)", size=(3, 4))
    board.stat("Verdicts", "Verdicts that currently apply, over all domains.", "short", NOT_ZERO,
               "sum(rcached_verdict) or vector(0)", size=(3, 4))
    board.stat("Overflows", "Magazines freed to the tree per second, during drivers' unmaps, because a depot was full "
               "(kernels up to 6.6).", "ops", NOT_ZERO, rate("iova_depot_overflows_total"), size=(3, 4),
               runbooks=["IovaDepotSaturated"])
    board.stat("Domains in doubt", "Domains whose numbers are estimates: some of their events were lost, and no audit "
               "has "
               "been completed since.", "short", BAD, 'sum(rcached_domain_confidence{confidence="lossy"})', size=(3, 4),
               runbooks=["RcachedDomainLossy"])
    board.stat("Events lost", "Events that did not reach rcached in the selected "
               "time range, on all hosts.", "short", BAD,
               "sum(increase(rcached_events_lost_total[$__range]))", size=(3, 4), runbooks=["RcachedEventsLost"])


def worst(board):
    board.row("Worst hosts and domains")
    runbook = {"title": "Runbook ${__data.fields.runbook}", "url": "${runbooks}/${__data.fields.runbook}.md",
               "targetBlank": True}
    board.table("Firing alerts", "Firing alerts of rcached. Click on the runbook to read what the alert means and what "
                "to do, or on the host or domain to open its dashboard.",
                [(parts.with_runbook(parts.firing(False)), None, "short", PLAIN)],
                ["alertname", "runbook", "severity", "instance", "domain", "order"], (14, 8),
                links={**ROW_LINKS, "runbook": [runbook], "alertname": [runbook]})
    board.table("Verdicts", "What rcached concludes about a domain from its counts; the live page and the API of the "
                "host show the evidence.",
                [("rcached_verdict == 1", None, "short", PLAIN)],
                ["verdict", "instance", "domain"], (10, 8), links=ROW_LINKS)
    order = ["instance", "domain"]
    board.table("Fullest depots", f"{parts.FILL_WORDS}: the worst orders of both kinds.",
                parts.fill_columns("topk($worst, {})"), order + ["order"], (8, 9), ROW_LINKS, "depot / limit",
                runbooks=["IovaDepotFull"])
    board.table("Most overflows and reclaims", "Magazines freed to the tree per second: overflows (up to 6.6) during a "
                "driver's unmap, reclaims (6.7 and later) by a worker.",
                [(f"topk($worst, {rate('iova_depot_overflows_total', WHERE)} + "
                  f"{rate('iova_depot_reclaims_total', WHERE)})", "magazines", "ops", NOT_ZERO)],
                order, (8, 9), ROW_LINKS, "magazines", runbooks=["IovaDepotSaturated", "IovaDepotReclaimChurn"])
    board.table("Slowest searches of the tree", "99th percentile of the time that an allocation took to search the "
                "tree, by domain. Times below 100 ns are not distinguished.",
                [(f"topk($worst, {quantile(0.99, 'iova_tree_allocation_duration_seconds', WHERE)} > 0)", "p99", "s",
                  ((None, "green"), (1e-4, "orange"), (1e-3, "red")))],
                order, (8, 9), ROW_LINKS, "p99")
    board.table("Largest trees", "Ranges in the tree. Cached ranges stay in the tree, so it can also grow without a "
                "leak.",
                [("topk($worst, sum by (job, instance, domain) (iova_tree_ranges))", "ranges", "short", PLAIN)],
                order, (8, 9), ROW_LINKS, "ranges")
    board.table("Fastest growing trees", "Growth of the tree over the selected time range: the domains that grew most.",
                [("topk($worst, delta(iova_tree_ranges[$__range]))", "growth", "short", NOT_ZERO)],
                order, (8, 9), ROW_LINKS, "growth")
    board.table("Most outstanding", "Ranges that drivers hold, or that wait in a flush queue: the domains with the "
                "most. At steady load, growth of these means a leak.",
                [("topk($worst, sum by (job, instance, domain) (iova_outstanding_ranges))", "ranges", "short", PLAIN)],
                order, (8, 9), ROW_LINKS, "ranges")
    board.table("Least space below 4 GiB", "Largest run of free granules below 4 GiB, i.e. the largest mapping that a "
                "device with 32-bit addresses can still get: the domains with the smallest.",
                [("bottomk($worst, iova_32bit_largest_gap_pages)", "granules", "short",
                  ((None, "red"), (4096, "orange"), (65536, "green")))], order, (8, 9), ROW_LINKS, "granules",
                ascending=True, runbooks=["Iova32BitSpaceNearlyGone"])
    board.table("Worst miss ratios", "Share of allocations that found nothing in the caches and searched the tree. "
                "Sizes of order 6+ always do.",
                [(f"topk($worst, {rate('iova_tree_allocations_total', WHERE)} / "
                  f"({rate('iova_allocations_total', WHERE)} > 0))", "misses", "percentunit",
                  ((None, "green"), (0.1, "orange"), (0.5, "red")))], order, (8, 9), ROW_LINKS, "misses")
    board.table("Most drift", "Ranges that audits found in a different place than the mirror had them, in the selected "
                "time range. Each is repaired when it is found.",
                [(f"topk($worst, sum by ({WHERE}) (increase(rcached_audit_drift_ranges_total[$__range])))", "ranges",
                  "short", NOT_ZERO)], order, (8, 9), ROW_LINKS, "ranges", runbooks=["RcachedMirrorDrift"])


def over_time(board):
    board.row("Worst hosts over time")
    legend, links = "{{instance}}", [HOST_LINK]
    board.series("Tree ranges", "All trees of a host together: the largest hosts.", "short",
                 [("topk($worst, sum by (job, instance) (iova_tree_ranges))", legend)], links=links)
    board.series("Depot overflows", "Magazines freed during drivers' unmaps per second: the worst hosts.", "ops",
                 [(f"topk($worst, {rate('iova_depot_overflows_total', 'job, instance')})", legend)], NOT_ZERO,
                 links=links, runbooks=["IovaDepotSaturated"])
    board.series("Time spent searching trees", "Seconds per second that allocations spent in the tree, i.e. how much "
                 "of a CPU the misses cost: the worst hosts.", "percentunit",
                 [(f"topk($worst, {rate('iova_tree_allocation_duration_seconds_sum', 'job, instance')})", legend)],
                 links=links)
    board.series("Allocations", "Allocations per second: the busiest hosts.", "ops",
                 [(f"topk($worst, {rate('iova_allocations_total', 'job, instance')})", legend)], links=links)
    board.series("Events lost", "Events lost per second: the worst hosts. Their counters are too low by as much.",
                 "ops", [(f"topk($worst, {rate('rcached_events_lost_total', 'job, instance')})", legend)], BAD,
                 links=links, runbooks=["RcachedEventsLost"])
    board.series("Cost of rcached", "CPUs that the daemon uses: the hosts where it uses the most.", "percentunit",
                 [("topk($worst, rate(process_cpu_seconds_total[$__rate_interval]))", legend)],
                 links=[("rcached", "This rcached", ("job", "instance"))])


def population(board):
    board.row("Inventory")
    by_host = "sum by (job, instance)"
    board.table("Hosts", "All hosts: kernel, kind of depot, size, fullest depot (unbounded ones normally stay at 1) "
                "and state. Click on a host to open its dashboard.",
                [("max by (job, instance, release, depot) (iova_kernel_info)", None, "short", PLAIN),
                 ("count by (job, instance) (iova_tree_ranges)", "domains", "short", PLAIN),
                 (f"{by_host} (iova_tree_ranges)", "tree", "short", PLAIN),
                 (f"{by_host} (iova_outstanding_ranges)", "outstanding", "short", PLAIN),
                 *parts.fill_columns("max by (job, instance) ({})"),
                 (f"{by_host} (iova_magazine_bytes) + {by_host} (iova_range_bytes)", "allocator memory", "bytes",
                  PLAIN),
                 (f'{by_host} (rcached_domain_confidence{{confidence="lossy"}})', "in doubt", "short", BAD),
                 ("max by (job, instance) (process_resident_memory_bytes)", "rcached memory", "bytes", PLAIN)],
                ["instance", "release", "depot"], (24, 10), {"instance": [HOST_LINK]}, "tree")
    board.table("Domains", "All domains of the selected hosts, with their devices.",
                [("iova_domain_info", None, "short", PLAIN)],
                ["instance", "domain", "devices", "driver", "type", "granule"], (14, 10), ROW_LINKS)
    board.series("Kernels", "Hosts by kernel release and kind of depot: bounded ones (up to 6.6) overflow, unbounded "
                 "ones (6.7 and later) are reclaimed.", "short",
                 [("count by (release, depot) (iova_kernel_info)", "{{release}} ({{depot}})")], size=(5, 10),
                 stack=True)
    board.series("Versions of rcached", "Hosts by version of rcached: more than one means that an update is in "
                 "progress.", "short",
                 [("count by (version) (rcached_build_info)", "{{version}}")], size=(5, 10), stack=True)
