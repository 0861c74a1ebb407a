# SPDX-License-Identifier: Apache-2.0
"""The parts of a dashboard. A panel must have a unit, thresholds and a description; metrics and labels that are not in
docs/metrics.md are rejected. The board adds its matchers to every metric, so that an expression can be as short as
`sum(iova_tree_ranges)`.

The JSON is for Grafana 9.4 (schema 37, table cells with cellOptions); later versions load it and migrate it
themselves."""
import json
import pathlib
import re
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
import reading  # pylint: disable=wrong-import-position

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24

METRIC = re.compile(r"(?<![\w:.$\"])((?:iova|rcached|process)_\w+|ALERTS|up)\b(?![:(])(?:\{([^}]*)\})?")
FOREIGN = {"up": set(), "ALERTS": {"alertname", "alertstate", "severity", "domain"}}  # from Prometheus itself

# Thresholds: (from, colour); the first has no lower bound.
PLAIN = ((None, "green"),)
FILL = ((None, "green"), (0.8, "orange"), (1, "red"))
NOT_ZERO = ((None, "green"), (1e-9, "orange"))
BAD = ((None, "green"), (1e-9, "red"))


def metric_labels(name, known):
    if name in FOREIGN:
        return FOREIGN[name]
    metric = reading.metric_of(name, known)
    if metric is None:
        raise ValueError(f"{name} is not in docs/metrics.md")
    return known[metric][1] | ({"le"} if metric != name else set())


def rate(metric, by="", function="rate", aggregate="sum"):
    grouping = f" by ({by})" if by else ""
    return f"{aggregate}{grouping} ({function}({metric}[$__rate_interval]))"


def quantile(q, histogram, by=""):
    labels = "le, " + by if by else "le"
    return f"histogram_quantile({q}, {rate(histogram + '_bucket', labels)})"


def thresholds(steps):
    return {"mode": "absolute", "steps": [{"color": color, "value": value} for value, color in steps]}


def by_name(name, **properties):
    """An override; `__` in a property's name is replaced by a dot."""
    return {"matcher": {"id": "byName", "options": name},
            "properties": [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()]}


def by_regexp(pattern, **properties):
    return {**by_name("", **properties), "matcher": {"id": "byRegexp", "options": pattern}}


def right(name, unit):
    """Shows a series on the right axis."""
    return by_name(name, custom__axisPlacement="right", unit=unit)


def dashed(name):
    """Draws a series as a dashed line outside the stack."""
    return by_name(name, custom__lineStyle={"fill": "dash", "dash": [8, 6]}, custom__fillOpacity=0,
                   custom__stacking={"mode": "none", "group": "A"}, color={"mode": "fixed", "fixedColor": "text"})


def mapping(texts):
    """{value: (text, colour)}"""
    return [{"type": "value", "options": {str(value): {"text": text, "color": color, "index": index}
                                          for index, (value, (text, color)) in enumerate(texts.items())}}]


def link_to(fields, board, title, names, variables=()):
    """A link from a row or a series to another board. `names` are taken from the row or series (Grafana has them in
    `fields`), and `variables` from the selection on this board."""
    chosen = "".join([f"&var-{name}=${{{name}}}" for name in variables]
                     + [f"&var-{name}=${{{fields}.{name}}}" for name in names])
    return {"title": title, "targetBlank": False,
            "url": f"/d/rcached-{board}?var-datasource=${{datasource}}{chosen}&var-runbooks=${{runbooks}}"
                   "&${__url_time_range}"}


HOST_LINK = ("host", "This host", ("job", "instance"))
DOMAIN_LINK = ("domain", "This domain", ("job", "instance", "domain"))
DOMAIN_HERE = ("domain", "This domain", ("domain",), ("job", "instance"))


def kept(here, there):
    """The variables that a link from one board to another keeps: those that have the same form on both. A board for a
    single value has no All; a single job is also valid where several can be selected. The values of each variable
    depend on those before it, so the first one that differs ends the list."""
    found = []
    for name in ("job", "instance", "domain"):
        if not (name in here and name in there
                and (here[name]["multi"] == there[name]["multi"] or (name == "job" and there[name]["multi"]))):
            break
        found.append(name)
    return found


def runbook_link(name):
    if not (reading.ROOT / "dashboards/runbooks" / f"{name}.md").exists():
        raise ValueError(f"there is no runbook {name}")
    return {"title": f"Runbook {name}", "url": f"${{runbooks}}/{name}.md", "targetBlank": True}


