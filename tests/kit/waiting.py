# SPDX-License-Identifier: Apache-2.0
"""Tests wait for what they expect, never for a time to pass."""
import time

LIMIT = 300  # seconds until a wait is given up; only a test that fails gets there, however busy the machine is


class Failed(AssertionError):
    """A test or check cannot go on; the message says why."""


def eventually(condition, what, limit=LIMIT, state=None):
    """Waits until `condition()` is true and returns what it gave. It may say by Failed that it never will be. `what` is
    expected; `state()` describes what there is instead."""
    end = time.monotonic() + limit
    while not (got := condition()):
        if time.monotonic() >= end:
            raise Failed(f"{what}: not within {limit} s" + (f"\n{state()}" if state else ""))
        time.sleep(0.05)
    return got
