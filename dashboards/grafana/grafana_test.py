#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks of the dashboards that need no Prometheus: they agree with docs/metrics.md in both directions, every query
parses, every panel has a description, every link has a target. tests/dashboards runs the queries."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import reading

sys.path.insert(0, str(reading.ROOT / "tests"))
import kit

FOREIGN = {"up": set(), "ALERTS": {"alertname", "alertstate", "severity", "domain"}}  # from Prometheus itself
SAMPLE_VALUES = {"__rate_interval": "5m", "__interval": "1m", "__range": "1h", "job": "rcached", "instance": "a",
                 "domain": "4", "worst": "10"}
DASHBOARDS = reading.dashboards()
RULES = reading.rule_files()
RUNBOOKS = sorted((reading.ROOT / "dashboards/runbooks").glob("*.md"))


def all_queries():
    return [(f"{name}: {place}", query) for name, dashboard in DASHBOARDS.items()
            for place, query in reading.queries_of(dashboard)]


class Documentation(unittest.TestCase):
    known = reading.documented()

    def test_the_reference_was_read(self):
        self.assertGreater(len(self.known), 60)
        self.assertEqual(self.known["iova_rcache_depot_magazines"], ("gauge", {"domain", "order"}))
        self.assertEqual(set(DASHBOARDS), {"fleet", "host", "domain", "rcached"})

    def test_every_metric_exists(self):
        texts = all_queries() + [(path.name, path.read_text()) for path in RULES + RUNBOOKS]
        self.assertGreater(len(texts), 200)
        for place, text in texts:
            for series in reading.METRIC.findall(text):
                self.assertIsNotNone(reading.metric_of(series, self.known), f"{place} refers to {series}")

    def test_every_metric_is_shown(self):
        shown = {reading.metric_of(series, self.known) for dashboard in DASHBOARDS.values()
                 for _, _, target in reading.targets_of(dashboard) for series in reading.METRIC.findall(target["expr"])}
        self.assertEqual(sorted(self.known.keys() - shown), [], "documented but in no panel")

    def test_matchers(self):
        """They use labels that exist, and all variables of the dashboard that apply to the metric."""
        for name, dashboard in DASHBOARDS.items():
            variables = {variable["name"] for variable in dashboard["templating"]["list"]}
            for place, query in reading.queries_of(dashboard):
                if place.startswith("variable"):
                    continue
                for series, matchers in re.findall(r"\b(\w+)\{([^}]*)\}", query):
                    labels = FOREIGN[series] if series in FOREIGN else \
                        self.known[reading.metric_of(series, self.known)][1] | {"le"}
                    used = set(re.findall(r"(\w+) *(?:=~|!~|!=|=)", matchers))
                    self.assertLessEqual(used, labels | {"job", "instance"}, f"{name}: {place}: {query}")
                    needed = {"job", "instance"} | ({"domain"} & labels & variables)
                    self.assertLessEqual(needed, used, f"{name}: {place}: {query}")
                bare = re.findall(r"(?<![\w:])(?:iova|rcached|process)_\w+(?![\w{:])", query)
                self.assertEqual(bare, [], f"{name}: {place}: a metric without matchers")