class Board:
    """Panels are placed from left to right; a row starts a new line."""

    def __init__(self, name, title, description, variables, selector, annotations):
        self.name, self.title, self.description = name, title, description
        self.variables, self.selector, self.annotations = variables, selector, annotations
        self.known = reading.documented()
        self.panels = []
        self.x = self.y = self.line_height = 0

    def expand(self, expression):
        """The expression with the board's matchers in every metric."""
        def matched(found):
            name, own = found[1], found[2]
            labels = metric_labels(name, self.known)
            for label in re.findall(r"(\w+) *(?:=~|!~|!=|=)", own or ""):
                if label not in labels:
                    raise ValueError(f"{name} has no label {label}: {expression}")
            chosen = [f"{label}{how}" for label, how in self.selector.items()
                      if label in labels or label in ("job", "instance")]
            return f"{name}{{{', '.join(chosen + ([own] if own else []))}}}"
        return METRIC.sub(matched, expression)

    def row(self, title):
        self.x, self.y = 0, self.y + self.line_height
        self._add({"type": "row", "title": title, "collapsed": False, "panels": []}, WIDTH, 1)

    def _add(self, panel, width, height):
        if self.x + width > WIDTH:
            self.x, self.y, self.line_height = 0, self.y + self.line_height, 0
        at = {"x": self.x, "y": self.y, "w": width, "h": height}
        self.panels.append({"id": len(self.panels) + 1, **panel, "gridPos": at})
        self.x, self.line_height = self.x + width, max(self.line_height, height)
        if panel["type"] == "row":
            self.x, self.y, self.line_height = 0, self.y + 1, 0

    def _panel(self, kind, title, description, unit, steps, queries, *, size, options, custom=None, overrides=(),
               links=(), runbooks=(), transformations=None, color="palette-classic", mappings=(), form="time_series",
               instant=False, **defaults):
        if not (title and len(description) > 30 and unit and steps):
            raise ValueError(f"{title}: a panel needs a title, a description, a unit and thresholds")
        fields = "__data.fields" if kind == "table" else "__field.labels"
        field = {"unit": unit, "thresholds": thresholds(steps), "color": {"mode": color}, "mappings": list(mappings),
                 **defaults, "custom": custom or {}}
        if links and kind != "table":
            field["links"] = [link_to(fields, *link) for link in links]
        targets = [{"refId": chr(ord("A") + index), "datasource": DATASOURCE, "editorMode": "code",
                    "expr": self.expand(expression), "format": form, "instant": instant, "range": not instant,
                    "legendFormat": legend} for index, (expression, legend) in enumerate(queries)]
        panel = {"type": kind, "title": title, "description": description, "datasource": DATASOURCE,
                 "fieldConfig": {"defaults": field, "overrides": list(overrides)}, "options": options,
                 "links": [runbook_link(name) for name in runbooks], "targets": targets}
        if transformations:
            panel["transformations"] = transformations
        self._add(panel, *size)

    def stat(self, title, description, unit, steps, query, size=(4, 4), **more):
        """`query`: one query, or several with their names, which are then shown."""
        queries = [(query, title.lower())] if isinstance(query, str) else query
        self._panel("stat", title, description, unit, steps, queries, size=size, color="thresholds",
                    options={"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
                             "colorMode": "value", "graphMode": "area",
                             "textMode": "auto" if len(queries) == 1 else "value_and_name", "justifyMode": "auto",
                             "orientation": "auto"}, **more)

    def series(self, title, description, unit, queries, steps=PLAIN, size=(8, 8), stack=False, low=0, **more):
        custom = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 40 if stack else 8, "showPoints": "never",
                  "spanNulls": False, "lineInterpolation": "linear",
                  "stacking": {"mode": "normal" if stack else "none", "group": "A"},
                  "thresholdsStyle": {"mode": "off" if len(steps) == 1 else "dashed"}}
        bound = {} if low is None else {"min": low}
        self._panel("timeseries", title, description, unit, steps, queries, size=size, custom=custom, **bound,
                    options={"legend": {"displayMode": "table", "placement": "bottom",
                                        "calcs": ["lastNotNull", "max"], "showLegend": True},
                             "tooltip": {"mode": "multi", "sort": "desc"}}, **more)

    def table(self, title, description, columns, labels, size, links=None, sort=None, ascending=False,
              **more):
        """`columns`: (expression, heading, unit, thresholds); rows are joined by their labels; a heading of None hides
        the value. `labels`: the order of the label columns. `links`: {label: [link]}. `sort`: the heading to sort by,
        with the worst first."""
        names = ["Value"] if len(columns) == 1 else [f"Value #{chr(ord('A') + i)}" for i in range(len(columns))]
        shown = [(name, column) for name, column in zip(names, columns) if column[1]]
        hidden = {"Time": True, "__name__": True, **{name: True for name, column in zip(names, columns)
                                                      if not column[1]}}
        order = {name: index for index, name in enumerate(list(labels) + [name for name, _ in shown])}
        overrides = [by_name(heading, unit=unit, thresholds=thresholds(steps),
                             custom__cellOptions={"type": "color-text" if len(steps) > 1 else "auto"},
                             color={"mode": "thresholds"})
                     for _, (_, heading, unit, steps) in shown]
        overrides += [by_name(label, links=[link_to("__data.fields", *link) if isinstance(link, tuple) else link
                                            for link in several]) for label, several in (links or {}).items()]
        self._panel("table", title, description, columns[0][2], PLAIN, [(column[0], "") for column in columns],
                    size=size, overrides=overrides, form="table", instant=True, color="thresholds",
                    custom={"align": "auto", "filterable": True},
                    options={"showHeader": True, "cellHeight": "sm",
                             "footer": {"show": False, "reducer": ["sum"], "countRows": False},
                             "sortBy": [{"displayName": sort, "desc": not ascending}] if sort else []},
                    transformations=[{"id": "merge", "options": {}},
                                     {"id": "organize", "options": {
                                         "excludeByName": hidden, "indexByName": order,
                                         "renameByName": {name: column[1] for name, column in shown}}}], **more)

    def heatmap(self, title, description, unit, query, legend, size=(12, 8), buckets=False, **more):
        """`buckets`: the series are the buckets of a histogram; otherwise each is a line of cells."""
        axis = {"axisPlacement": "left", "reverse": False, **({"unit": "s"} if buckets else {})}
        self._panel("heatmap", title, description, unit, PLAIN, [(query, legend)], size=size,
                    custom={"hideFrom": {"legend": False, "tooltip": False, "viz": False}},
                    form="heatmap" if buckets else "time_series", color="thresholds",
                    options={"calculate": False, "cellGap": 1, "cellValues": {"unit": unit},
                             "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64, "exponent": 0.5,
                                       "fill": "dark-orange", "reverse": False, "scale": "exponential"},
                             "exemplars": {"color": "rgba(255,0,255,0.7)"}, "filterValues": {"le": 1e-9},
                             "legend": {"show": True}, "rowsFrame": {"layout": "auto"}, "showValue": "never",
                             "tooltip": {"mode": "single", "show": True, "yHistogram": False}, "yAxis": axis}, **more)

    def states(self, title, description, queries, texts, size=(12, 7), **more):
        steps = [(None if index == 0 else value, color) for index, (value, (_, color)) in enumerate(texts.items())]
        self._panel("state-timeline", title, description, "short", steps, queries, size=size, color="thresholds",
                    mappings=mapping(texts), custom={"fillOpacity": 70, "lineWidth": 0},
                    options={"showValue": "auto", "mergeValues": True, "rowHeight": 0.8, "alignValue": "left",
                             "legend": {"displayMode": "list", "placement": "bottom", "calcs": [], "showLegend": False},
                             "tooltip": {"mode": "single", "sort": "none"}}, **more)

    def _link(self, other):
        """A link at the top of the board. A URL cannot contain several values of a variable, but if the other board
        keeps all variables, the link can include all of them."""
        here, there = ({variable["name"]: variable for variable in board.variables} for board in (self, other))
        names = kept(here, there)
        everything = all(name in names for name, variable in here.items() if variable["type"] == "query")
        chosen = "" if everything else "?" + "&".join(
            f"var-{name}=${{{name}}}" for name in ("datasource", *names, "runbooks"))
        return {"type": "link", "title": other.title, "tags": [], "asDropdown": False, "includeVars": everything,
                "keepTime": True, "targetBlank": False, "icon": "dashboard", "tooltip": other.description,
                "url": f"/d/rcached-{other.name}{chosen}"}

    def dashboard(self, boards):
        """`boards`: all boards, for the links between them."""
        return {"uid": f"rcached-{self.name}", "title": self.title, "description": self.description,
                "tags": ["rcached", "iommu"], "schemaVersion": 37, "version": 1, "editable": True, "graphTooltip": 1,
                "refresh": "30s", "timezone": "", "weekStart": "", "fiscalYearStartMonth": 0,
                "liveNow": False, "time": {"from": "now-6h", "to": "now"}, "timepicker": {},
                "links": [self._link(other) for other in boards if other is not self]
                         + [{"type": "link", "title": "Runbooks", "tags": [], "asDropdown": False,
                             "includeVars": False,
                             "keepTime": False, "targetBlank": True, "icon": "doc", "url": "${runbooks}",
                             "tooltip": "What each alert means and what to do; the variable Runbooks is their URL"}],
                "annotations": {"list": [{"builtIn": 1, "datasource": {"type": "grafana", "uid": "-- Grafana --"},
                                          "enable": True, "hide": True, "iconColor": "rgba(0, 211, 255, 1)",
                                          "name": "Annotations & Alerts", "type": "dashboard"}]
                                + [{**one, "expr": self.expand(one["expr"])} for one in self.annotations]},
                "templating": {"list": self.variables}, "panels": self.panels}


def written(value, indent=0):
    """JSON in which everything that fits is on one line."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or len(line) + indent <= 118 or not value:
        return line
    pad = "\n" + " " * (indent + 1)
    if isinstance(value, list):
        return "[" + ",".join(pad + written(item, indent + 1) for item in value) + pad[:-1] + "]"
    return "{" + ",".join(f"{pad}{json.dumps(key)}: {written(item, indent + 1)}" for key, item in value.items()) + \
        pad[:-1] + "}"
