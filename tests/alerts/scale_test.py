#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Scaling changes all durations and nothing else."""
import pathlib
import re
import subprocess
import tempfile
import unittest

import scale

PROMETHEUS = pathlib.Path(__file__).resolve().parents[2] / "dashboards/prometheus"
FILES = (("rules.yaml", scale.rules, scale.IN_RULES), ("alerts.yaml", scale.rules, scale.IN_RULES),
         ("alertmanager.yaml", scale.routes, scale.IN_ROUTES))


def code_of(text):
    """The text without comments and annotations."""
    text = re.sub(r"^ *#.*$", "", text, flags=re.M)
    return re.sub(r"^ {8}annotations:\n(?: {10,}.*\n)+", "", text, flags=re.M)


class Scale(unittest.TestCase):
    def test_one_example(self):
        text = "# for: 10m\n  expr: |\n    a:b:rate30m > 60 and rate(c[5m]) > 1 and d offset 4h\n  for: 1h\n"
        self.assertEqual(scale.rules(text), text.replace("[5m]", "[5s]").replace("offset 4h", "offset 240s")
                         .replace("for: 1h", "for: 60s"))
        self.assertRaises(ValueError, scale.rules, "  for: 7s\n")
        self.assertEqual(scale.routes("      group_wait: 30s\n      repeat_interval: 3d\n"),
                         "      group_wait: 500ms\n      repeat_interval: 4320s\n")

    def test_only_durations_change(self):
        for name, change, pattern in FILES:
            text = (PROMETHEUS / name).read_text()
            before, after = (scale.milliseconds_in(code_of(one)) for one in (text, change(text)))
            self.assertGreater(len(before), 5, name)
            self.assertEqual(before, [one * scale.FACTOR for one in after], name)
            without = r"\g<before>T\g<after>"
            self.assertEqual(pattern.sub(without, text), pattern.sub(without, change(text)), name)

    def test_a_window_contains_enough_scrapes(self):
        for name in ("rules.yaml", "alerts.yaml"):
            text = scale.rules((PROMETHEUS / name).read_text())
            windows = [int(number) for number in re.findall(r"\[(\d+)s\]", text)]
            self.assertTrue(windows)
            self.assertGreaterEqual(min(windows), scale.SCRAPES_IN_A_WINDOW * scale.SCRAPE)

    def test_prometheus_accepts_them(self):
        with tempfile.TemporaryDirectory() as directory:
            files = []
            for name in ("rules.yaml", "alerts.yaml"):
                files.append(pathlib.Path(directory) / name)
                files[-1].write_text(scale.rules((PROMETHEUS / name).read_text()))
            checked = subprocess.run(["promtool", "check", "rules", *files], capture_output=True, text=True,
                                     check=False)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_an_expression_is_found(self):
        lines = scale.expression((PROMETHEUS / "alerts.yaml").read_text(), "IovaTreeGrowthByCache")
        self.assertIn("and domain:iova_rcache_cached_ranges:min30m offset 4h", [line.strip() for line in lines])


if __name__ == "__main__":
    unittest.main()
