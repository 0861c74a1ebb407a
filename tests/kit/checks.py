# SPDX-License-Identifier: Apache-2.0
"""Stand-alone checks: they list all problems instead of stopping at the first."""
import argparse
import shutil
import signal
import sys
import tempfile

from kit.waiting import Failed


def named_url(text):
    """NAME=http://HOST:PORT/metrics, for argparse."""
    name, separator, url = text.partition("=")
    if not separator or not url.startswith("http://"):
        raise argparse.ArgumentTypeError(f"{text}: write NAME=http://HOST:PORT/metrics")
    return name, url


def needs(*programs):
    """Exits if one of the programs is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            sys.exit(f"{program} is not installed: packaging/install-dependencies test")


def check(run):
    """Runs `run(directory)`, which returns (problems, text to print), with a temporary directory. Exits with 0 if there
    are no problems, 1 if there are, 130 if interrupted."""
    def interrupted(*_):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, interrupted)
    try:
        with tempfile.TemporaryDirectory(prefix="rcached-check-") as directory:
            problems, text = run(directory)
    except Failed as failed:
        sys.exit(f"{sys.argv[0]}: {failed}")
    except KeyboardInterrupt:
        sys.exit(130)
    if text:
        print(text)
    for problem in problems:
        print(f"PROBLEM {problem}", file=sys.stderr)
    sys.exit(1 if problems else 0)
