# SPDX-License-Identifier: Apache-2.0
"""Queries Prometheus as Grafana would: resolves the variables of a dashboard, substitutes them in its queries and
counts the results."""
import itertools
import math
import re

import frames
import reading

OTHERS = re.compile(r"\b(?!(?:iova|rcached)_)\w+\{[^}]*\}")  # selectors of metrics that other programs have, too
LINKED = re.compile(r"\$\{__(?:data\.fields|field\.labels)\.(\w+)\}")


class Asker:
    """Queries over one window of time."""

    def __init__(self, prometheus, start, end, interval):
        self.prometheus, self.start, self.end = prometheus, start, end
        self.step = interval
        # Computed from the step and the scrape interval, as in Grafana.
        self.built_in = {"__interval": f"{interval}s", "__rate_interval": f"{max(2 * interval, 4 * interval)}s",
                         "__range": f"{int(end - start)}s"}
        self.asked = 0

    def label_values(self, selector, label):
        found = {row.get(label, "") for row in self.prometheus.api("series", **{
            "match[]": selector, "start": self.start, "end": self.end})}
        return sorted(found - {""})

    def query(self, expression, values, instant):
        """[(labels, [(time, value)])], numbers only."""
        self.asked += 1
        text = reading.substitute(expression, {**self.built_in, **values})
        if instant:
            rows = self.prometheus.api("query", query=text, time=self.end)["result"]
            found = [(row["metric"], [row["value"]]) for row in rows]
        else:
            rows = self.prometheus.api("query_range", query=text, start=self.start, end=self.end,
                                       step=self.step)["result"]
            found = [(row["metric"], row["values"]) for row in rows]
        points = [(labels, [(time, float(value)) for time, value in samples if math.isfinite(float(value))])
                  for labels, samples in found]
        return [(labels, samples) for labels, samples in points if samples]


def choices(asker, dashboard):
    """All tested values of a dashboard's variables: each value of single-value variables; for multi-value ones, All and
    a combination of two."""
    fixed = {}
    for variable in dashboard["templating"]["list"]:
        if variable["type"] in ("custom", "textbox"):
            fixed[variable["name"]] = variable["current"]["value"]
    yield from choose(asker, list(reading.variables_of(dashboard)), {}, fixed)


def choose(asker, variables, chosen, fixed):
    if not variables:
        yield {**fixed, **chosen}
        return
    name, selector, label, variable = variables[0]
    found = asker.label_values(reading.substitute(selector, {**asker.built_in, **fixed, **chosen}), label)
    if variable["multi"]:  # All is allValue if set, otherwise all values
        every = variable.get("allValue") or reading.several(found)
        ways = list(dict.fromkeys([every, reading.several(found[:2])])) if found else []
    else:
        ways = found
    for way in ways:
        yield from choose(asker, variables[1:], {**chosen, name: way}, fixed)


def places_of(dashboard):
    """(place, expression, instant, panel or None, name templates) of every query whose result is displayed."""
    for place, panel, target in reading.targets_of(dashboard):
        yield place, target["expr"], target["instant"], panel, [target["legendFormat"]]
    for one in dashboard["annotations"]["list"]:
        if "expr" in one:
            yield f"annotation {one['name']}", one["expr"], False, None, [one["titleFormat"], one["textFormat"]]


def ask_everything(asker, dashboards):
    """{(dashboard, place): set of the hosts, or "all", with data}, and problems of the results."""
    found, problems = {}, []
    jobs = asker.label_values("rcached_build_info", "job")
    for name, dashboard in dashboards.items():
        ways = list(choices(asker, dashboard))
        for variable, selector, label, _ in reading.variables_of(dashboard):
            found[name, f"variable {variable}"] = {"all"} if any(
                asker.label_values(reading.substitute(selector, {**asker.built_in, **way}), label)
                for way in ways) else set()
        for values, (place, expression, instant, panel, templates) in itertools.product(ways, places_of(dashboard)):
            hosts = found.setdefault((name, place), set())
            rows = asker.query(expression, values, instant)
            if rows:
                hosts.add(values["instance"])
            problems += [f"{name}: {place}: {problem}" for problem in itertools.chain(
                broken_links(panel, rows), broken_names(templates, rows),
                foreign_series(asker, expression, values, jobs))]
    return found, sorted(set(problems))


def foreign_series(asker, expression, values, jobs):
    """Series of a job without rcached that a query includes; its result may not show them."""
    for selector in OTHERS.findall(reading.substitute(expression, values)):
        for job in asker.label_values(selector, "job"):
            if job not in jobs:
                yield f"{selector} includes job {job}, which is not rcached"


def broken_names(templates, rows):
    """Names that use a label which a row does not have."""
    for labels, _ in rows:
        for template in templates:
            for needed in frames.LEGEND.findall(template):
                if not labels.get(needed):
                    yield f"the name {template!r} needs {needed}, which {labels} lacks"


def broken_links(panel, rows):
    """Links that need a label which a row or series that shows them does not have."""
    if panel is None:
        return
    everywhere = panel["fieldConfig"]["defaults"].get("links", [])
    columns = {override["matcher"]["options"]: prop["value"] for override in panel["fieldConfig"]["overrides"]
               for prop in override["properties"] if prop["id"] == "links"}
    for labels, _ in rows:
        shown = everywhere + [link for column, links in columns.items() if labels.get(column) for link in links]
        for link in shown:
            for needed in LINKED.findall(link["url"]):
                if not labels.get(needed):
                    yield f"the link {link['title']!r} needs {needed}, which {labels} lacks"