class Panels(unittest.TestCase):
    def panels(self):
        for name, dashboard in DASHBOARDS.items():
            for panel in reading.panels_of(dashboard):
                if panel["type"] != "row":
                    yield f"{name}: {panel['title']}", panel

    def test_queries_parse(self):
        queries = [reading.substitute(query, SAMPLE_VALUES) for _, query in all_queries()]
        self.assertEqual(kit.bad_expressions(queries), "")

    def test_they_are_complete(self):
        for place, panel in self.panels():
            self.assertGreater(len(panel["description"]), 30, place)
            self.assertTrue(panel["fieldConfig"]["defaults"]["unit"], place)
            self.assertTrue(panel["fieldConfig"]["defaults"]["thresholds"]["steps"], place)
            self.assertTrue(panel["targets"], place)
            for target in panel["targets"]:
                self.assertTrue(target["legendFormat"] or target["format"] == "table", place)

    def test_all_is_never_every_job(self):
        """`up` and the process metrics come from every program, so All must mean only the jobs offered."""
        for name, dashboard in DASHBOARDS.items():
            for variable, selector, _, more in reading.variables_of(dashboard):
                if variable == "job":
                    self.assertNotIn("allValue", more, name)
                    self.assertEqual(selector, "rcached_build_info", name)
                else:
                    self.assertRegex(selector, r'job=~?"\$job"', f"{name}: {variable}")

    def test_colours_of_depots(self):
        """Only for a bounded depot is 1 a problem; an unbounded one normally stays there."""
        found = set()
        for place, panel in self.panels():
            renamed = next((step["options"]["renameByName"] for step in panel.get("transformations", [])
                            if step["id"] == "organize"), {})
            for target in panel["targets"]:
                if "iova_rcache_depot_saturation_ratio" not in target["expr"]:
                    continue
                own = reading.properties_of(panel, target["legendFormat"] or renamed[f"Value #{target['refId']}"])
                steps = own.get("thresholds", panel["fieldConfig"]["defaults"]["thresholds"])["steps"]
                kinds = re.findall(r"and on \(job, instance\) (\w+)\{", target["expr"])
                self.assertEqual(kinds, ["iova_rcache_depot_limit_magazines" if len(steps) > 1 else
                                         "iova_rcache_depot_reclaim_threshold_magazines"], f"{place} {target['refId']}")
                found.add((place, len(steps) > 1))
        self.assertEqual(len(found), 2 * 7, "both kinds in each of the panels")

    def test_the_worst_comes_first(self):
        tables = [(place, panel) for place, panel in self.panels() if panel["type"] == "table"]
        for place, panel in tables:
            query = panel["targets"][0]["expr"]
            if "topk(" in query or "bottomk(" in query:
                self.assertEqual([by["desc"] for by in panel["options"]["sortBy"]], ["bottomk(" not in query], place)
        [panel] = [panel for place, panel in tables if place == "fleet: Least space below 4 GiB"]
        [alert] = re.findall(r"iova_32bit_largest_gap_pages < (\d+)", "".join(path.read_text() for path in RULES))
        steps = reading.properties_of(panel, "granules")["thresholds"]["steps"]
        self.assertEqual([step["value"] for step in steps if step["color"] == "orange"], [int(alert)])

    def test_ids_and_places(self):
        for name, dashboard in DASHBOARDS.items():
            panels = list(reading.panels_of(dashboard))
            self.assertEqual(len({panel["id"] for panel in panels}), len(panels), f"{name}: ids are unique")
            taken = {}
            for panel in panels:
                at = panel["gridPos"]
                self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
                for cell in ((x, y) for x in range(at["x"], at["x"] + at["w"])
                             for y in range(at["y"], at["y"] + at["h"])):
                    self.assertNotIn(cell, taken, f"{name}: {panel['title']} over {taken.get(cell)}")
                    taken[cell] = panel["title"]

    def test_the_datasource_is_the_variable(self):
        for name, dashboard in DASHBOARDS.items():
            text = json.dumps(dashboard)
            uids = set(re.findall(r'"uid": "([^"]*)"', text)) - {f"rcached-{name}", "-- Grafana --"}
            self.assertEqual(uids, {"${datasource}"}, name)
            self.assertNotRegex(text, r"https?://", f"{name}: refers to nothing outside")

    def test_overrides_name_existing_series(self):
        for place, panel in self.panels():
            renamed = [name for step in panel.get("transformations", []) if step["id"] == "organize"
                       for name in [*step["options"]["renameByName"].values(), *step["options"]["indexByName"]]]
            names = renamed + [target["legendFormat"] for target in panel["targets"]]
            templates = [re.sub(r"\\\{\\\{\w+\\\}\\\}", ".*", re.escape(name)) for name in names]
            for override in panel["fieldConfig"]["overrides"]:
                if override["matcher"]["id"] == "byName":
                    wanted = override["matcher"]["options"]
                    self.assertTrue(any(re.fullmatch(template, wanted) for template in templates),
                                    f"{place}: no series is called {wanted}")


