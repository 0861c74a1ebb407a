# SPDX-License-Identifier: Apache-2.0
"""Shared code of the Python tests: waiting, HTTP, child processes, and the test runner.

Tests import it like this:

    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))  # tests/
    import kit
"""
from kit.cases import PROGRAMS, TestCase, bad_expressions, run_tests
from kit.checks import check, named_url, needs
from kit.programs import Program, Prometheus, Rcached, Server
from kit.waiting import LIMIT, Failed, eventually
from kit.web import Handler, fetch, fetch_json, free_port, serving

__all__ = ["LIMIT", "PROGRAMS", "Failed", "Handler", "Program", "Prometheus", "Rcached", "Server", "TestCase",
           "bad_expressions", "check", "eventually", "fetch", "fetch_json", "free_port", "named_url", "needs",
           "run_tests", "serving"]
