#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""That check.py finds what is wrong, and that the dashboards are read and put together as Grafana does it."""
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
import check
import exceptions
import frames
import pictures
import queries
import reading

FROM_ROW = "/d/rcached-host?var-instance=${__data.fields.instance}"


def table(columns, **organize):
    return {"type": "table", "targets": [{} for _ in columns], "options": {"sortBy": []},
            "fieldConfig": {"defaults": {"unit": "short"}, "overrides": []},
            "transformations": [{"id": "organize", "options": {"excludeByName": {}, "indexByName": {},
                                                               "renameByName": {}, **organize}}]}


class Judgement(unittest.TestCase):
    def test_queries_without_data(self):
        found = {("host", "panel Full A"): {"a"}, ("host", "panel Empty A"): set()}
        self.assertEqual(check.judge(found), ["host: panel Empty A gives no data for any host"])

    def test_exceptions(self):
        found = {("host", "panel Full A"): {"a"}, ("host", "panel Empty A"): set()}
        with mock.patch.object(exceptions, "MAY_BE_EMPTY", {("host", "panel Empty A"): "rare"}):
            self.assertEqual(check.judge(found), [])
        with mock.patch.object(exceptions, "MAY_BE_EMPTY", {("host", "panel Empty A"): "rare",
                                                            ("host", "panel Full A"): "not so rare",
                                                            ("host", "panel Gone A"): "forgotten"}):
            problems = check.judge(found)
        self.assertEqual(len(problems), 2)
        self.assertIn("panel Full A has data now", problems[0])
        self.assertIn("panel Gone A of tests/dashboards/exceptions.py is no query", problems[1])

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

    def test_stale_pictures(self):
        with tempfile.TemporaryDirectory() as folder:
            stamps = pathlib.Path(folder) / "grafana.txt"
            lines = pictures.stamps(sorted(reading.dashboards()))
            with mock.patch.object(pictures, "STAMPS", stamps):
                self.assertIn("no picture", pictures.stale()[0])
                stamps.write_text(lines)
                self.assertEqual(pictures.stale(), [])
                stamps.write_text(lines.replace(pictures.digest(reading.GRAFANA / "host.json"), "0" * 16))
                self.assertIn("grafana-host.png shows another dashboard", pictures.stale()[0])
                stamps.write_text(lines + "gone 0 0\n")
                self.assertEqual(len(pictures.stale()), 1)


class Reading(unittest.TestCase):
    def test_variables(self):
        values = {"job": "rcached", "domain": ".*"}
        self.assertEqual(reading.substitute('{job="$job", domain=~"${domain}|", x="$1$__range"}', values),
                         '{job="rcached", domain=~".*|", x="$1$__range"}')
        self.assertEqual(reading.several(["lab-6.1"]), "lab-6\\\\.1")
        self.assertEqual(reading.several(["a", "b|c"]), "(a|b\\\\|c)")

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
                 "fieldConfig": {"defaults": {"unit": "short", "custom": {}}, "overrides": [
                     {"matcher": {"id": "byRegexp", "options": "/^depot/"},
                      "properties": [{"id": "custom.axisPlacement", "value": "right"}, {"id": "unit", "value": "s"}]}]}}
        depot, tree = frames.series_of(panel, [[({"part": "tree"}, [(1, 2.0)]), ({"part": "depot"}, [(1, 3.0)])]])
        self.assertEqual((depot["name"], depot["right"], depot["unit"]), ("depot of ", True, "s"))
        self.assertEqual((tree["name"], tree["right"], tree["unit"]), ("tree of ", False, "short"))


if __name__ == "__main__":
    unittest.main()
