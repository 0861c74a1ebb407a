# SPDX-License-Identifier: Apache-2.0
"""Domain: one domain by order and by CPU."""
import parts
from model import BAD, NOT_ZERO, PLAIN, Board, rate
from shared_panels import CACHED_SHARE, HIT_RATIO, balance_sheet, flush_queue, fullest_depot, latency, memory, trust

ORDER = "order {{order}}"


def build(runbooks):
    board = Board("domain", "rcached: IOVA domain",
                  "One domain of one host: its orders, the caches of its CPUs, its flush queue and its slow paths.",
                  [parts.datasource(), parts.job(), parts.instance(), parts.domain(), parts.runbooks(runbooks)],
                  {"job": '="$job"', "instance": '="$instance"', "domain": '="$domain"'}, parts.annotations(True))
    summary(board)
    orders(board)
    cpus(board)
    board.row("Latency of the slow paths")
    latency(board)
    flush_queue(board)
    memory(board)
    trust(board)
    return board


def summary(board):
    board.stat("Tree ranges", "All ranges in the domain's tree, which every miss has to search under one lock.",
               "short", PLAIN, "iova_tree_ranges")
    board.stat("Outstanding", "Ranges that drivers have mapped, or have unmapped and that wait in the flush queue.",
               "short", PLAIN, "sum(iova_outstanding_ranges)")
    board.stat("Cached share of the tree", "Share of the tree that no driver uses, but that cpu rcaches and depot "
               "keep.", "percentunit", PLAIN, CACHED_SHARE)
    fullest_depot(board)
    board.stat("Miss ratio", "Share of allocations that found nothing in the caches and searched the tree.",
               "percentunit", ((None, "green"), (0.1, "orange"), (0.5, "red")),
               f"{rate('iova_tree_allocations_total')} / ({rate('iova_allocations_total')} > 0)")
    board.stat("Prediction hit ratio", "How often the mirror predicted the pfn that the kernel then returned.",
               "percentunit", ((None, "red"), (0.99, "orange"), (0.999, "green")), HIT_RATIO)
    board.table("Domain", "The devices behind the domain, their drivers, the type of the IOMMU group (DMA-FQ is "
                "lazy, DMA strict) and the granule in bytes.",
                [("max without (job, instance) (iova_domain_info)", None, "short", PLAIN)],
                ["devices", "driver", "type", "granule", "domain"], (14, 5))
    board.states("Verdicts", "What rcached concludes about the domain from its counts, and since when.",
                 [("rcached_verdict", "{{verdict}}")], parts.VERDICT, size=(10, 5))
    balance_sheet(board, "Balance sheet", (16, 9))
    board.series("Unaccounted and from before", "Ranges that the parts of the balance sheet do not explain, and "
                 "outstanding ranges that were mapped before rcached first saw the domain.", "short",
                 [("iova_unaccounted_ranges", "unaccounted"),
                  ("iova_outstanding_before_start_ranges", "from before the start")], size=(8, 9), low=None)


