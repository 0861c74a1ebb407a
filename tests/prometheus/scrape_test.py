#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""scrape.py finds problems: a real Prometheus scrapes targets with one fault each."""
import argparse
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import checks
import kit
import scrape

NAMES = [f"iova_metric_{number}" for number in range(60)]
DOCS = "".join(f"| `{name}` | gauge | ranges |  | all | Help. |\n" for name in NAMES)


def page(names=NAMES, value="1"):
    return "".join(f"# HELP {name} Help.\n# TYPE {name} gauge\n{name} {value}\n" for name in names)


# By target: the text page, and the OpenMetrics page without its EOF line.
PAGES = {
    "good": (page(), page()),
    "garbage": ("this is { no metric\n", page()),
    "duplicate": (page() + "iova_metric_0 2\n", page()),
    "unended": (page(), None),
    "differs": (page(NAMES + ["iova_text_only"]), page(NAMES + ["iova_openmetrics_only"])),
    "values": (page(), page(value="1.5")),
    "refused": (None, page()),
}


class Handler(kit.Handler):
    refusals = 0

    def do_GET(self):
        text, openmetrics = PAGES[self.path.split("/")[1]]
        asked_for_openmetrics = "openmetrics" in self.headers.get("Accept", "")
        # A target that does not support OpenMetrics.
        if asked_for_openmetrics and self.path.startswith("/refused"):
            body, content_type = openmetrics, "text/plain; version=0.0.4"
        elif asked_for_openmetrics:
            body = page() if openmetrics is None else openmetrics + "# EOF\n"
            content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8"
        else:
            # Served only once, so that the test can start.
            if text is None:
                Handler.refusals += 1
            body, content_type = text or page(), "text/plain; version=0.0.4; charset=utf-8"
        self.answer(503 if text is None and not asked_for_openmetrics and Handler.refusals > 1 else 200, body.encode(),
                    Content_Type=content_type)


class FindsProblems(kit.TestCase):
    @classmethod
    def setUpClass(cls):
        address = cls.enterClassContext(kit.serving(Handler))
        directory = cls.class_folder()
        docs = directory / "metrics.md"
        docs.write_text(DOCS + "| `iova_absent_total` | counter | ranges |  | all | Help. |\n"
                        "| `iova_absent_seconds` | histogram | seconds |  | all | Help. |\n")
        options = argparse.Namespace(
            binary=None, fixture=None, docs=docs, formats=[checks.TEXT, checks.OPENMETRICS], interval=3, scrapes=4,
            patience=1, target=[(name, f"http://{address}/{name}/metrics") for name in PAGES])
        cls.problems, cls.report = scrape.run(options, directory)

    def assert_found(self, *words):
        found = [problem for problem in self.problems if all(word in problem for word in words)]
        self.assertTrue(found, f"nothing with {words} in:\n" + "\n".join(self.problems))

    def test_a_valid_target_has_no_problems(self):
        self.assertEqual([problem for problem in self.problems if problem.startswith("good")], [])

    def test_a_page_that_cannot_be_parsed(self):
        self.assert_found("garbage (text)", "down", "invalid syntax")
        self.assert_found("garbage", "promtool")

    def test_a_duplicate_series(self):
        self.assert_found("duplicate (text)", "1 duplicate series", "iova_metric_0")

    def test_truncated_openmetrics(self):
        self.assert_found("unended (openmetrics)", "EOF")

    def test_formats_with_different_series(self):
        self.assert_found("differs", "not in the openmetrics format", "iova_text_only")
        self.assert_found("differs", "not in the text format", "iova_openmetrics_only")

    def test_formats_with_different_values(self):
        self.assert_found("values: 60 gauges differ", "iova_metric_1{}", "is 1 as text, 1.5 as OpenMetrics")

    def test_a_target_that_sometimes_fails(self):
        self.assert_found("refused (text)", "scrapes failed")

    def test_a_target_without_openmetrics(self):
        self.assert_found("refused", "gives 'text/plain; version=0.0.4'")

    def test_documentation(self):
        self.assert_found("iova_absent_total is documented, but no target has it")
        self.assert_found("iova_absent_seconds_bucket is documented, but no target has it")
        self.assert_found("iova_text_only of differs is not documented")
        self.assertNotIn("iova_metric_3 ", "\n".join(self.problems))

    def test_the_report_has_every_name(self):
        for name in [*NAMES, "iova_absent_total", "iova_absent_seconds_sum"]:
            self.assertIn(f"\n{name} ", self.report)
        self.assertIn("64 names of documented metrics, 60 with data", self.report)


if __name__ == "__main__":
    unittest.main()
