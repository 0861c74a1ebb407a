#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Dashboards and alerts agree with the rest of the project: every metric they name is in docs/metrics.md, every
query parses, every panel explains itself, every alert has its runbook and its tests."""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
DASHBOARDS = sorted((HERE / "grafana").glob("*.json"))
ALERTS = HERE / "prometheus" / "alerts.yaml"
PROMTOOL = "promtool"

METRIC = re.compile(r"\b(?:iova|rcached|process)_[a-z0-9_]+")
# What Grafana puts into a query, and a stand-in that has the same place in PromQL.
STAND_INS = {"$__rate_interval": "5m", "$__range": "1h", "$job": "rcached", "$instance": "a", "$domain": "4"}


def documented():
    """{metric: set of its labels}"""
    rows = re.findall(r"^\| `(\w+)` \| \w+ \| \w+ \| ([^|]*)\|", (HERE.parent / "docs/metrics.md").read_text(), re.M)
    return {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}


def panels_of(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def queries_of(dashboard):
    """(place, PromQL) of every query, with stand-ins for Grafana's variables."""
    for panel in panels_of(dashboard):
        for target in panel.get("targets", []):
            yield panel["title"], plain(target["expr"])
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield "variable " + variable["name"], re.sub(r"^label_values\((.*), *\w+\)$", r"\1",
                                                         plain(variable["query"]["query"]))


def plain(query):
    for variable, value in STAND_INS.items():
        query = query.replace(variable, value)
    return query


def alert_expressions():
    text = ALERTS.read_text()
    return re.findall(r"alert: (\w+)\n\s+expr: \|\n((?: {10,}.*\n)+)", text)


class Documentation(unittest.TestCase):
    def test_the_reference_was_read(self):
        self.assertGreater(len(documented()), 40)
        self.assertEqual(documented()["iova_rcache_depot_magazines"], {"domain", "order"})

    def test_every_metric_exists(self):
        known = documented()
        texts = [("alert " + name, expr) for name, expr in alert_expressions()]
        for path in DASHBOARDS:
            texts += list(queries_of(json.loads(path.read_text())))
        for path in (HERE / "runbooks").glob("*.md"):
            texts.append((path.name, path.read_text()))
        self.assertGreater(len(texts), 20)
        for place, text in texts:
            for metric in METRIC.findall(text):
                self.assertIn(metric, known, place)

    def test_selected_labels_exist(self):
        for path in DASHBOARDS:
            for place, query in queries_of(json.loads(path.read_text())):
                for metric, selector in re.findall(r"(\w+)\{([^}]*)\}", query):
                    labels = set(re.findall(r"(\w+) *(?:=~|!~|!=|=)", selector))
                    self.assertLessEqual(labels, documented()[metric] | {"job", "instance"}, f"{place}: {query}")
                    self.assertLessEqual({"job", "instance"}, labels | ({"instance"} if "variable" in place else set())
                                         | ({"job"} if place == "variable job" else set()), f"{place}: {query}")


class Dashboards(unittest.TestCase):
    def test_there_is_one(self):
        self.assertTrue(DASHBOARDS)

    def test_queries_parse(self):
        for path in DASHBOARDS:
            queries = list(queries_of(json.loads(path.read_text())))
            rules = [f"      - {{record: 'q{i}', expr: {json.dumps(query)}}}" for i, (_, query) in enumerate(queries)]
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write("groups:\n  - name: dashboard\n    rules:\n" + "\n".join(rules) + "\n")
                file.flush()
                checked = subprocess.run([PROMTOOL, "check", "rules", "--lint=none", file.name], capture_output=True,
                                         text=True, check=False)
            self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
            self.assertIn(f"{len(queries)} rules found", checked.stdout)

    def test_panels_explain_themselves(self):
        for path in DASHBOARDS:
            dashboard = json.loads(path.read_text())
            ids = [panel["id"] for panel in panels_of(dashboard)]
            self.assertEqual(len(ids), len(set(ids)), "panel ids are unique")
            for panel in panels_of(dashboard):
                if panel["type"] == "row":
                    continue
                self.assertGreater(len(panel["description"]), 30, panel["title"])
                self.assertIn("unit", panel["fieldConfig"]["defaults"], panel["title"])
                self.assertIn("thresholds", panel["fieldConfig"]["defaults"], panel["title"])
                self.assertTrue(panel["targets"], panel["title"])
                for target in panel["targets"]:
                    self.assertTrue(target.get("legendFormat") or target.get("format") == "table", panel["title"])

    def test_panels_do_not_overlap(self):
        for path in DASHBOARDS:
            taken = {}
            for panel in json.loads(path.read_text())["panels"]:
                at = panel["gridPos"]
                self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
                for cell in ((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])):
                    self.assertNotIn(cell, taken, f"{panel['title']} over {taken.get(cell)}")
                    taken[cell] = panel["title"]

    def test_every_datasource_is_the_variable(self):
        for path in DASHBOARDS:
            text = path.read_text()
            uids = set(re.findall(r'"uid": "([^"]*)"', text)) - {json.loads(text)["uid"], "-- Grafana --"}
            self.assertEqual(uids, {"${datasource}"})
            self.assertNotRegex(text, r"https?://", "nothing outside is named")


class Alerts(unittest.TestCase):
    def test_all_were_found(self):
        names = [name for name, _ in alert_expressions()]
        self.assertEqual(names, re.findall(r"- alert: (\w+)", ALERTS.read_text()))
        self.assertGreaterEqual(len(names), 4)

    def test_each_is_complete(self):
        text = ALERTS.read_text()
        tests = (HERE / "prometheus/alerts_test.yaml").read_text()
        for block in re.split(r"(?=- alert: )", text)[1:]:
            name = re.match(r"- alert: (\w+)", block)[1]
            for key in ("for:", "severity:", "summary:", "description:"):
                self.assertIn(key, block, name)
            runbook = re.search(r"runbook: (dashboards/runbooks/\w+\.md)", block)[1]
            self.assertIn(name, (HERE.parent / runbook).read_text().splitlines()[1], runbook)
            fires = re.findall(rf"alertname: {name}\n +exp_alerts:", tests)
            silent = re.findall(rf"alertname: {name}}}", tests)
            self.assertTrue(fires and silent, f"{name} needs a test that fires and one that does not")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--promtool", default=PROMTOOL)
    options, rest = parser.parse_known_args()
    PROMTOOL = options.promtool
    unittest.main(argv=sys.argv[:1] + rest)
