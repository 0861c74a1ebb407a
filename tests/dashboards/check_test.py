#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check.py finds problems, and reads and assembles the dashboards as Grafana does."""
import unittest
from unittest import mock

import check
import exceptions
import frames
import pictures
import queries

import kit  # check has added them to the path
import reading

FROM_ROW = "/d/rcached-host?var-instance=${__data.fields.instance}"


def table(columns, **organize):
    return {"type": "table", "targets": [{} for _ in columns], "options": {"sortBy": []},
            "fieldConfig": {"defaults": {"unit": "short"}, "overrides": []},
            "transformations": [{"id": "organize", "options": {"excludeByName": {}, "indexByName": {},
                                                               "renameByName": {}, **organize}}]}


class Series:
    """Implements label_values(); queries return nothing."""
    start, end, step, built_in = 0, 60, 1, {}

    def __init__(self, **values):
        self.values = values

    def label_values(self, selector, label):
        return self.values[label] if "$" not in selector else []

    def query(self, *_):
        return []


class Judgement(kit.TestCase):
    def test_queries_without_data(self):
        found = {("host", "panel Full A"): {"a"}, ("host", "panel Empty A"): set()}
        self.assertEqual(check.judge(found), ["host: panel Empty A has no data for any host"])

    def test_exceptions(self):
        found = {("host", "panel Full A"): {"a"}, ("host", "panel Empty A"): set()}
        with mock.patch.object(exceptions, "MAY_BE_EMPTY", {("host", "panel Empty A"): "rare"}):
            self.assertEqual(check.judge(found), [])
        with mock.patch.object(exceptions, "MAY_BE_EMPTY", {("host", "panel Empty A"): "rare",
                                                            ("host", "panel Full A"): "not so rare",
                                                            ("host", "panel Gone A"): "forgotten"}):
            problems = check.judge(found)
        self.assertEqual(len(problems), 2)
        self.assertIn("panel Full A has data", problems[0])
        self.assertIn("panel Gone A in tests/dashboards/exceptions.py is not a query", problems[1])

    def test_links(self):
        panel = {"fieldConfig": {"defaults": {}, "overrides": [
            {"matcher": {"id": "byName", "options": "instance"},
             "properties": [{"id": "links", "value": [{"title": "Host", "url": FROM_ROW + "&${__url_time_range}"}]}]},
            {"matcher": {"id": "byName", "options": "domain"},
             "properties": [{"id": "links", "value": [{"title": "Domain", "url": FROM_ROW}]}]}]}}
        whole = ({"instance": "a", "domain": "4"}, [])
        self.assertEqual(list(queries.broken_links(panel, [whole, ({"instance": "a"}, []), ({}, [])])), [])
        self.assertEqual(len(list(queries.broken_links(panel, [whole, ({"domain": "4"}, [])]))), 1)
        series = {"fieldConfig": {"defaults": {"links": [{"title": "Host", "url": "${__field.labels.job}"}]},
                                  "overrides": []}}
        self.assertEqual(len(list(queries.broken_links(series, [({"job": "a"}, []), ({}, [])]))), 1)

    def test_names(self):
        templates = ["{{alertname}}", "{{instance}}, order {{ order }}"]
        whole = ({"alertname": "A", "instance": "a", "order": "1"}, [])
        self.assertEqual(list(queries.broken_names(templates, [whole])), [])
        [problem] = queries.broken_names(templates, [whole, ({"alertname": "A", "instance": "a"}, [])])
        self.assertIn("needs order", problem)

    def test_other_jobs(self):
        """Found even if the result does not show them; metrics that only rcached has are not checked."""
        asker = Series(job=["other", "rcached"])
        found = list(queries.foreign_series(asker, 'count(up{job=~"$job"} == 0) / sum(iova_b{x="1"})', {"job": ".*"},
                                       ["rcached"]))
        self.assertEqual(found, ['up{job=~".*"} includes job other, which is not rcached'])
        self.assertEqual(list(queries.foreign_series(asker, "count(up{})", {}, ["other", "rcached"])), [])

    def test_stale_pictures(self):
        stamps = self.folder() / "grafana.txt"
        lines = pictures.stamps(sorted(reading.dashboards()))
        with mock.patch.object(pictures, "STAMPS", stamps):
            self.assertIn("no picture", pictures.stale()[0])
            stamps.write_text(lines)
            self.assertEqual(pictures.stale(), [])
            stamps.write_text(lines.replace(pictures.digest(reading.GRAFANA / "host.json"), "0" * 16))
            self.assertIn("grafana-host.png shows a different dashboard", pictures.stale()[0])
            stamps.write_text(lines + "gone 0 0\n")
            self.assertEqual(len(pictures.stale()), 1)