class Annotations(unittest.TestCase):
    def test_alerts_without_a_domain(self):
        """Grafana prints the name of a missing label, so only labels that every alert has (or gets) are used."""
        for name, dashboard in DASHBOARDS.items():
            [alerts] = [one for one in dashboard["annotations"]["list"] if one["name"] == "Alerts"]
            used = re.findall(r"{{(.*?)}}", alerts["titleFormat"] + alerts["textFormat"])
            self.assertEqual(used, ["alertname", "severity", "place"], name)
        places = {"": "no target at all", 'instance="a"': "a", 'instance="a", domain="4"': "a, domain 4",
                  'instance="a", domain="4", order="2"': "a, domain 4, order 2"}
        query = reading.substitute(dict(reading.annotations_of(DASHBOARDS["fleet"]))["annotation Alerts"],
                                   {"job": "rcached", "instance": ".*"})
        alert = 'ALERTS{alertname="IovaX", alertstate="firing", severity="info", job="rcached"'
        test = {"tests": [{"interval": "1m",
                           "input_series": [{"series": f"{alert}, {labels}}}", "values": "1"} for labels in places],
                           "promql_expr_test": [{"expr": f"count by (severity, place) ({query})", "eval_time": "0m",
                                                 "exp_samples": [{"value": 1, "labels": f'{{severity="info", '
                                                                  f'place="{place}"}}'}
                                                                 for place in places.values()]}]}]}
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump(test, file)
            file.flush()
            tested = subprocess.run(["promtool", "test", "rules", file.name], capture_output=True, text=True,
                                    check=False)
        self.assertEqual(tested.returncode, 0, tested.stdout + tested.stderr)


class Links(unittest.TestCase):
    def urls(self):
        for name, dashboard in DASHBOARDS.items():
            for url in re.findall(r'"url": "([^"]*)"', json.dumps(dashboard["panels"])):
                if url:
                    yield name, url

    def test_links_carry_variables_that_apply_there(self):
        """A board for a single value has no equivalent of All."""
        def multi(name):
            return {variable["name"]: variable.get("multi", False)
                    for variable in DASHBOARDS[name]["templating"]["list"]}
        carried = {}
        for name, dashboard in DASHBOARDS.items():
            for link in dashboard["links"]:
                self.assertEqual(link["type"], "link", "a list of dashboards carries all variables to each")
                found = re.match(r"/d/rcached-(\w+)(?:\?(.*))?$", link["url"])
                if found:
                    self.assertTrue(link["keepTime"], name)
                    given = dict(re.findall(r"var-(\w+)=\$\{(\w+)\}", found[2] or ""))
                    given.update({variable: variable for variable in multi(name)} if link["includeVars"] else {})
                    carried[name, found[1]] = given
        self.assertEqual(set(carried), {(here, there) for here in DASHBOARDS for there in DASHBOARDS if here != there})
        rows = [(name, re.match(r"/d/rcached-(\w+)", url)[1], dict(re.findall(r"var-(\w+)=\$\{(\w+)\}", url)))
                for name, url in self.urls() if url.startswith("/d/")]
        for here, there, given in [(*ends, given) for ends, given in carried.items()] + rows:
            for variable, value in given.items():
                self.assertEqual(variable, value)
                one, other = multi(here)[variable], multi(there)[variable]
                self.assertTrue(one == other or (variable == "job" and other), f"{variable} from {here} to {there}")
        self.assertEqual({ends: sorted(given.keys() - {"datasource", "runbooks"}) for ends, given in carried.items()
                          if "job" in given},
                         {("host", "fleet"): ["job"], ("host", "domain"): ["instance", "job"],
                          ("host", "rcached"): ["job"], ("domain", "fleet"): ["job"],
                          ("domain", "host"): ["instance", "job"], ("domain", "rcached"): ["job"],
                          ("rcached", "fleet"): ["instance", "job"], ("rcached", "host"): ["job"],
                          ("rcached", "domain"): ["job"]})
        self.assertTrue(all({"datasource", "runbooks"} <= given.keys() for given in carried.values()))

    def test_to_dashboards(self):
        reached = set()
        for name, url in self.urls():
            found = re.match(r"/d/rcached-(\w+)\?(.*)$", url)
            if not found:
                self.assertTrue(url.startswith("${runbooks}"), f"{name}: {url}")
                continue
            variables = {variable["name"] for variable in DASHBOARDS[found[1]]["templating"]["list"]}
            given = set(re.findall(r"var-(\w+)=", found[2]))
            self.assertLessEqual(given, variables, f"{name}: {url}")
            self.assertLessEqual({"datasource", "job", "instance"}, given, f"{name}: {url}")
            self.assertIn("${__url_time_range}", url)
            reached.add((name, found[1]))
        self.assertLessEqual({("fleet", "host"), ("fleet", "domain"), ("fleet", "rcached"), ("host", "domain"),
                              ("rcached", "host")}, reached)

    def test_to_runbooks(self):
        linked = {found[1] for _, url in self.urls() if (found := re.match(r"\$\{runbooks\}/(\w+)\.md$", url))}
        self.assertGreater(len(linked), 4)
        self.assertLessEqual(linked, {path.stem for path in RUNBOOKS})

    def test_every_alert_leads_to_its_runbook(self):
        """The table of firing alerts derives the name of the runbook from that of the alert."""
        [query] = [query for place, query in all_queries() if "Firing alerts" in place]
        alerts = reading.alerts()
        self.assertGreater(len(alerts), 5)
        matcher = re.search(r'alertname=~"([^"]*)"', query)[1]
        for alert, runbook in alerts:
            self.assertTrue(alert == runbook or f'"runbook", "{runbook}", "alertname", "{alert}"' in query, alert)
            self.assertRegex(alert, f"^({matcher})$")
            self.assertIn(runbook, {path.stem for path in RUNBOOKS})

    def test_dashboards_have_what_links_need(self):
        for name, dashboard in DASHBOARDS.items():
            self.assertEqual(dashboard["uid"], f"rcached-{name}")
            self.assertIn("rcached", dashboard["tags"])
            self.assertEqual({variable["name"] for variable in dashboard["templating"]["list"]}
                             & {"datasource", "job", "instance", "runbooks"},
                             {"datasource", "job", "instance", "runbooks"})
            self.assertEqual([place for place, _ in reading.annotations_of(dashboard)],
                             ["annotation Alerts", "annotation Verdict changes"])


