# SPDX-License-Identifier: Apache-2.0
"""Converts a dashboard and the results of its queries into the input of tests/dashboards/draw: the same legends, units,
axes, tables and states as in Grafana."""
import math
import re

import reading

LEGEND = re.compile(r"\{\{\s*(.+?)\s*\}\}")


def legend(template, labels):
    """A missing label is replaced by its name, as in Grafana."""
    return LEGEND.sub(lambda found: labels.get(found[1]) or found[1], template)


def series_of(panel, answers):
    """Series with one point for every step, or None."""
    found = []
    for target, rows in zip(panel["targets"], answers):
        for labels, samples in rows:
            name = legend(target["legendFormat"], labels)
            own, default = reading.properties_of(panel, name), panel["fieldConfig"]["defaults"]
            found.append({"name": name, "points": samples,
                          "steps": own.get("thresholds", default["thresholds"])["steps"],
                          "right": own.get("custom.axisPlacement") == "right",
                          "unit": own.get("unit", default["unit"]),
                          "dashed": "custom.lineStyle" in own,
                          "stacked": own.get("custom.stacking", default["custom"].get(
                              "stacking", {"mode": "none"}))["mode"] == "normal"})
    return sorted(found, key=lambda one: one["name"])


def le(labels):
    return float(labels["le"].replace("+Inf", "inf"))


def heat_rows(panel, answers):
    """[(name, [(time, value)])], lowest row first; for cumulative buckets, the differences."""
    rows = answers[0]
    if panel["targets"][0]["format"] != "heatmap":
        return sorted(((legend(panel["targets"][0]["legendFormat"], labels), samples) for labels, samples in rows),
                      key=lambda row: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", row[0])])
    rows = sorted(rows, key=lambda row: le(row[0]))
    below, found = {}, []
    for labels, samples in rows:
        found.append((labels["le"], [(time, max(0.0, value - below.get(time, 0.0))) for time, value in samples]))
        below = dict(samples)
    return found


def table_of(panel, answers):
    """(columns, rows): implements the transformations merge and organize, as far as the dashboards use them."""
    several = len(answers) > 1
    filled = [[labels for labels, _ in rows] for rows in answers if rows]
    shared = set.intersection(*[set().union(*map(set, one)) for one in filled]) if filled else set()
    rows = {}
    for index, answer in enumerate(answers):
        value = f"Value #{chr(ord('A') + index)}" if several else "Value"
        for labels, samples in answer:
            key = tuple(sorted((name, labels.get(name, "")) for name in shared))
            rows.setdefault(key, {}).update({**labels, value: samples[-1][1]})
    organize = next(step for step in panel["transformations"] if step["id"] == "organize")["options"]
    names = set().union(*rows.values()) if rows else set()
    columns = [name for name in names if not organize["excludeByName"].get(name)]
    columns.sort(key=lambda name: (organize["indexByName"].get(name, 99), name))
    heads = [organize["renameByName"].get(name, name) for name in columns]
    default = panel["fieldConfig"]["defaults"]["unit"]
    described = [{"name": head, "value": name.startswith("Value"),
                  "unit": reading.properties_of(panel, head).get("unit", default),
                  "linked": "links" in reading.properties_of(panel, head),
                  "steps": reading.properties_of(panel, head).get("thresholds", {}).get("steps", [])}
                 for name, head in zip(columns, heads)]
    cells = [[row.get(name) for name in columns] for row in rows.values()]
    for by in panel["options"].get("sortBy", []):
        if by["displayName"] in heads:
            at = heads.index(by["displayName"])
            cells.sort(key=lambda row, at=at: -math.inf if row[at] is None else row[at], reverse=by["desc"])
    return described, cells


def frame_of(panel, answers):
    """The data for drawing a panel."""
    default = panel["fieldConfig"]["defaults"]
    frame = {"type": panel["type"], "unit": default["unit"], "steps": default["thresholds"]["steps"],
             "mappings": {value: text for one in default["mappings"] for value, text in one["options"].items()},
             "runbooks": len(panel["links"])}
    if panel["type"] == "table":
        frame["columns"], frame["rows"] = table_of(panel, answers)
    elif panel["type"] == "heatmap":
        frame["rows"] = heat_rows(panel, answers)
        frame["buckets"] = panel["targets"][0]["format"] == "heatmap"
    else:
        frame["series"] = series_of(panel, answers)
        frame["steps"] = frame["series"][0]["steps"] if frame["series"] else frame["steps"]
        frame["named"] = panel["options"].get("textMode") == "value_and_name"
    return frame


def picture_of(asker, dashboard, values):
    """The whole dashboard with the results of its queries. Multi-value variables have all values selected."""
    panels = []
    several = {variable["name"] for variable in dashboard["templating"]["list"] if variable.get("multi")}
    words = {name: "All" if name in several else value for name, value in values.items()}
    for panel in reading.panels_of(dashboard):
        drawn = {"title": reading.substitute(panel["title"], words), "at": panel["gridPos"], "type": panel["type"]}
        if panel["type"] != "row":
            answers = [asker.query(target["expr"], values, target["instant"]) for target in panel["targets"]]
            drawn.update(frame_of(panel, answers))
        panels.append(drawn)
    marks = [{"name": one["name"], "color": one["iconColor"], "title": legend(one["titleFormat"], labels),
              "from": samples[0][0]} for one in dashboard["annotations"]["list"] if "expr" in one
             for labels, samples in asker.query(one["expr"], values, False)]
    chosen = [{"name": variable["label"], "value": words.get(variable["name"], "Prometheus")}
              for variable in dashboard["templating"]["list"]]
    return {"title": dashboard["title"], "from": asker.start, "to": asker.end, "step": asker.step,
            "chosen": chosen, "panels": panels, "marks": marks}