class Reading(unittest.TestCase):
    def test_variables(self):
        values = {"job": "rcached", "domain": ".*"}
        self.assertEqual(reading.substitute('{job="$job", domain=~"${domain}|", x="$1$__range"}', values),
                         '{job="rcached", domain=~".*|", x="$1$__range"}')
        self.assertEqual(reading.several(["lab-6.1"]), "lab-6\\\\.1")
        self.assertEqual(reading.several(["a", "b|c"]), "(a|b\\\\|c)")

    def test_all(self):
        """All is its own value if there is one, otherwise all values; also tried with two values."""
        def ways(**more):
            variable = {"name": "job", "type": "query", "multi": True, "query": {"query": "label_values(a, job)"},
                        **more}
            return [way["job"] for way in queries.choices(Series(job=found), {"templating": {"list": [variable]}})]
        found = ["a", "b", "c.d"]
        self.assertEqual(ways(), ["(a|b|c\\\\.d)", "(a|b)"])
        self.assertEqual(ways(allValue=".*"), [".*", "(a|b)"])
        found = ["a"]
        self.assertEqual(ways(), ["a"])
        self.assertEqual(ways(multi=False), ["a"])

    def test_metrics(self):
        known = {"iova_a_seconds": ("histogram", set()), "iova_b": ("gauge", set())}
        self.assertEqual(reading.metric_of("iova_a_seconds_bucket", known), "iova_a_seconds")
        self.assertIsNone(reading.metric_of("iova_b_sum", known))
        self.assertEqual(reading.METRIC.findall("sum(iova_b) / host:iova_c:rate5m + iova_d:sum"), ["iova_b"])


class Frames(unittest.TestCase):
    def test_buckets_become_differences(self):
        panel = {"targets": [{"format": "heatmap", "legendFormat": "{{le}}"}]}
        rows = [({"le": "+Inf"}, [(1, 9.0)]), ({"le": "0.1"}, [(1, 7.0), (2, 8.0)]), ({"le": "0.01"}, [(1, 3.0)])]
        self.assertEqual(frames.heat_rows(panel, [rows]),
                         [("0.01", [(1, 3.0)]), ("0.1", [(1, 4.0), (2, 8.0)]), ("+Inf", [(1, 2.0)])])

    def test_rows_of_a_table_are_joined(self):
        answers = [[({"host": "a", "release": "6.1"}, [(1, 1.0)]), ({"host": "b", "release": "6.12"}, [(1, 1.0)])],
                   [({"host": "b"}, [(1, 5.0)]), ({"host": "a"}, [(1, 4.0)])]]
        columns, rows = frames.table_of(table("ab", excludeByName={"Value #A": True}, indexByName={"host": 0},
                                              renameByName={"Value #B": "tree"}), answers)
        self.assertEqual([column["name"] for column in columns], ["host", "tree", "release"])
        self.assertEqual(sorted(rows), [["a", 4.0, "6.1"], ["b", 5.0, "6.12"]])

    def test_overrides_and_legends(self):
        panel = {"targets": [{"legendFormat": "{{part}} of {{gone}}"}],
                 "fieldConfig": {"defaults": {"unit": "short", "custom": {}, "thresholds": {"steps": ["red"]}},
                                 "overrides": [
                     {"matcher": {"id": "byRegexp", "options": "/^depot/"},
                      "properties": [{"id": "custom.axisPlacement", "value": "right"}, {"id": "unit", "value": "s"},
                                     {"id": "thresholds", "value": {"steps": ["text"]}}]}]}}
        depot, tree = frames.series_of(panel, [[({"part": "tree"}, [(1, 2.0)]), ({"part": "depot"}, [(1, 3.0)])]])
        self.assertEqual((depot["name"], depot["right"], depot["unit"]), ("depot of gone", True, "s"))
        self.assertEqual((tree["name"], tree["right"], tree["unit"]), ("tree of gone", False, "short"))
        self.assertEqual((depot["steps"], tree["steps"]), (["text"], ["red"]))

    def test_order_of_a_table(self):
        panel = table("a", renameByName={"Value": "ranges"})
        answers = [[({"host": host}, [(1, value)]) for host, value in (("a", 5.0), ("b", 0.0), ("c", 7.0))]]
        for descending, wanted in ((True, [7.0, 5.0, 0.0]), (False, [0.0, 5.0, 7.0])):
            panel["options"]["sortBy"] = [{"displayName": "ranges", "desc": descending}]
            columns, rows = frames.table_of(panel, answers)
            at = [column["name"] for column in columns].index("ranges")
            self.assertEqual([row[at] for row in rows], wanted)

    def test_selected_variables(self):
        variables = [{"name": "job", "label": "Job", "multi": True}, {"name": "host", "label": "Host", "multi": False}]
        dashboard = {"title": "", "panels": [{"type": "row", "title": "$job: $host", "gridPos": {}}],
                     "annotations": {"list": []}, "templating": {"list": variables}}
        drawn = frames.picture_of(Series(), dashboard, {"job": "(a|b)", "host": "a"})
        self.assertEqual([one["value"] for one in drawn["chosen"]], ["All", "a"])
        self.assertEqual(drawn["panels"][0]["title"], "All: a")


if __name__ == "__main__":
    unittest.main()