def orders(board):
    board.row("By size (order)")

    def now(metric):
        return f"sum by (order) ({metric})"
    board.table("Orders", "One row for each size: order n is for sizes up to 2^n granules; 6+ is never cached. "
                "Unbounded depots normally stay at 1.",
                [(now("iova_outstanding_ranges"), "outstanding", "short", PLAIN),
                 (now("iova_rcache_cpu_cached"), "on CPUs", "short", PLAIN),
                 (now("iova_rcache_cpu_capacity"), "CPU capacity", "short", PLAIN),
                 (now("iova_rcache_cpus_holding"), "CPUs holding", "short", PLAIN),
                 (now("iova_rcache_depot_cached"), "in the depot", "short", PLAIN),
                 (now("iova_rcache_depot_magazines"), "magazines", "short", PLAIN),
                 *parts.fill_columns(now("{}")),
                 (rate("iova_allocations_total", "order"), "allocations", "ops", PLAIN),
                 (rate("iova_frees_total", "order"), "frees", "ops", PLAIN),
                 (rate("iova_tree_allocations_total", "order"), "misses", "ops", PLAIN),
                 (rate("iova_depot_overflows_total", "order"), "overflows", "ops", NOT_ZERO),
                 (rate("iova_depot_reclaims_total", "order"), "reclaims", "ops", PLAIN)],
                ["order"], (24, 8))
    board.series("Depot magazines", "Full magazines in the depot by order, with the limit (kernels up to 6.6) or the "
                 "reclaim threshold (6.7 and later).", "short",
                 [("iova_rcache_depot_magazines", ORDER), ("iova_rcache_depot_limit_magazines", "limit"),
                  ("iova_rcache_depot_reclaim_threshold_magazines", "reclaim threshold")],
                 runbooks=["IovaDepotFull", "IovaDepotReclaimChurn"])
    for title, words, metric in (
            ("Depot pushes", "Full magazines pushed to the depot per second.", "iova_depot_pushes_total"),
            ("Depot pops", "Magazines that CPUs take from the depot per second: 0 means that nothing in the depot is "
             "used again.", "iova_depot_pops_total"),
            ("Allocations", "Allocations per second, from the caches or the tree.", "iova_allocations_total"),
            ("Misses", "Allocations per second that missed the caches and searched the tree.",
             "iova_tree_allocations_total"),
            ("Failed allocations", "Allocations per second that returned nothing; normal for the first, 32-bit "
             "attempt of PCI devices.", "iova_allocation_failures_total"),
            ("Frees", "Calls of free_iova_fast per second.", "iova_frees_total"),
            ("Freed to the tree", "Ranges per second returned to the tree, one by one or with their magazine.",
             "iova_tree_frees_total"),
            ("Mismatched frees", "Frees per second with a size other than the allocated one: a driver bug.",
             "iova_mismatched_frees_total")):
        board.series(title, words, "ops", [(rate(metric, "order"), ORDER)],
                     BAD if metric.startswith("iova_mismatched") else PLAIN)
    board.series("Overflows and reclaims", "Magazines freed to the tree per second: overflows (up to 6.6) inside a "
                 "driver's unmap, reclaims (6.7 and later) by a worker.", "ops",
                 [(rate("iova_depot_overflows_total", "order"), "overflows, " + ORDER),
                  (rate("iova_depot_reclaims_total", "order"), "reclaims, " + ORDER)], NOT_ZERO, size=(16, 8),
                 runbooks=["IovaDepotSaturated", "IovaDepotReclaimChurn"])
    board.series("Flushes", "Calls of free_cpu_cached_iovas per second: emergency flushes after an allocation found no "
                 "space, and CPUs going offline.", "ops", [(rate("iova_rcache_flushes_total"), "flushes")], NOT_ZERO)


def cpus(board):
    board.row("By CPU (with metrics.per_cpu and metrics.per_magazine)")
    board.heatmap("Ranges cached by CPU", "Ranges in the magazines of each CPU, all orders: darker means more. CPUs "
                  "that only free fill up; CPUs that only allocate stay pale.", "short",
                  "sum by (cpu) (iova_rcache_cpu_ranges)", "CPU {{cpu}}")
    board.heatmap("Flush queue drained by CPU", "Ranges per second that the flush-queue timer freed into the rcache of "
                  "each CPU. One dark line means that one CPU gets what all CPUs have unmapped.", "ops",
                  rate("iova_flush_queue_cpu_drained_ranges_total", "cpu"), "CPU {{cpu}}")
    board.series("Ranges cached by NUMA node", "Ranges in the magazines of the CPUs of each NUMA node.", "short",
                 [("sum by (node) (iova_rcache_cpu_ranges)", "node {{node}}")], size=(12, 8), stack=True)
    board.series("Loaded and prev magazines", "Ranges in the loaded and in the prev magazines of all CPUs. A full prev "
                 "magazine goes to the depot at the next free that finds the loaded one full, too.", "short",
                 [("sum by (magazine) (iova_rcache_magazine_ranges)", "{{magazine}}")], size=(12, 8), stack=True)
