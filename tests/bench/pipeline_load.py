#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How much the pipeline's throughput falls while 16 scrapers fetch /metrics without a pause.

A real daemon with the synthetic source runs as fast as it can (more operations are asked for than it can do), so that
every core second taken from its pipeline shows as fewer events. Windows with and without scrapers take turns; each pair
gives one ratio, the result is their median. The scrapers run at the lowest priority: what they cost themselves is not
the daemon's doing, but what they make the daemon do is.

Prints a table and writes one JSON line. Exit codes: 0 within the limit, 1 beyond it, 2 wrong use.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

CONFIG = """
source: synthetic
http: {{listen: "127.0.0.1:{port}"}}
pipeline: {{snapshot_interval: 1s}}
metrics: {{per_magazine: {per_magazine}, series_limit: 10000000}}
synthetic: {{workload: steady, domains: {domains}, cpus: {cpus}, rate: 10000000}}
run_directory: {directory}
"""
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch_json(url):
    with OPENER.open(url, timeout=30) as answer:
        return json.load(answer)


def events_at(base):
    """(time of the snapshot, events applied until then)."""
    status = fetch_json(base + "/api/v1/status")
    return status["time"], status["events"]["applied"]


def next_snapshot(base, after):
    while True:
        time_s, events = events_at(base)
        if time_s > after:
            return time_s, events
        time.sleep(0.05)


def wait_ready(base, daemon):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if daemon.poll() is not None:
            sys.exit(f"rcached ended with {daemon.returncode}")
        try:
            OPENER.open(base + "/-/ready", timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit("rcached was not ready within 60 s")


def window(base, seconds):
    """Events a second between two snapshots that are about `seconds` apart."""
    begin, events_begin = next_snapshot(base, events_at(base)[0])
    time.sleep(seconds)
    end, events_end = next_snapshot(base, events_at(base)[0])
    return (events_end - events_begin) / (end - begin)


class Scrapers:
    """16 connections, each scraping as soon as it has the answer to the scrape before."""

    def __init__(self, base, seconds, gzip):
        words = ["nice", "-n", "19", "wrk", "-t", "1", "-c", "16", "-d", f"{seconds}s", "--timeout", "60s"]
        if gzip:
            words += ["-H", "Accept-Encoding: gzip"]
        self._process = subprocess.Popen(words + [base + "/metrics"], stdout=subprocess.PIPE, text=True)

    def end(self):
        """Scrapes a second; ends the run when the scrapers saw errors."""
        self._process.send_signal(signal.SIGINT)
        out, _ = self._process.communicate(timeout=120)
        if "Non-2xx" in out or (re.search(r"Socket errors: connect (\d+)", out) or [0, "0"])[1] != "0":
            sys.exit(f"the scrapers saw errors:\n{out}")
        match = re.search(r"Requests/sec:\s*([\d.]+)", out)
        return float(match.group(1)) if match else 0.0


def measure(options, directory):
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    config = directory / "bench.yaml"
    config.write_text(CONFIG.format(port=port, directory=directory, domains=options.domains, cpus=options.cpus,
                                    per_magazine=str(options.per_magazine).lower()), encoding="utf-8")
    daemon = subprocess.Popen([options.binary, "run", "--config", str(config)], stderr=subprocess.DEVNULL)
    try:
        wait_ready(base, daemon)
        window(base, options.seconds)  # warm up
        pairs, scrapes = [], []
        for index in range(options.pairs):
            order = (False, True) if index % 2 == 0 else (True, False)
            rates = {}
            for scraped in order:
                scrapers = Scrapers(base, int(options.seconds * 20), options.gzip) if scraped else None
                rates[scraped] = window(base, options.seconds)
                if scrapers:
                    scrapes.append(scrapers.end())
            pairs.append((rates[False], rates[True]))
            print(f"  pair {index + 1}/{options.pairs}: {rates[False] / 1e6:.3f} M events/s alone, "
                  f"{rates[True] / 1e6:.3f} M with scrapers: {rates[True] / rates[False]:.4f}", flush=True)
        return pairs, scrapes
    finally:
        daemon.terminate()
        daemon.wait(30)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default="build/rcached")
    parser.add_argument("--domains", type=int, default=64)
    parser.add_argument("--cpus", type=int, default=256)
    parser.add_argument("--per-magazine", action="store_true", help="with the 196,608 series of the magazines")
    parser.add_argument("--gzip", action="store_true", help="scrapers ask for gzip, as Prometheus does")
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--limit", type=float, default=0.02, help="most that the throughput may fall (%(default)s)")
    parser.add_argument("--json", help="append the result as a JSON line to this file")
    options = parser.parse_args()
    if not os.access(options.binary, os.X_OK):
        print(f"no program at {options.binary}; build it first (make build)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="rcached-bench-") as directory:
        pairs, scrapes = measure(options, pathlib.Path(directory))
    ratios = [scraped / alone for alone, scraped in pairs]
    fall = 1 - statistics.median(ratios)
    result = {"name": "pipeline_under_16_scrapers", "domains": options.domains, "cpus": options.cpus,
              "per_magazine": options.per_magazine, "gzip": options.gzip,
              "events_per_second_alone": statistics.median(alone for alone, _ in pairs),
              "events_per_second_scraped": statistics.median(scraped for _, scraped in pairs),
              "fall": fall, "ratio_min": min(ratios), "ratio_max": max(ratios), "scrapes_per_second": statistics.median(scrapes)}
    if options.json:
        with open(options.json, "a", encoding="utf-8") as out:
            out.write(json.dumps(result) + "\n")
    good = fall < options.limit
    print(f"pipeline {result['events_per_second_alone'] / 1e6:.3f} -> {result['events_per_second_scraped'] / 1e6:.3f} M events/s "
          f"with {result['scrapes_per_second']:.0f} scrapes/s: falls by {100 * fall:.2f} % (ratios {min(ratios):.4f} to "
          f"{max(ratios):.4f}), limit {100 * options.limit:.0f} %: {'ok' if good else 'MISSED'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
