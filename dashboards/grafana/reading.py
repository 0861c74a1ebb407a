# SPDX-License-Identifier: Apache-2.0
"""Reads the dashboards as Grafana does: panels, queries, variables and their substitution. For the tests."""
import json
import pathlib
import re

GRAFANA = pathlib.Path(__file__).resolve().parent
ROOT = GRAFANA.parent.parent
METRIC = re.compile(r"(?<![\w:])(?:iova|rcached|process)_[a-z0-9_]+(?![\w:(])")
HISTOGRAM_PARTS = ("_bucket", "_sum", "_count")
VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")
LABEL_VALUES = re.compile(r"label_values\((.*), *(\w+)\)$")


def dashboards():
    """{name: dashboard}"""
    return {path.stem: json.loads(path.read_text()) for path in sorted(GRAFANA.glob("*.json"))}


def rule_files():
    """Recording rules and alerts; the same folder also has their tests and other configuration."""
    return [path for path in sorted((ROOT / "dashboards/prometheus").glob("*.yaml"))
            if re.search(r"^groups:", path.read_text(), re.M)]


def alerts():
    """[(alert, its runbook)] of all rule files."""
    return [(re.match(r"- alert: (\w+)", block)[1], re.search(r"runbook(?:_url)?: .*?(\w+)\.md", block)[1])
            for path in rule_files() for block in re.split(r"(?=- alert: )", path.read_text())[1:]]


def documented(page=ROOT / "docs/metrics.md"):
    """{metric: (type, set of its labels)}"""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| \w+ \| ([^|]*)\|", page.read_text(), re.M)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def metric_of(series, known):
    """The documented metric that a series belongs to, or None."""
    if series in known:
        return series
    for part in HISTOGRAM_PARTS:
        base = series.removesuffix(part)
        if base != series and known.get(base, ("",))[0] == "histogram":
            return base
    return None


def panels_of(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def properties_of(panel, name):
    """The properties that overrides set for the field with this name."""
    found = {}
    for override in panel["fieldConfig"]["overrides"]:
        wanted = override["matcher"]["options"]
        hit = re.search(wanted.strip("/"), name) if override["matcher"]["id"] == "byRegexp" else wanted == name
        if hit:
            found.update({prop["id"]: prop["value"] for prop in override["properties"]})
    return found


def targets_of(dashboard):
    """(place, panel, target) of every query of a panel."""
    for panel in panels_of(dashboard):
        for target in panel.get("targets", []):
            yield f"panel {panel['title']} {target['refId']}", panel, target


def annotations_of(dashboard):
    """(place, expression)"""
    return [(f"annotation {one['name']}", one["expr"]) for one in dashboard["annotations"]["list"] if "expr" in one]


def variables_of(dashboard):
    """(name, selector, label, variable) of the variables that query Prometheus, in order."""
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            selector, label = LABEL_VALUES.match(variable["query"]["query"]).groups()
            yield variable["name"], selector, label, variable


def queries_of(dashboard):
    """(place, PromQL) of all queries."""
    for place, _, target in targets_of(dashboard):
        yield place, target["expr"]
    yield from annotations_of(dashboard)
    for name, selector, _, _ in variables_of(dashboard):
        yield f"variable {name}", selector


def substitute(text, values):
    """Replaces variables by values; anything else stays unchanged, as in Grafana."""
    return VARIABLE.sub(lambda found: values.get(found[1] or found[2], found[0]), text)


def several(values):
    """Several values of a variable, in the form in which Grafana passes them to Prometheus."""
    escaped = [re.sub(r"([\\^$.*+?()\[\]{}|])", r"\\\\\1", value) for value in values]
    return escaped[0] if len(escaped) == 1 else "(" + "|".join(escaped) + ")"
