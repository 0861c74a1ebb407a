#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/run: the table is valid, failures are reported, and an interrupt leaves no process."""
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import pathlib
import signal
import subprocess
import sys

import kit

TESTS = pathlib.Path(__file__).resolve().parent
# Runs the program as a module, with other suites.
PROGRAM = """
import importlib.machinery, importlib.util, sys
loader = importlib.machinery.SourceFileLoader("run", "tests/run")
run = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", loader))
sys.modules["run"] = run
loader.exec_module(run)
run.SUITES = tuple(run.Suite(name, "", "suites", (), run.Part("", 0, commands), None)
                   for name, commands in %r.items())
run.STAGES = tuple((number, 2) for number, _ in run.STAGES)
run.GRACE = 1
sys.argv[1:] = ["all"]
sys.exit(run.main())
"""


def load():
    loader = importlib.machinery.SourceFileLoader("run", str(TESTS / "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", loader))
    sys.modules["run"] = module
    loader.exec_module(module)
    return module


class Table(kit.TestCase):
    program = load()

    def test_rows(self):
        listed = (TESTS.parent / "packaging/dependencies.txt").read_text()
        groups = {group for line in listed.splitlines() if line and line[0] != "#"
                  for group in line.split()[1].split(",")}
        names = [suite.name for suite in self.program.SUITES]
        self.assertEqual(len(set(names)), len(names))
        for suite in self.program.SUITES:
            self.assertLessEqual(set(suite.groups.split()), groups, suite.name)
            for part in (suite.test, suite.ci, suite.whole):
                self.assertTrue(part is None or (part.what and part.seconds > 0 and part.commands), suite.name)
            self.assertTrue(suite.ci or not suite.test, f"{suite.name}: CI must run everything in make test")

    def test_the_ci_part_of_truth_is_a_subset(self):
        self.assertLess(set(self.program.TRUTH_CI.split()), set(self.program.TRUTH.split()))

    def test_list(self):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            self.program.list_suites()
        for suite in self.program.SUITES:
            self.assertRegex(out.getvalue(), rf"(?m)^{suite.name} ")


class Runs(kit.TestCase):
    def start(self, **suites):
        return subprocess.Popen([sys.executable, "-c", PROGRAM % suites], cwd=TESTS.parent, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, start_new_session=True)

    def test_a_failure_is_reported(self):
        with self.start(bad="echo first; echo second >&2; true | false | true", good="true") as runner:
            said = runner.communicate()[0]
        self.assertEqual(runner.returncode, 1, said)
        self.assertRegex(said, r"\nbad +FAILED +0\n")
        self.assertRegex(said, r"\ngood +ok +0\n")
        self.assertRegex(said, r"(?s)=== good: ok.*\n=== bad failed; its last lines:\nfirst\nsecond\n\nstep ")

    def test_leftover_processes_are_stopped(self):
        pid = self.folder() / "pid"
        with self.start(leaves=f"setsid sleep 1000 >/dev/null 2>&1 & echo $! >{pid}") as runner:
            said = runner.communicate()[0]
        self.assertEqual(runner.returncode, 0, said)
        self.assertIn("leaves left processes behind", said)
        self.assertFalse(pathlib.Path("/proc", pid.read_text().strip()).exists())

    def test_an_interrupt_leaves_nothing(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            folder = self.folder()
            with self.start(first="true", stubborn=f"""
                    trap '' INT; setsid sleep 1000 & echo $! >{folder}/session
                    sleep 1000 & echo $! >{folder}/child; echo $$ >{folder}/shell; wait""", last="true") as runner:
                kit.eventually((folder / "shell").exists, "the suite runs")
                os.kill(runner.pid, number)
                said = runner.communicate()[0]
            self.assertEqual(runner.returncode, 130, said)
            self.assertRegex(said, r"\nfirst +ok +0\n")
            self.assertRegex(said, r"\nstubborn +interrupted ")
            self.assertNotRegex(said, r"\nlast ")
            for file in ("session", "child", "shell"):
                self.assertFalse(pathlib.Path("/proc", (folder / file).read_text().strip()).exists(), file)


if __name__ == "__main__":
    kit.run_tests()
