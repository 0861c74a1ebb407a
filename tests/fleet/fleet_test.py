#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The fleet demo with few hosts: its results are plausible, it stops cleanly when interrupted and reports problems. The
configurations in docs/fleet.md are valid.

    fleet_test.py --rcached RCACHED
"""
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))
import figures
import kit


def command(*arguments):
    return [sys.executable, str(ROOT / "tests/fleet/fleet.py"), "--interval", "1", "--rate", "200", "--domains",
            "2", *arguments]


class Demo(kit.TestCase):
    def test_five_hosts(self):
        file = self.folder() / "fleet.jsonl"
        done = subprocess.run(command("--binary", kit.PROGRAMS["rcached"], "--hosts", "5", "--scrapes", "5", "--json",
                                      str(file)), capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        self.assertTrue(done.stdout.endswith("".join(json.dumps(line) + "\n" for line in lines)))
        measured = {line["name"]: line["value"] for line in lines}
        self.assertTrue(all(line["hosts"] == 5 and line["tier"] == "default" for line in lines))
        self.assertEqual([name for name, value in measured.items() if value <= 0
                          and name not in ("recorded_series", "federated_series")], [])
        self.assertGreaterEqual(measured["scrapes"], 25)
        self.assertGreater(measured["series_per_host"], 300)
        self.assertGreaterEqual(measured["series_total"], 5 * measured["series_per_host"])
        self.assertGreaterEqual(measured["samples"], 4 * measured["series_total"])
        self.assertLess(measured["scrape_bytes_gzip"], measured["scrape_bytes_text"])
        self.assertLessEqual(measured["scrape_duration_median"], measured["scrape_duration_max"])
        self.assertGreater(measured["rcached_memory_median"], 4 << 20)

    def test_an_interrupt_leaves_nothing_behind(self):
        folder = self.folder()
        with subprocess.Popen(command("--binary", kit.PROGRAMS["rcached"], "--hosts", "3", "--scrapes", "1000000"),
                              stderr=subprocess.PIPE, text=True, start_new_session=True,
                              env={**os.environ, "TMPDIR": str(folder)}) as demo:
            try:
                said = ""
                while "Prometheus scrapes them" not in said:
                    line = demo.stderr.readline()
                    self.assertTrue(line, f"it has exited: {said}")
                    said += line
                os.killpg(demo.pid, signal.SIGINT)  # as a terminal does on Ctrl-C
                self.assertEqual(demo.wait(kit.LIMIT), 130, demo.stderr.read())
                kit.eventually(lambda: self.gone(demo.pid), "no process of the demo is left")
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(demo.pid, signal.SIGKILL)
        self.assertEqual(os.listdir(folder), [])

    @staticmethod
    def gone(group):
        try:
            os.killpg(group, 0)
            return False
        except ProcessLookupError:
            return True

    def test_a_host_that_does_not_start(self):
        done = subprocess.run(command("--binary", "/bin/false", "--hosts", "2"), capture_output=True, text=True,
                              check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"host-00\d has exited")


class Documentation(kit.TestCase):
    """Blocks in docs/fleet.md that begin with a comment with the name of a .yml file are complete Prometheus
    configurations; those of agents must not contain rules."""

    def blocks(self):
        page = (ROOT / "docs/fleet.md").read_text()
        return re.findall(r"^```yaml\n(# (\S+\.yml)[^\n]*\n.*?)^```", page, re.M | re.S)

    def checked(self, text, *options):
        file = self.folder() / "prometheus.yml"
        file.write_text(text)
        return subprocess.run(["promtool", "check", "config", "--syntax-only", *options, str(file)],
                              capture_output=True, text=True, check=False)

    def test_configurations(self):
        names = [name for _, name in self.blocks()]
        self.assertGreaterEqual(len(names), 5)
        self.assertEqual(len(names), (ROOT / "docs/fleet.md").read_text().count("```yaml"))
        for text, name in self.blocks():
            done = self.checked(text, *(["--agent"] if "agent" in name else []))
            self.assertEqual(done.returncode, 0, f"{name}: {done.stdout}{done.stderr}")

    def test_federation_matches_the_demo(self):
        [text] = [text for text, name in self.blocks() if name == "prometheus-global.yml"]
        self.assertEqual(re.findall(r"^        - '(.*)'$", text, re.M), figures.FEDERATED)

    def test_an_invalid_configuration_is_rejected(self):
        """An agent accepts no rules; promtool reports this."""
        self.assertNotEqual(self.checked("rule_files: [a.yaml]\n", "--agent").returncode, 0)


if __name__ == "__main__":
    kit.run_tests("rcached")
