# SPDX-License-Identifier: Apache-2.0
"""Host: the allocator of one host by domain: balance sheets, depots, tree, latency."""
import parts
from model import DOMAIN_HERE, FILL, NOT_ZERO, PLAIN, BAD, Board, rate
from shared_panels import (BY_DOMAIN, CACHED_SHARE, HIT_RATIO, balance_sheet, flush_queue, fullest_depot, latency,
                           memory, trust)

LINKS = [DOMAIN_HERE]
HALF = (12, 8)


def build(runbooks):
    board = Board("host", "rcached: IOVA host",
                  "The IOVA allocator of one host: what is in its trees, what keeps it there, and how far the numbers "
                  "can be trusted.",
                  [parts.datasource(), parts.job(), parts.instance(), parts.domain(True),
                   parts.runbooks(runbooks)],
                  {"job": '="$job"', "instance": '="$instance"', "domain": '=~"$domain"'}, parts.annotations(True))
    summary(board)
    trees(board)
    depots(board)
    operations(board)
    board.row("Latency of the slow paths")
    latency(board)
    flush_queue(board)
    memory(board)
    trust(board)
    return board


def summary(board):
    board.stat("Tree ranges", "All ranges in the trees of the selected domains. Every miss has to search a tree under "
               "one lock.", "short", PLAIN, "sum(iova_tree_ranges)")
    board.stat("Outstanding", "Ranges mapped by drivers. Grows with load; growth at steady load means a leak.",
               "short", PLAIN, "sum(iova_outstanding_ranges)")
    board.stat("Cached share of the tree", "Share of the trees that no driver uses, but that cpu rcaches and depots "
               "keep. A high value is normal after a burst; it is a problem if the tree keeps growing with it.",
               "percentunit", PLAIN, CACHED_SHARE)
    fullest_depot(board)
    board.stat("Prediction hit ratio", "How often the mirror predicted the pfn that the kernel then returned. 1 means "
               "that the mirror equals the kernel's cache, pfn by pfn.", "percentunit",
               ((None, "red"), (0.99, "orange"), (0.999, "green")), HIT_RATIO)
    board.stat("Events lost", "Events that did not reach rcached in the selected time range. Counters are too low by "
               "this many.", "short", BAD,
               "sum(increase(rcached_events_lost_total[$__range]))", runbooks=["RcachedEventsLost"])
    board.table("Domains", "The domains of this host: their devices and drivers, the type of their IOMMU group (DMA-FQ "
                "is lazy, DMA is strict), and their fullest depot. Click on a domain to open its dashboard.",
                [("max without (job, instance) (iova_domain_info)", None, "short", PLAIN),
                 ("sum by (domain) (iova_tree_ranges)", "tree", "short", PLAIN),
                 *parts.fill_columns("max by (domain) ({})")],
                ["domain", "devices", "driver", "type", "granule"], (16, 6),
                {"domain": LINKS}, "tree")
    board.table("Kernel", "The traced kernel: its release, whether its depots are bounded (up to 6.6) or unbounded "
                "(6.7 and later), and the number of pfns in a magazine.",
                [("max without (job, instance) (iova_kernel_info)", None, "short", PLAIN)],
                ["release", "depot", "magazine_capacity", "tree"], (8, 6))
    board.states("Verdicts", "What rcached concludes about each domain from its counts, and since when.",
                 [("rcached_verdict", "{{verdict}}, " + BY_DOMAIN)], parts.VERDICT, size=(24, 6), links=LINKS)


def trees(board):
    board.row("Balance sheet")
    balance_sheet(board, "Balance sheet: domain $domain", (24, 10))
    board.series("Tree by domain", "Size of each domain's tree. Cached ranges stay in it, so it shrinks only when "
                 "magazines are freed.", "short", [("iova_tree_ranges", BY_DOMAIN)], links=LINKS)
    board.series("Cached and outstanding", "Is it a leak? Cached is what the allocator keeps, outstanding is what "
                 "drivers hold. Some of the outstanding ranges were mapped before rcached first saw the domain; their "
                 "number should only decrease.", "short",
                 [("sum by (domain) (iova_rcache_cpu_cached) + sum by (domain) (iova_rcache_depot_cached)",
                   "cached, " + BY_DOMAIN),
                  ("sum by (domain) (iova_outstanding_ranges)", "outstanding, " + BY_DOMAIN),
                  ("iova_outstanding_before_start_ranges", "from before the start, " + BY_DOMAIN)], links=LINKS)
    board.series("Unaccounted", "Ranges that the parts of the balance sheet do not explain. 0 if all events since the "
                 "creation of the domain were seen; approaches 0 for older domains.", "short",
                 [("iova_unaccounted_ranges", BY_DOMAIN)], low=None, links=LINKS)
    board.row("By size (order)")
    order = "order {{order}}"
    board.series("Outstanding by order", "Ranges mapped by drivers, by size: order n is for sizes up to 2^n granules; "
                 "6+ is never cached.", "short", [("sum by (order) (iova_outstanding_ranges)", order)], size=HALF,
                 stack=True)
    board.series("Cached in cpu rcaches by order", "Ranges in the loaded and prev magazines of all CPUs. Grows with "
                 "every CPU that ever freed a range of that size, because nothing ages these caches.", "short",
                 [("sum by (order) (iova_rcache_cpu_cached)", order)], size=HALF, stack=True)
    board.series("CPU rcache fill", "Cached ranges divided by what the magazines of the CPUs seen so far can hold, by "
                 "order. 1 means that further frees go to the depot.", "percentunit",
                 [("sum by (order) (iova_rcache_cpu_cached) / (sum by (order) (iova_rcache_cpu_capacity) > 0)",
                   order)], FILL, size=HALF)
    board.series("CPUs holding ranges", "CPUs with at least one cached range of that order, in the domain with the "
                 "most. The size of the cache depends on this number, not on the load.", "short",
                 [("max by (order) (iova_rcache_cpus_holding)", order)], size=HALF)


