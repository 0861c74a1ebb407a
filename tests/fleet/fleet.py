#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A fleet on one machine: many instances of rcached with a simulated allocator on loopback, and one Prometheus that
scrapes them all and evaluates the rules of dashboards/prometheus. Prints the cost as a table and as JSON lines.

    fleet.py --binary build/rcached                          50 hosts, a scrape every 5 s (make demo-fleet)
    fleet.py --binary build/rcached --hosts 5 --interval 1   as run by CTest
    fleet.py ... --tier per_cpu                              with the series per CPU (or per_magazine)

It fails if a host is missing, a scrape fails, a rule cannot be evaluated or Prometheus logs an error. Ctrl-C stops it
cleanly.
"""
import argparse
import contextlib
import json
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "dashboards/grafana"), str(ROOT / "tests")]
import figures
import kit
import reading

JOB = "rcached"
AT_ONCE = 10  # hosts started at the same time
TIERS = {"default": "", "per_cpu": "per_cpu: true", "per_magazine": "per_cpu: true, per_magazine: true"}
CONFIG = """\
metrics: {{ {tier} }}
history: {{ size: 1MiB }}
synthetic: {{ generation: {generation}, domains: {domains}, cpus: {cpus}, rate: {rate}, seed: {seed} }}
log: {{ level: warning }}
"""


def start_hosts(stack, options, directory):
    """{host: address}; every third host has unbounded depots."""
    hosts = {}
    for first in range(0, options.hosts, AT_ONCE):
        started = []
        for number in range(first, min(first + AT_ONCE, options.hosts)):
            config = CONFIG.format(tier=TIERS[options.tier], domains=options.domains, cpus=options.cpus,
                                   generation="unbounded-127" if number % 3 == 2 else "bounded-127",
                                   rate=options.rate, seed=number + 1)
            started.append(stack.enter_context(
                kit.Rcached(options.binary, directory, config, name=f"host-{number + 1:03}")))
        hosts.update({daemon.name: daemon.wait_ready().address for daemon in started})
        progress(f"{len(hosts)} of {options.hosts} hosts are running")
    return hosts


def progress(text):
    print(f"fleet: {text}", file=sys.stderr, flush=True)


def problems_of(prometheus, options):
    """Failures that make the results invalid."""
    problems = [f"Prometheus logged: {line}" for line in prometheus.log_problems()]
    up = f'over_time(up{{job="{JOB}"}}[1h])'
    failed = prometheus.query(f"sum(count_{up}) - sum(sum_{up})")
    if [value for _, value in failed] != ["0"]:
        problems.append(f"scrapes failed: {failed}")
    present = prometheus.query(f'count(rcached_build_info{{job="{JOB}"}})')
    if [value for _, value in present] != [str(options.hosts)]:
        problems.append(f"{present} hosts are present instead of {options.hosts}")
    rules = [rule for group in prometheus.api("rules")["groups"] for rule in group["rules"]]
    problems += [f"rule {rule['name']}: {rule.get('lastError')}" for rule in rules if rule["health"] == "err"]
    if not rules:
        problems.append("no rules are evaluated")
    return problems


def run(options, directory):
    """(problems, report)"""
    with contextlib.ExitStack() as stack:
        hosts = start_hosts(stack, options, directory)
        jobs = [{"name": JOB, "address": address, "path": "/metrics", "labels": {"instance": name}}
                for name, address in hosts.items()]
        prometheus = stack.enter_context(kit.Prometheus(directory, jobs, options.interval, reading.rule_files(),
                                                        ["--web.enable-admin-api"])).wait_ready()
        alone = figures.memory_of(prometheus)
        began = time.monotonic()
        progress(f"Prometheus scrapes them every {options.interval} s; waiting for {options.scrapes} scrapes")
        prometheus.wait_for_scrapes(f'rcached_build_info{{job="{JOB}"}}', options.hosts, options.scrapes)
        window = max(2, int(time.monotonic() - began))
        measured = figures.measure(prometheus, next(iter(hosts.values())), directory, window, alone)
        return problems_of(prometheus, options), report(options, measured)


def report(options, measured):
    """The table and the JSON lines, which are also written to the file of --json."""
    size = {"hosts": options.hosts, "domains": options.domains, "cpus": options.cpus, "tier": options.tier,
            "interval_s": options.interval}
    lines = "\n".join(json.dumps({"name": one.name, "value": one.value, "unit": one.unit, **size}) for one in measured)
    if options.json:
        options.json.write_text(lines + "\n")
    return (f"{options.hosts} hosts with {options.domains} domains and {options.cpus} CPUs each, series: "
            f"{options.tier}, one scrape every {options.interval} s\n{figures.table(measured)}\n{lines}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="rcached")
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--domains", type=int, default=4, help="domains per host (%(default)s)")
    parser.add_argument("--cpus", type=int, default=8, help="CPUs per host (%(default)s)")
    parser.add_argument("--rate", type=int, default=500, help="operations per second and host (%(default)s)")
    parser.add_argument("--tier", choices=list(TIERS), default="default", help="which series (%(default)s)")
    parser.add_argument("--interval", type=int, default=5, help="seconds between scrapes (%(default)s)")
    parser.add_argument("--scrapes", type=int, default=8, help="scrapes of each host before measuring (%(default)s)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="also write the JSON lines to this file")
    options = parser.parse_args()
    kit.needs("prometheus")
    return options


if __name__ == "__main__":
    arguments = parse_arguments()
    kit.check(lambda folder: run(arguments, folder))
