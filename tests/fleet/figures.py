# SPDX-License-Identifier: Apache-2.0
"""What a fleet costs, asked of its Prometheus, which scrapes itself too little to be asked by PromQL: its own figures
are read from its /metrics."""
import collections
import pathlib
import statistics
import urllib.parse

import kit

Figure = collections.namedtuple("Figure", "name value unit words")
RECORDED = '{__name__=~"(domain|instance|iommu):(iova|rcached)_.+"}'
# What a global Prometheus takes (docs/fleet.md).
FEDERATED = [RECORDED, '{__name__="rcached_verdict"}', '{__name__="ALERTS", alertname=~"(Iova|Rcached).*"}']
FORMS = {"text": {"Accept": "text/plain;version=0.0.4"},
         "text_gzip": {"Accept": "text/plain;version=0.0.4", "Accept-Encoding": "gzip"}}


def own(prometheus, name):
    """One of Prometheus's own metrics, its series added up."""
    found = prometheus.own_counters(name)
    if name not in found:
        raise kit.Failed(f"this Prometheus has no {name}")
    return found[name]


def memory_of(prometheus):
    return own(prometheus, "process_resident_memory_bytes")


def folder_size(path):
    return sum(file.stat().st_size for file in pathlib.Path(path).rglob("*") if file.is_file())


def values(prometheus, expression):
    """Numbers of an instant query; of a range selector those of all points."""
    numbers = [number for _, value in prometheus.query(expression)
               for number in (value if isinstance(value, list) else [value])]
    if not numbers:
        raise kit.Failed(f"{expression} gives nothing")
    return [float(number) for number in numbers]


def snapshot_size(prometheus, directory):
    """Bytes of the block that Prometheus makes of all it has, chunks and index."""
    status, _, body = kit.fetch(f"{prometheus.url}/api/v1/admin/tsdb/snapshot", method="POST")
    if status != 200:
        raise kit.Failed(f"Prometheus makes no snapshot: {status} {body[:200]!r}")
    [block] = [path for path in pathlib.Path(directory, "data/snapshots").glob("*/*") if (path / "meta.json").exists()]
    return folder_size(block / "chunks"), (block / "index").stat().st_size


def page_sizes(address):
    sizes = {}
    for form, headers in FORMS.items():
        status, _, body = kit.fetch(f"http://{address}/metrics", headers)
        if status != 200:
            raise kit.Failed(f"{address} answers {status}")
        sizes[form] = len(body)
    return sizes


def federated(prometheus):
    """Series that a global Prometheus would take."""
    query = urllib.parse.urlencode([("match[]", matcher) for matcher in FEDERATED])
    status, _, body = kit.fetch(f"{prometheus.url}/federate?{query}")
    if status != 200:
        raise kit.Failed(f"Prometheus does not federate: {status} {body[:200]!r}")
    return sum(1 for line in body.decode().splitlines() if line and not line.startswith("#"))


def measure(prometheus, some_host, directory, window, memory_before):
    """[Figure]. `memory_before`: of Prometheus when it had nothing yet."""
    durations = values(prometheus, f"scrape_duration_seconds[{window}s]")
    per_host = values(prometheus, "scrape_samples_post_metric_relabeling")
    series, samples = (own(prometheus, f"prometheus_tsdb_head_{name}") for name in ("series", "samples_appended_total"))
    memory, cpu = memory_of(prometheus), own(prometheus, "process_cpu_seconds_total")
    resident = values(prometheus, "process_resident_memory_bytes")
    used = values(prometheus, f"rate(process_cpu_seconds_total[{window}s])")
    log = folder_size(pathlib.Path(directory) / "data/wal")
    chunks, index = snapshot_size(prometheus, directory)
    pages = page_sizes(some_host)
    recorded = [float(value) for _, value in prometheus.query(f"count({RECORDED})")]
    rule_time = sum(group["evaluationTime"] for group in prometheus.api("rules")["groups"])
    return [
        Figure("scrape_duration_median", statistics.median(durations), "s", "a scrape, median"),
        Figure("scrape_duration_max", max(durations), "s", "a scrape, slowest"),
        Figure("scrapes", len(durations), "scrapes", "scrapes measured"),
        Figure("series_per_host", statistics.median(per_host), "series", "series of a host, median"),
        Figure("series_per_host_max", max(per_host), "series", "series of a host, most"),
        Figure("series_total", series, "series", "series in the head of Prometheus"),
        Figure("recorded_series", recorded[0] if recorded else 0, "series", "of them recorded by rules"),
        Figure("federated_series", federated(prometheus), "series", "series that federation would take"),
        Figure("rule_evaluation", rule_time, "s", "all rules, once"),
        Figure("scrape_bytes_text", pages["text"], "bytes", "a scrape, text"),
        Figure("scrape_bytes_gzip", pages["text_gzip"], "bytes", "a scrape, text with gzip"),
        Figure("prometheus_memory", memory, "bytes", "Prometheus, resident"),
        Figure("prometheus_memory_per_series", (memory - memory_before) / series, "bytes",
               "of it by series (less what it had when empty)"),
        Figure("prometheus_cpu_per_sample", cpu / samples, "s", "Prometheus, CPU time by sample"),
        Figure("samples", samples, "samples", "samples appended"),
        Figure("wal_bytes_per_sample", log / samples, "bytes", "write-ahead log by sample"),
        Figure("chunk_bytes_per_sample", chunks / samples, "bytes", "chunks on disk by sample"),
        Figure("index_bytes_per_series", index / series, "bytes", "index on disk by series"),
        Figure("rcached_memory_median", statistics.median(resident), "bytes", "an rcached, resident, median"),
        Figure("rcached_memory_max", max(resident), "bytes", "an rcached, resident, most"),
        Figure("rcached_cpu_median", statistics.median(used), "cpus", "an rcached, CPUs, median"),
        Figure("rcached_cpu_max", max(used), "cpus", "an rcached, CPUs, most"),
    ]


def text(figure):
    value = figure.value
    if figure.unit == "s":
        return f"{value * 1e6:.2f} us" if value < 1e-4 else f"{value * 1e3:.2f} ms" if value < 1 else f"{value:.2f} s"
    if figure.unit == "bytes":
        return f"{value:,.2f} B" if value < 100 else f"{value / 1024:,.1f} KiB" if value < 1024 * 1024 else \
            f"{value / 1024 / 1024:,.1f} MiB"
    if figure.unit == "cpus":
        return f"{100 * value:.2f} %"
    return f"{value:,.0f}"


def table(figures):
    return "\n".join(f"  {figure.words:48}{text(figure):>14}" for figure in figures)
