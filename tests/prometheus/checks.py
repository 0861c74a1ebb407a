# SPDX-License-Identifier: Apache-2.0
"""Checks of targets that Prometheus has scraped for some time. Each check returns a list of problems."""
import collections
import re

TEXT, OPENMETRICS = "text", "openmetrics"
OURS = {"job", "instance", "scrape_format", "scrape_kind"}  # labels added by the scrape configuration
OWN = re.compile(r"^(up|scrape_\w+)$")  # series that Prometheus adds

# All Prometheus counters of rejected samples or scrapes, and three of them that must exist.
REJECTIONS = re.compile(r"^prometheus_(target_(scrapes_\w+|scrape_pool_exceeded_\w+)_total|"
                      r"tsdb_out_of_\w+_samples_total)$")
REQUIRED_COUNTERS = ("prometheus_target_scrapes_sample_duplicate_timestamp_total",
                  "prometheus_target_scrapes_sample_out_of_order_total", "prometheus_tsdb_out_of_order_samples_total")


class Target:
    def __init__(self, name, kind, url, formats, textfile=None):
        self.name, self.kind, self.url, self.formats = name, kind, url, formats
        self.textfile = textfile  # the textfile that it also writes
        self.pages = {}  # by format, fetched before Prometheus started

    def selector(self, form):
        return f'{{job="{self.name}-{form}"}}'


def series_names(name, kind):
    return [f"{name}_bucket", f"{name}_sum", f"{name}_count"] if kind == "histogram" else [name]


def without_ours(labels):
    return tuple(sorted((key, value) for key, value in labels.items() if key not in OURS))


def series_in(page):
    """The series of a page as written, including duplicates."""
    lines = [line for line in page.decode(errors="replace").split("\n") if line and not line.startswith("#")]
    return [line[:line.rindex("}") + 1] if "}" in line else line.partition(" ")[0] for line in lines]


def check_scrapes(prometheus, targets):
    problems = []
    states = {target["scrapePool"]: target for target in prometheus.targets()}
    for target in targets:
        for form in target.formats:
            where = f"{target.name} ({form})"
            state = states.get(f"{target.name}-{form}")
            if state is None:
                problems.append(f"{where}: Prometheus does not have the target")
                continue
            if state["health"] != "up" or state["lastError"]:
                problems.append(f"{where}: {state['health']}: {state['lastError']}")
            ups = [value for _, values in prometheus.query(f"up{target.selector(form)}[1h]") for value in values]
            if not ups or set(ups) != {"1"}:
                problems.append(f"{where}: {ups.count('0')} of {len(ups)} scrapes failed")
            scraped = [float(value) for _, value in prometheus.query(f"scrape_samples_scraped{target.selector(form)}")]
            series = series_in(target.pages[form])
            if not scraped or scraped[0] < len(series):
                problems.append(f"{where}: {scraped} samples scraped, expected at least {len(series)}")
            # Prometheus 2.42 silently drops duplicates in a scrape.
            twice = sorted(one for one, count in collections.Counter(series).items() if count > 1)
            if twice:
                problems.append(f"{where}: {len(twice)} duplicate series, e.g. {', '.join(twice[:3])}")
    return problems


def check_rejections(prometheus):
    counters = {name: value for name, value in prometheus.own_counters("prometheus_").items()
                if REJECTIONS.match(name)}
    problems = [f"{name} is {value:g}" for name, value in counters.items() if value != 0]
    # If Prometheus renamed its counters, this check would silently pass.
    return problems + [f"Prometheus has no {name}" for name in REQUIRED_COUNTERS if name not in counters]


def series_of(prometheus, target, form, window=None):
    """{labels: value, or values over the window}, without series that Prometheus adds."""
    selector = target.selector(form) + (f"[{window}s]" if window else "")
    return {without_ours(labels): value for labels, value in prometheus.query(selector)
            if not OWN.match(labels.get("__name__", ""))}


def text_of(series):
    labels = dict(series)
    name = labels.pop("__name__", "")
    return name + "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"


def check_same_series(text, openmetrics, target):
    problems = []
    for one, other, form in ((text, openmetrics, OPENMETRICS), (openmetrics, text, TEXT)):
        missing = sorted(text_of(series) for series in one.keys() - other.keys())
        if missing:
            problems.append(f"{target.name}: {len(missing)} series are not in the {form} format, e.g. "
                            + ", ".join(missing[:3]))
    if not text:
        problems.append(f"{target.name}: no series at all")
    return problems


def check_still_gauges(text, openmetrics, target, types):
    """Gauges that were constant for several scrapes in both formats must be equal. Returns (problems, number)."""
    differing, compared = [], 0
    for series in sorted(text.keys() & openmetrics.keys()):
        one, other = text[series], openmetrics[series]
        still = len(one) >= 3 and len(other) >= 3 and len(set(one)) == 1 and len(set(other)) == 1
        if types.get(dict(series)["__name__"]) != "gauge" or not still:
            continue
        compared += 1
        if one[0] != other[0]:
            differing.append(f"{text_of(series)} is {one[0]} as text, {other[0]} as OpenMetrics")
    problems = [f"{target.name}: {len(differing)} gauges differ, e.g. {', '.join(differing[:3])}"] if differing else []
    if compared == 0:
        problems.append(f"{target.name}: no gauge was constant")
    return problems, compared


def find_documented(prometheus, documented, targets):
    """(problems, {series name: {kind: number of series}}): documented metrics with data, by kind of target."""
    problems, found = [], {}
    for metric, kind in documented.items():
        for name in series_names(metric, kind):
            counts = {}
            for labels, value in prometheus.query(f"count by (scrape_kind, scrape_format) ({name})"):
                counts.setdefault(labels["scrape_kind"], {})[labels["scrape_format"]] = int(value)
            found[name] = {target_kind: max(by_format.values()) for target_kind, by_format in counts.items()}
            if not counts:
                problems.append(f"{name} is documented, but no target has it")
            for target_kind, by_format in counts.items():
                for form in {form for target in targets if target.kind == target_kind for form in target.formats}:
                    if form not in by_format:
                        problems.append(f"{name} of {target_kind}: not in the {form} format")
    return problems, found


def find_undocumented(prometheus, documented, targets):
    """Series of the targets whose names are not documented."""
    known = {name for metric, kind in documented.items() for name in series_names(metric, kind)}
    problems = set()
    for target in targets:
        if target.kind == "textfile":  # node_exporter also has its own metrics
            continue
        for form in target.formats:
            for labels, _ in prometheus.query(f"count by (__name__) ({target.selector(form)})"):
                if labels["__name__"] not in known and not OWN.match(labels["__name__"]):
                    problems.add(f"{labels['__name__']} of {target.name} is not documented")
    return sorted(problems)
