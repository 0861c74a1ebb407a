# SPDX-License-Identifier: Apache-2.0
"""The cost of a fleet, from its Prometheus. Prometheus's own metrics are read from its /metrics, because it does not
scrape itself often enough for PromQL."""
import collections
import pathlib
import statistics
import urllib.parse

import kit

Figure = collections.namedtuple("Figure", "name value unit words")
RECORDED = '{__name__=~"(domain|instance|iommu):(iova|rcached)_.+"}'
# The series that a global Prometheus federates (docs/fleet.md).
FEDERATED = [RECORDED, '{__name__="rcached_verdict"}', '{__name__="ALERTS", alertname=~"(Iova|Rcached).*"}']
FORMS = {"text": {"Accept": "text/plain;version=0.0.4"},
         "text_gzip": {"Accept": "text/plain;version=0.0.4", "Accept-Encoding": "gzip"}}


def own(prometheus, name):
    """One of Prometheus's own metrics: the sum of its series."""
    found = prometheus.own_counters(name)
    if name not in found:
        raise kit.Failed(f"Prometheus has no metric {name}")
    return found[name]


def memory_of(prometheus):
    return own(prometheus, "process_resident_memory_bytes")


def folder_size(path):
    return sum(file.stat().st_size for file in pathlib.Path(path).rglob("*") if file.is_file())


def values(prometheus, expression):
    """Values of an instant query; for a range selector, those of all points."""
    numbers = [number for _, value in prometheus.query(expression)
               for number in (value if isinstance(value, list) else [value])]
    if not numbers:
        raise kit.Failed(f"{expression} gives nothing")
    return [float(number) for number in numbers]


def snapshot_size(prometheus, directory):
    """Bytes of a snapshot of all data in Prometheus: chunks and index."""
    status, _, body = kit.fetch(f"{prometheus.url}/api/v1/admin/tsdb/snapshot", method="POST")
    if status != 200:
        raise kit.Failed(f"Prometheus cannot create a snapshot: status {status} {body[:200]!r}")
    [block] = [path for path in pathlib.Path(directory, "data/snapshots").glob("*/*") if (path / "meta.json").exists()]
    return folder_size(block / "chunks"), (block / "index").stat().st_size


def page_sizes(address):
    sizes = {}
    for form, headers in FORMS.items():
        status, _, body = kit.fetch(f"http://{address}/metrics", headers)
        if status != 200:
            raise kit.Failed(f"{address}: status {status}")
        sizes[form] = len(body)
    return sizes


def federated(prometheus):
    """Number of series that a global Prometheus would federate."""
    query = urllib.parse.urlencode([("match[]", matcher) for matcher in FEDERATED])
    status, _, body = kit.fetch(f"{prometheus.url}/federate?{query}")
    if status != 200:
        raise kit.Failed(f"Prometheus federation failed: status {status} {body[:200]!r}")
    return sum(1 for line in body.decode().splitlines() if line and not line.startswith("#"))


def measure(prometheus, some_host, directory, window, memory_before):
    """[Figure]. `memory_before`: of Prometheus when it was empty."""
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
        Figure("scrape_duration_median", statistics.median(durations), "s", "scrape, median"),
        Figure("scrape_duration_max", max(durations), "s", "scrape, slowest"),
        Figure("scrapes", len(durations), "scrapes", "scrapes measured"),
        Figure("series_per_host", statistics.median(per_host), "series", "series per host, median"),
        Figure("series_per_host_max", max(per_host), "series", "series per host, maximum"),
        Figure("series_total", series, "series", "series in the head of Prometheus"),
        Figure("recorded_series", recorded[0] if recorded else 0, "series", "of these, recorded by rules"),
        Figure("federated_series", federated(prometheus), "series", "series for federation"),
        Figure("rule_evaluation", rule_time, "s", "one evaluation of all rules"),
        Figure("scrape_bytes_text", pages["text"], "bytes", "scrape, text"),
        Figure("scrape_bytes_gzip", pages["text_gzip"], "bytes", "scrape, text with gzip"),
        Figure("prometheus_memory", memory, "bytes", "Prometheus, resident"),
        Figure("prometheus_memory_per_series", (memory - memory_before) / series, "bytes",
               "of this, per series (without the memory when empty)"),
        Figure("prometheus_cpu_per_sample", cpu / samples, "s", "Prometheus, CPU time per sample"),
        Figure("samples", samples, "samples", "samples appended"),
        Figure("wal_bytes_per_sample", log / samples, "bytes", "write-ahead log per sample"),
        Figure("chunk_bytes_per_sample", chunks / samples, "bytes", "chunks on disk per sample"),
        Figure("index_bytes_per_series", index / series, "bytes", "index on disk per series"),
        Figure("rcached_memory_median", statistics.median(resident), "bytes", "rcached, resident, median"),
        Figure("rcached_memory_max", max(resident), "bytes", "rcached, resident, maximum"),
        Figure("rcached_cpu_median", statistics.median(used), "cpus", "rcached, CPUs, median"),
        Figure("rcached_cpu_max", max(used), "cpus", "rcached, CPUs, maximum"),
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
