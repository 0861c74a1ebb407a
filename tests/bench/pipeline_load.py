#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How much the pipeline's throughput drops while 16 scrapers fetch /metrics.

A real daemon with the synthetic source runs as fast as it can (the configured rate is above its maximum), so that every
CPU second taken from its pipeline results in fewer events. Windows with and without scrapers alternate; each pair
gives one ratio, the result is their median with its standard error. The scrapers run at the lowest priority: their own
CPU time must not count, only the work that they cause in the daemon.

Each scraper scrapes once per second (--every), fifteen times as often as is usual for Prometheus. With --flat-out it
scrapes without a pause, which moves gigabytes per second through memory; this is reported but has no limit.

Prints a table and writes one JSON line. Exit codes: 0 within the limit, 1 above it, 2 wrong arguments.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import kit

CONFIG = """\
pipeline: {{snapshot_interval: 1s}}
metrics: {{per_magazine: {per_magazine}, series_limit: 10000000}}
synthetic: {{workload: steady, domains: {domains}, cpus: {cpus}, rate: 10000000}}
"""
SCRAPERS = 16


def events_at(base):
    """(time of the snapshot, events applied until then)."""
    status = kit.fetch_json(base + "/api/v1/status")
    return status["time"], status["events"]["applied"]


def next_snapshot(base, after):
    return kit.eventually(lambda: (at := events_at(base))[0] > after and at, "a new snapshot")


def window(base, seconds):
    """Events per second between two snapshots that are about `seconds` apart."""
    begin, events_begin = next_snapshot(base, events_at(base)[0])
    time.sleep(seconds)
    end, events_end = next_snapshot(base, events_at(base)[0])
    return (events_end - events_begin) / (end - begin)


class FlatOut:
    """16 connections, each scraping without a pause."""

    def __init__(self, base, options):
        words = ["nice", "-n", "19", "wrk", "-t", "1", "-c", "16", "-d", "600s", "--timeout", "60s"]
        if options.gzip:
            words += ["-H", "Accept-Encoding: gzip"]
        self._process = subprocess.Popen(words + [base + "/metrics"], stdout=subprocess.PIPE, text=True)

    def end(self):
        """Returns scrapes per second; exits if the scrapers had errors."""
        self._process.send_signal(signal.SIGINT)
        out, _ = self._process.communicate(timeout=120)
        if "Non-2xx" in out or (re.search(r"Socket errors: connect (\d+)", out) or [0, "0"])[1] != "0":
            sys.exit(f"the scrapers had errors:\n{out}")
        match = re.search(r"Requests/sec:\s*([\d.]+)", out)
        return float(match.group(1)) if match else 0.0


class Paced:
    """16 scrapers in a separate process, each at a fixed interval, spread evenly."""

    def __init__(self, base, options):
        self._started = time.monotonic()
        words = ["nice", "-n", "19", sys.executable, __file__, "--scrape", base, "--every", str(options.every)]
        self._process = subprocess.Popen(words + (["--gzip"] if options.gzip else []), stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)

    def end(self):
        out, _ = self._process.communicate("", timeout=120)
        if self._process.returncode != 0:
            sys.exit(f"the scrapers had errors:\n{out}")
        return int(out) / (time.monotonic() - self._started)


def scrape(options):
    """Main function of the process of Paced. Runs until standard input ends; prints the number of scrapes."""
    over = threading.Event()
    counts, errors = [0] * SCRAPERS, []

    def one(index):
        due = time.monotonic() + options.every * index / SCRAPERS
        while not over.wait(max(0.0, due - time.monotonic())):
            status = kit.fetch(options.scrape + "/metrics", {"Accept-Encoding": "gzip"} if options.gzip else {})[0]
            if status != 200:
                errors.append(f"{options.scrape}/metrics: {f'status {status}' if status else 'no response'}")
                return
            counts[index] += 1
            due += options.every

    threads = [threading.Thread(target=one, args=(index,)) for index in range(SCRAPERS)]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    over.set()
    for thread in threads:
        thread.join()
    print(errors[0] if errors else sum(counts))
    return 1 if errors else 0


def measure(options, directory):
    config = CONFIG.format(domains=options.domains, cpus=options.cpus, per_magazine=str(options.per_magazine).lower())
    with kit.Rcached(options.binary, directory, config) as daemon:
        base = daemon.wait_ready().url
        window(base, options.seconds)  # warm up
        pairs, scrapes = [], []
        for index in range(options.pairs):
            order = (False, True) if index % 2 == 0 else (True, False)
            rates = {}
            for scraped in order:
                scrapers = (FlatOut if options.flat_out else Paced)(base, options) if scraped else None
                rates[scraped] = window(base, options.seconds)
                if scrapers:
                    scrapes.append(scrapers.end())
            pairs.append((rates[False], rates[True]))
            print(f"  pair {index + 1}/{options.pairs}: {rates[False] / 1e6:.3f} M events/s alone, "
                  f"{rates[True] / 1e6:.3f} M with scrapers: {rates[True] / rates[False]:.4f}", flush=True)
        return pairs, scrapes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default="build/rcached")
    parser.add_argument("--domains", type=int, default=64)
    parser.add_argument("--cpus", type=int, default=256)
    parser.add_argument("--per-magazine", action="store_true", help="with the 196,608 series of the magazines")
    parser.add_argument("--gzip", action="store_true", help="scrapers request gzip, as Prometheus does")
    parser.add_argument("--every", type=float, default=1, help="seconds between two scrapes of a scraper (%(default)s)")
    parser.add_argument("--flat-out", action="store_true", help="without a pause, and without a limit")
    parser.add_argument("--scrape", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--limit", type=float, default=0.02, help="maximum drop of the throughput (%(default)s)")
    parser.add_argument("--json", help="append the result as a JSON line to this file")
    options = parser.parse_args()
    if options.scrape:
        return scrape(options)
    if not os.access(options.binary, os.X_OK):
        print(f"{options.binary} does not exist; build it first (make build)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="rcached-bench-") as directory:
        pairs, scrapes = measure(options, pathlib.Path(directory))
    ratios = [scraped / alone for alone, scraped in pairs]
    fall = 1 - statistics.median(ratios)
    error = 1.25 * statistics.stdev(ratios) / len(ratios) ** 0.5  # of the median
    result = {"name": "pipeline_under_16_scrapers", "flat_out": options.flat_out, "every_seconds": options.every,
              "standard_error": error, "domains": options.domains, "cpus": options.cpus,
              "per_magazine": options.per_magazine, "gzip": options.gzip,
              "events_per_second_alone": statistics.median(alone for alone, _ in pairs),
              "events_per_second_scraped": statistics.median(scraped for _, scraped in pairs),
              "fall": fall, "ratio_min": min(ratios), "ratio_max": max(ratios),
              "scrapes_per_second": statistics.median(scrapes)}
    if options.json:
        with open(options.json, "a", encoding="utf-8") as out:
            out.write(json.dumps(result) + "\n")
    good = options.flat_out or fall < options.limit
    verdict = "no limit" if options.flat_out else f"limit {100 * options.limit:.0f} %: {'ok' if good else 'MISSED'}" + (
        ", but the standard error is larger: use more --pairs" if error > options.limit else "")
    print(f"pipeline {result['events_per_second_alone'] / 1e6:.3f} -> {result['events_per_second_scraped'] / 1e6:.3f} "
          f"M events/s with {result['scrapes_per_second']:.0f} scrapes/s: drops by {100 * fall:.2f} % "
          f"+- {100 * error:.2f} %, {verdict}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