def depots(board):
    board.row("Depots")
    depot = "domain {{domain}}, order {{order}}"
    board.series("Depot fill", "Depot magazines divided by the limit or the reclaim threshold. Bounded depots overflow "
                 "at 1; unbounded ones are reclaimed above 1, and should fall back to 1 and stay there.", "percentunit",
                 [(parts.BOUNDED_FILL, f"{parts.OF_LIMIT}, {depot}"),
                  (parts.UNBOUNDED_FILL, f"{parts.OF_THRESHOLD}, {depot}")], FILL, size=(12, 9), links=LINKS,
                 overrides=[parts.NO_THRESHOLDS], runbooks=["IovaDepotFull", "IovaDepotReclaimChurn"])
    board.series("Depot magazines", "Full magazines in the depots, with the limit (kernels up to 6.6) or the reclaim "
                 "threshold (6.7 and later) of this kernel.", "short",
                 [("iova_rcache_depot_magazines", depot), ("iova_rcache_depot_limit_magazines", "limit"),
                  ("iova_rcache_depot_reclaim_threshold_magazines", "reclaim threshold")], size=(12, 9))
    board.series("Overflows and reclaims", "Magazines freed to the tree per second. Overflows (up to 6.6) happen "
                 "during a driver's unmap; reclaims (6.7 and later) in a worker, at most about 10 "
                 "per second and order.",
                 "ops", [(rate("iova_depot_overflows_total", "domain"), "overflows, " + BY_DOMAIN),
                         (rate("iova_depot_reclaims_total", "domain"), "reclaims, " + BY_DOMAIN)], NOT_ZERO,
                 size=HALF, runbooks=["IovaDepotSaturated", "IovaDepotReclaimChurn"])
    board.series("Depot traffic", "Magazines pushed to and popped from the depots per second. Pushes without pops: one "
                 "set of CPUs frees what another allocates, or the load is shrinking.", "ops",
                 [(rate("iova_depot_pushes_total", "domain"), "pushes, " + BY_DOMAIN),
                  (rate("iova_depot_pops_total", "domain"), "pops, " + BY_DOMAIN)], size=HALF)


def operations(board):
    board.row("Operations")
    board.series("Allocations and frees", "Calls of alloc_iova_fast that returned a range and calls of "
                 "free_iova_fast, per second. With a lasting difference, outstanding grows.", "ops",
                 [(rate("iova_allocations_total", "domain"), "allocations, " + BY_DOMAIN),
                  (rate("iova_frees_total", "domain"), "frees, " + BY_DOMAIN)], size=HALF, links=LINKS)
    board.series("Miss ratio", "Share of allocations that found no cached range and searched the tree. Sizes of order "
                 "6+ always do.", "percentunit",
                 [(f"{rate('iova_tree_allocations_total', 'domain')} / "
                   f"({rate('iova_allocations_total', 'domain')} > 0)", BY_DOMAIN)], size=HALF, links=LINKS)
    board.series("Allocations by order", "The load by size. Sizes of order 6+ are never allocated from the "
                 "caches.", "ops", [(rate("iova_allocations_total", "order"), "order {{order}}")], size=HALF,
                 stack=True)
    board.series("Unusual", "Failed allocations (normal for the first, 32-bit attempt), frees with a wrong size, and "
                 "flushes of all cpu rcaches, per second.", "ops",
                 [(rate("iova_allocation_failures_total"), "failed allocations"),
                  (rate("iova_mismatched_frees_total"), "mismatched frees"),
                  (rate("iova_rcache_flushes_total"), "rcache flushes")], size=HALF)