class Generator(unittest.TestCase):
    SCRIPT = [sys.executable, "-B", str(reading.GRAFANA / "generate/generate.py")]

    def run_it(self, *arguments):
        return subprocess.run([*self.SCRIPT, *arguments], capture_output=True, text=True, check=False)

    def test_stale_output_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(self.run_it("--output", folder).returncode, 0)
            self.assertEqual(self.run_it("--output", folder, "--check").returncode, 0)
            host = pathlib.Path(folder) / "host.json"
            host.write_text(host.read_text().replace("Tree ranges", "Ranges of the tree"))
            found = self.run_it("--output", folder, "--check")
            self.assertEqual((found.returncode, found.stderr.split(":")[0]), (1, "host.json"))
            (pathlib.Path(folder) / "stray.json").write_text("{}")
            self.assertIn("stray.json", self.run_it("--output", folder, "--check").stderr)

    def test_custom_runbooks(self):
        with tempfile.TemporaryDirectory() as folder:
            self.run_it("--output", folder, "--runbooks", "https://wiki.example/rcached/")
            text = (pathlib.Path(folder) / "fleet.json").read_text()
            self.assertEqual(json.loads(text)["templating"]["list"][-1]["query"], "https://wiki.example/rcached")

    def test_invalid_panels_are_rejected(self):
        sys.path.insert(0, str(reading.GRAFANA / "generate"))
        import model
        board = model.Board("test", "Test", "", [], {"job": '="$job"', "domain": '="$domain"'}, [])
        words = "A description that says something."
        board.series("Good", words, "short", [("sum(iova_tree_ranges)", "tree")])
        self.assertEqual(board.panels[0]["targets"][0]["expr"],
                         'sum(iova_tree_ranges{job="$job", domain="$domain"})')
        for arguments in (("Title", "", "short", [("iova_tree_ranges", "a")]), ("Title", words, "", [("up", "a")]),
                          ("Title", words, "short", [("iova_nonsense", "a")]),
                          ("Title", words, "short", [('iova_tree_ranges{order="1"}', "a")]),
                          ("Title", words, "short", [("iova_tree_ranges_bucket", "a")])):
            self.assertRaises(ValueError, board.series, *arguments)
        self.assertRaises(ValueError, board.series, "Title", words, "short", [("up", "a")], runbooks=["NoSuchAlert"])


if __name__ == "__main__":
    unittest.main()
