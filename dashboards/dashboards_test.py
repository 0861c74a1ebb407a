#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rules, alerts and runbooks agree with the rest of the project: every metric they use is in docs/metrics.md, every
query parses, and every alert has its runbook and its tests."""
import pathlib
import re
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE / "grafana"), str(HERE.parent / "tests")]
import kit
import reading

PROMETHEUS = HERE / "prometheus"
ALERTS = PROMETHEUS / "alerts.yaml"
RULES = PROMETHEUS / "rules.yaml"
RUNBOOKS = HERE / "runbooks"

RECORDED = re.compile(r"\b(?:domain|instance|iommu):[a-z0-9_]+:[a-z0-9_]+")


def expressions(kind, path):
    """[(name, PromQL)] of all rules of a kind, alert or record."""
    return re.findall(kind + r": (\S+)\n\s+expr: \|\n((?: {10,}.*\n)+)", path.read_text())


def alert_expressions():
    return expressions("alert", ALERTS)


def alert_blocks():
    """{alert: its whole rule}"""
    return {re.match(r"- alert: (\w+)", block)[1]: block
            for block in re.split(r"(?=- alert: )", ALERTS.read_text())[1:]}


def rule_tests():
    """{name: text} of every test that promtool runs."""
    found = {}
    for path in sorted(PROMETHEUS.glob("*_test.yaml")):
        for block in re.split(r"(?=^  - name: )", path.read_text(), flags=re.M)[1:]:
            name = re.match(r'  - name: "?(.*?)"?$', block, flags=re.M)[1]
            assert name not in found, f"two tests are named {name}"
            found[name] = block
    return found


class Documentation(unittest.TestCase):
    def test_the_reference_was_read(self):
        self.assertGreater(len(reading.documented()), 40)
        self.assertEqual(reading.documented()["iova_rcache_depot_magazines"], ("gauge", {"domain", "order"}))

    def test_every_metric_exists(self):
        known = reading.documented()
        texts = [("rule " + name, expr) for name, expr in alert_expressions() + expressions("record", RULES)]
        for path in [*RUNBOOKS.glob("*.md"), HERE.parent / "docs/alerts.md"]:
            texts.append((path.name, path.read_text()))
        self.assertGreater(len(texts), 50)
        recorded = {name for name, _ in expressions("record", RULES)}
        for place, text in texts:
            for metric in reading.METRIC.findall(text):
                self.assertTrue(reading.metric_of(metric, known), f"{metric} in {place}")
            for name in RECORDED.findall(text):
                self.assertIn(name, recorded, place)


class Recorded(unittest.TestCase):
    def test_all_were_found(self):
        names = [name for name, _ in expressions("record", RULES)]
        self.assertEqual(names, re.findall(r"- record: (\S+)", RULES.read_text()))
        self.assertEqual(len(names), len(set(names)))
        for name in names:
            self.assertRegex(name, RECORDED)

    def test_each_has_a_test(self):
        tests = (PROMETHEUS / "rules_test.yaml").read_text()
        for name, _ in expressions("record", RULES):
            self.assertRegex(tests, rf"expr: '[^']*\b{name}\b[^']*'\n +eval_time: \w+\n +exp_samples:\n +- ", name)


class Alerts(unittest.TestCase):
    def test_all_were_found(self):
        names = [name for name, _ in alert_expressions()]
        self.assertEqual(names, re.findall(r"- alert: (\w+)", ALERTS.read_text()))
        self.assertEqual(names, list(alert_blocks()))
        self.assertGreaterEqual(len(names), 19)

    def test_each_is_complete(self):
        for name, block in alert_blocks().items():
            self.assertRegex(block, r"\n        for: \d+[mh]\n", name)
            self.assertRegex(block, r"\n          severity: (info|warning|critical)\n", name)
            self.assertRegex(block, r'\n          summary: ".{20,}"\n', name)
            description = re.search(r"\n          description: >-\n((?: {12}\S.*\n)+)", block)[1]
            self.assertRegex(description, r"\$value|\d", f"{name}: a number")
            self.assertEqual(re.search(r"runbook_url: (.*)", block)[1],
                             "'{{ or $externalLabels.runbooks \"/usr/share/doc/rcached/runbooks\" }}/" + name + ".md'")

    def test_each_has_three_tests(self):
        tests = rule_tests()
        for name in alert_blocks():
            fired, silent = rf"alertname: {name}(\n +exp_alerts:|, exp_alerts: \*)", rf"alertname: {name}}}"
            for kind, wanted in (("fires", [fired]), ("is silent", [silent]), ("boundary", [fired, silent])):
                own = [text for title, text in tests.items() if title.startswith(f"{name} {kind}")]
                self.assertTrue(own, f"{name}: no promtool test whose name begins with '{name} {kind}'")
                for text in own:
                    for pattern in wanted:
                        self.assertRegex(text, pattern, f"{name} {kind}")
                    if kind == "is silent":
                        self.assertNotRegex(text, fired, f"{name} {kind}")

    def test_each_is_explained(self):
        page = (HERE.parent / "docs/alerts.md").read_text()
        for name, block in alert_blocks().items():
            item = re.search(rf"^- \*\*`{name}`\*\* \((\w+), (\w+)\): \w", page, re.M)
            self.assertTrue(item, f"docs/alerts.md does not explain {name}")
            self.assertEqual(item.groups(), tuple(re.search(rf"{key}: (\w+)", block)[1] for key in ("severity", "for")))
        self.assertEqual(re.findall(r"^- \*\*`((?:Iova|Rcached)\w+)`\*\*", page, re.M), list(alert_blocks()))


class Runbooks(unittest.TestCase):
    SECTIONS = ["What it means in the kernel", "How to confirm it", "What to do now", "Long-term fixes", "See also"]
    RCACHED_SECTIONS = ["What it means", "How to confirm it", "What to do now", "Long-term fixes"]

    def test_one_for_each_alert(self):
        self.assertEqual({path.stem for path in RUNBOOKS.glob("*.md")}, set(alert_blocks()))

    def test_each_has_its_sections(self):
        for name in alert_blocks():
            lines = (RUNBOOKS / f"{name}.md").read_text().splitlines()
            self.assertEqual(lines[1], f"# {name}")
            sections = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
            self.assertEqual(sections, self.SECTIONS if name.startswith("Iova") else self.RCACHED_SECTIONS, name)

    def test_each_can_be_confirmed_by_commands(self):
        for name in alert_blocks():
            confirm = (RUNBOOKS / f"{name}.md").read_text().split("## How to confirm it")[1].split("\n## ")[0]
            block = re.search(r"```\n(.+?)```", confirm, re.S)
            self.assertTrue(block, f"{name}: no commands")
            self.assertTrue(reading.METRIC.search(block[1]) or RECORDED.search(block[1]) or "rcached" in block[1], name)

    def test_queries_parse(self):
        """Lines of the command blocks that begin with `promql:` are PromQL."""
        queries = [line.removeprefix("promql: ").partition("  # ")[0] for path in sorted(RUNBOOKS.glob("*.md"))
                   for line in path.read_text().splitlines() if line.startswith("promql: ")]
        self.assertGreater(len(queries), 20)
        self.assertEqual(kit.bad_expressions(queries), "")

    def test_link_targets_exist(self):
        for path in RUNBOOKS.glob("*.md"):
            for target in re.findall(r"\]\(([^)]+)\)", path.read_text()):
                if not target.startswith("https://git.kernel.org/"):
                    self.assertTrue((RUNBOOKS / target).exists(), f"{path.name}: {target}")


if __name__ == "__main__":
    unittest.main()
