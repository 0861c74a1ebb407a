# SPDX-License-Identifier: Apache-2.0
"""The test runner, and the base class of test cases."""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAMS = {}  # by name; filled by run_tests() from the command line


class TestCase(unittest.TestCase):
    def folder(self):
        """A temporary folder, removed after the test."""
        return pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="rcached-test-")))

    @classmethod
    def class_folder(cls):
        """A temporary folder, removed after all tests of the class."""
        return pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="rcached-test-")))


def run_tests(*programs):
    """unittest.main() for a test that needs paths of this project's programs: --NAME PATH for each."""
    parser = argparse.ArgumentParser(add_help=False)
    for name in programs:
        parser.add_argument(f"--{name}", required=True, type=lambda path: str(pathlib.Path(path).resolve()))
    options, rest = parser.parse_known_args()
    PROGRAMS.update(vars(options))
    unittest.main(argv=sys.argv[:1] + rest)


def bad_expressions(queries):
    """promtool's output for invalid PromQL; empty if all queries are valid."""
    rules = [f"      - {{record: 'q{i}', expr: {json.dumps(query)}}}" for i, query in enumerate(queries)]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write("groups:\n  - name: queries\n    rules:\n" + "\n".join(rules) + "\n")
        file.flush()
        checked = subprocess.run(["promtool", "check", "rules", "--lint=none", file.name], capture_output=True,
                                 text=True, check=False)
    said = checked.stdout + checked.stderr
    counted = re.search(r"(\d+) rules found", said)
    return "" if checked.returncode == 0 and counted and int(counted[1]) == len(queries) else said
