# SPDX-License-Identifier: Apache-2.0
"""Tests wait for conditions, never for a fixed time."""
import time

LIMIT = 300  # seconds until a wait fails; long enough for a busy machine, so that only failing tests reach it


class Failed(AssertionError):
    """A test or check cannot continue; the message is the reason."""


def eventually(condition, what, limit=LIMIT, state=None):
    """Waits until `condition()` is true and returns its result. It may raise Failed if it can never become true. `what`
    describes the condition; `state()` describes the actual state."""
    end = time.monotonic() + limit
    while not (got := condition()):
        if time.monotonic() >= end:
            raise Failed(f"timeout after {limit} s: {what}" + (f"\n{state()}" if state else ""))
        time.sleep(0.05)
    return got
