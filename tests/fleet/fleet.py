#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A fleet on one machine: many rcached with a simulated allocator on loopback, one Prometheus that scrapes them all and
evaluates the rules of dashboards/prometheus. Prints what it costs, as a table and as JSON lines, and ends.

    fleet.py --binary build/rcached                          50 hosts, a scrape every 5 s (make demo-fleet)
    fleet.py --binary build/rcached --hosts 5 --interval 1   what CTest runs
    fleet.py ... --tier per_cpu                              with the series by CPU (or per_magazine)

It fails when a host is missing, a scrape fails, a rule cannot be evaluated or Prometheus complains. Ctrl-C ends it
cleanly.
"""
import argparse
import contextlib
import json
import pathlib
import shutil
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path += [str(ROOT / "dashboards/grafana"), str(ROOT / "tests/prometheus")]
# pylint: disable=wrong-import-position,import-error
import figures
import reading
from servers import Failed, Program, Prometheus, fetch, free_port

JOB = "rcached"
AT_ONCE = 10  # hosts that start together
TIERS = {"default": "", "per_cpu": "per_cpu: true", "per_magazine": "per_cpu: true, per_magazine: true"}
CONFIG = """\
run_directory: {directory}
metrics: {{ {tier} }}
history: {{ size: 1MiB }}
synthetic: {{ generation: {generation}, domains: {domains}, cpus: {cpus}, rate: {rate}, seed: {seed} }}
log: {{ level: warning }}
"""


def start_hosts(stack, options, directory):
    """{host: address}; every third has unbounded depots."""
    hosts = {}
    for first in range(0, options.hosts, AT_ONCE):
        started = []
        for number in range(first, min(first + AT_ONCE, options.hosts)):
            name = f"host-{number + 1:03}"
            own = pathlib.Path(directory) / name
            own.mkdir()
            generation = "unbounded-127" if number % 3 == 2 else "bounded-127"
            (own / "rcached.yaml").write_text(CONFIG.format(
                directory=own, tier=TIERS[options.tier], generation=generation, domains=options.domains,
                cpus=options.cpus, rate=options.rate, seed=number + 1))
            hosts[name] = f"127.0.0.1:{free_port()}"
            started.append((hosts[name], stack.enter_context(Program(
                name, [options.binary, "run", "--source", "synthetic", "--listen", hosts[name], "--config",
                       str(own / "rcached.yaml")], directory))))
        for address, program in started:
            program.wait_for(lambda at=address: fetch(f"http://{at}/-/ready")[0] == 200, 60, "it is not ready")
        progress(f"{len(hosts)} of {options.hosts} hosts run")
    return hosts


def progress(text):
    print(f"fleet: {text}", file=sys.stderr, flush=True)


def problems_of(prometheus, options):
    """What must not be; a demo that shows half a fleet shows nothing."""
    problems = [f"Prometheus says: {line}" for line in prometheus.complaints()]
    up = f'over_time(up{{job="{JOB}"}}[1h])'
    failed = prometheus.query(f"sum(count_{up}) - sum(sum_{up})")
    if [value for _, value in failed] != ["0"]:
        problems.append(f"scrapes failed: {failed}")
    present = prometheus.query(f'count(rcached_build_info{{job="{JOB}"}})')
    if [value for _, value in present] != [str(options.hosts)]:
        problems.append(f"{present} hosts are there, not {options.hosts}")
    rules = [rule for group in prometheus.api("rules")["groups"] for rule in group["rules"]]
    problems += [f"rule {rule['name']}: {rule.get('lastError')}" for rule in rules if rule["health"] == "err"]
    if not rules:
        problems.append("no rule is evaluated")
    return problems


def run(options, directory):
    """(problems, figures)"""
    with contextlib.ExitStack() as stack:
        hosts = start_hosts(stack, options, directory)
        jobs = [{"name": JOB, "address": address, "path": "/metrics", "labels": {"instance": name}}
                for name, address in hosts.items()]
        prometheus = stack.enter_context(Prometheus(options.prometheus, directory, jobs, options.interval,
                                                    reading.rule_files(), ["--web.enable-admin-api"]))
        prometheus.wait_for(prometheus.ready, 60, "it is not ready")
        alone = figures.memory_of(prometheus)
        began = time.monotonic()
        progress(f"Prometheus scrapes them every {options.interval} s; {options.scrapes} scrapes are waited for")

        def scraped():
            rows = prometheus.query(f'count_over_time(rcached_build_info{{job="{JOB}"}}[1h])')
            return len(rows) == options.hosts and all(int(value) >= options.scrapes for _, value in rows)
        prometheus.wait_for(scraped, 60 + 4 * options.scrapes * options.interval, "too few scrapes")
        window = max(2, int(time.monotonic() - began))
        measured = figures.measure(prometheus, next(iter(hosts.values())), directory, window, alone)
        return problems_of(prometheus, options), measured


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="rcached")
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--domains", type=int, default=4, help="of each host (%(default)s)")
    parser.add_argument("--cpus", type=int, default=8, help="of each host (%(default)s)")
    parser.add_argument("--rate", type=int, default=500, help="operations a second of each host (%(default)s)")
    parser.add_argument("--tier", choices=list(TIERS), default="default", help="which series (%(default)s)")
    parser.add_argument("--interval", type=int, default=5, help="seconds between scrapes (%(default)s)")
    parser.add_argument("--scrapes", type=int, default=8, help="of each host before the figures (%(default)s)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the JSON lines here, too")
    parser.add_argument("--prometheus", default=shutil.which("prometheus"))
    options = parser.parse_args()
    if options.prometheus is None:
        sys.exit("prometheus is not installed: packaging/install-dependencies test")
    return options


def interrupted(*_):
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, interrupted)
    options = parse_arguments()
    try:
        with tempfile.TemporaryDirectory(prefix="rcached-fleet-") as directory:
            problems, measured = run(options, directory)
    except Failed as failed:
        sys.exit(f"fleet.py: {failed}")
    except KeyboardInterrupt:
        sys.exit(130)
    size = {"hosts": options.hosts, "domains": options.domains, "cpus": options.cpus, "tier": options.tier,
            "interval_s": options.interval}
    print(f"{options.hosts} hosts with {options.domains} domains and {options.cpus} CPUs each, series: {options.tier}, "
          f"a scrape every {options.interval} s")
    print(figures.table(measured))
    lines = "".join(json.dumps({"name": one.name, "value": one.value, "unit": one.unit, **size}) + "\n"
                    for one in measured)
    print(lines, end="")
    if options.json:
        options.json.write_text(lines)
    for problem in problems:
        print(f"PROBLEM {problem}", file=sys.stderr)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
