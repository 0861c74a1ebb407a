#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generates the dashboards in dashboards/grafana. This folder is their source; the JSON is committed, and a test checks
that it is current.

    generate.py                                write the dashboards
    generate.py --check                        fail if a file differs from what this folder generates
    generate.py --runbooks URL --output DIR    for your own Grafana, with links to your copy of the runbooks
"""
import argparse
import importlib
import pathlib
import sys

import model

HERE = pathlib.Path(__file__).resolve().parent
NAMES = ("fleet", "host", "domain", "rcached")


def made(runbooks):
    """{file name: text}"""
    boards = [importlib.import_module(name).build(runbooks) for name in NAMES]
    return {f"{board.name}.json": model.written(board.dashboard(boards)) + "\n" for board in boards}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if something would change")
    parser.add_argument("--runbooks", default="/runbooks", metavar="URL", help="base URL of the runbooks (%(default)s)")
    parser.add_argument("--output", type=pathlib.Path, default=HERE.parent, metavar="DIR")
    options = parser.parse_args()
    files = made(options.runbooks.rstrip("/"))
    if options.check:
        present = {path.name: path.read_text() for path in options.output.glob("*.json")}
        stale = sorted(name for name in present.keys() | files.keys() if present.get(name) != files.get(name))
        if stale:
            sys.exit(f"{', '.join(stale)}: out of date: run dashboards/grafana/generate/generate.py")
        print(f"{len(files)} dashboards are current")
        return
    options.output.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (options.output / name).write_text(text)


if __name__ == "__main__":
    main()
