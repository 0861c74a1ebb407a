#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every query of every dashboard against a real Prometheus.

    check.py --binary build/rcached --fixture build/metrics-fixture                as run by CTest
    check.py --target lab-6.1=http://127.0.0.1:9731/metrics --pictures build/dashboards ...    with a lab guest

Prometheus scrapes daemons with a simulated allocator of either kind of depot, the fixture that has every metric, the
targets of --target, one that is down, and an unrelated job. It evaluates the alerts without their `for` durations. Then
each query of each panel, annotation and variable is run for every host and domain that the variables offer, and must
return numbers for at least one of them; links and names must find the labels they need, and no query may include series
of the unrelated job. With --pictures the dashboards are drawn from the same queries.
"""
import argparse
import contextlib
import pathlib
import re
import sys
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "dashboards/grafana"), str(ROOT / "tests")]
import exceptions
import kit
import pictures
import queries
import reading

JOB = "rcached"
OTHER_JOB = "not-rcached"
OTHER_METRICS = b"""\
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 1000
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 1e12
# TYPE process_open_fds gauge
process_open_fds 1000
"""
SYNTHETIC = """\
metrics: {{ per_cpu: true, per_magazine: true }}
pipeline: {{ snapshot_interval: 500ms }}
synthetic: {{ generation: {generation}, domains: {domains}, cpus: 4, rate: {rate}, workload: {workload}, seed: 1 }}
textfile: {{ path: {directory}/{name}.prom, interval: 1s }}
log: {{ level: warning }}
"""
# Both kinds of depot; and one whose depot overflows after about ten seconds, so that a verdict changes during the test.
# By name: kind, workload, operations per second, domains.
DAEMONS = {"synthetic-bounded": ("bounded-127", "mixed", 20000, 3),
           "synthetic-unbounded": ("unbounded-127", "mixed", 20000, 2),
           "synthetic-burst": ("bounded-127", "burst", 1000, 1)}


def start_synthetic(stack, options, directory, name, port):
    generation, workload, rate, domains = DAEMONS[name]
    config = SYNTHETIC.format(directory=directory, name=name, generation=generation, workload=workload, domains=domains,
                              rate=rate)
    daemon = stack.enter_context(kit.Rcached(options.binary, directory, config, name=name, port=port)).wait_ready()
    kit.fetch(f"{daemon.url}/no-such-page")  # data for the panels of HTTP errors


def start_fixture(stack, options, directory):
    fixture = stack.enter_context(kit.Program("fixture", [options.fixture], directory))
    fixture.wait_for(lambda: fixture.output().count("http://") == 3, "it is ready")
    for line in fixture.output().splitlines():
        name, url = line.split()
        yield name, urllib.parse.urlsplit(url).netloc


class OtherMetrics(kit.Handler):
    """The process metrics that every Prometheus client library serves."""

    def do_GET(self):
        self.answer(200, OTHER_METRICS, Content_Type="text/plain; version=0.0.4")


def start_other(stack):
    """Targets of another job: one that is up, and one that is down."""
    return {"other": stack.enter_context(kit.serving(OtherMetrics)), "other-down": f"127.0.0.1:{kit.free_port()}"}


def rules_without_waiting(directory):
    """Copies of the rule files in which alerts fire as soon as their expression is true."""
    for path in reading.rule_files():
        copy = pathlib.Path(directory) / path.name
        copy.write_text(re.sub(r"^( +for:) .*$", r"\1 0s", path.read_text(), flags=re.M))
        yield copy


def report(found, dashboards, hosts, given):
    lines = [f"{'dashboard':10}{'queries':>9}{'with data':>11}" + "".join(f"{host:>21}" for host in hosts)]
    for name in dashboards:
        own = {place: which for (dashboard, place), which in found.items() if dashboard == name}
        lines.append(f"{name:10}{len(own):>9}{sum(1 for which in own.values() if which):>11}" + "".join(
            f"{sum(1 for which in own.values() if host in which) or '-':>21}" for host in hosts))
    for host in given:  # for information: queries without data from a real kernel
        missing = [f"{dashboard}: {place}" for (dashboard, place), which in found.items()
                   if which and not {"all", ".*", host} & which]
        lines.append(f"{host} has no data for {len(missing)}: {'; '.join(missing)}")
    return "\n".join(lines)


def judge(found):
    """Problems: queries without data that are not in the list of exceptions, and needless exceptions."""
    problems = []
    for (dashboard, place), which in found.items():
        excepted = (dashboard, place) in exceptions.MAY_BE_EMPTY
        if not which and not excepted:
            problems.append(f"{dashboard}: {place} has no data for any host")
        if which and excepted:
            problems.append(f"{dashboard}: {place} has data: remove it from tests/dashboards/exceptions.py")
    return problems + [f"{dashboard}: {place} in tests/dashboards/exceptions.py is not a query" for dashboard, place
                       in exceptions.MAY_BE_EMPTY if (dashboard, place) not in found]


def run(options, directory):
    dashboards = reading.dashboards()
    with contextlib.ExitStack() as stack:
        targets = {name: urllib.parse.urlsplit(url).netloc for name, url in options.target}
        ports = {name: kit.free_port() for name in DAEMONS}
        hosts = {**targets, **{name: f"127.0.0.1:{port}" for name, port in ports.items()},
                 **dict(start_fixture(stack, options, directory))}
        everyone = {**hosts, "does-not-answer": f"127.0.0.1:{kit.free_port()}"}
        jobs = [{"name": job, "address": address, "path": "/metrics", "labels": {"instance": name}}
                for job, members in ((JOB, everyone), (OTHER_JOB, start_other(stack)))
                for name, address in members.items()]
        prometheus = stack.enter_context(kit.Prometheus(directory, jobs, options.interval,
                                                        rules_without_waiting(directory))).wait_ready()
        for name, port in ports.items():
            start_synthetic(stack, options, directory, name, port)
        began = time.time()
        prometheus.wait_for_scrapes(f'rcached_build_info{{job="{JOB}"}}', len(hosts), options.scrapes)
        prometheus.wait_for(lambda: prometheus.query("changes(rcached_verdict[1h]) > 0"), "a verdict changes")
        if not prometheus.query(f'process_open_fds{{job="{OTHER_JOB}"}}'):
            raise kit.Failed("the other job was not scraped")
        asker = queries.Asker(prometheus, began, time.time(), options.interval)
        found, problems = queries.ask_everything(asker, dashboards)
        problems += judge(found)
        problems += [f"Prometheus logged: {line}" for line in prometheus.log_problems()]
        text = (f"{report(found, dashboards, hosts, targets)}\n"
                f"{asker.asked} queries run, {len(found)} of them different; {len(hosts)} hosts, "
                f"{options.scrapes} or more scrapes of each, in {time.time() - began:.0f} s")
        if options.pictures and not problems:
            pictures.draw(asker, dashboards, next(iter(targets), "synthetic-bounded"), options.pictures)
    return problems, text


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="rcached, for the synthetic targets")
    parser.add_argument("--fixture", required=True, help="metrics-fixture")
    parser.add_argument("--target", action="append", default=[], type=kit.named_url, metavar="NAME=URL",
                        help="an additional host")
    parser.add_argument("--interval", type=int, default=1, help="seconds between scrapes")
    parser.add_argument("--scrapes", type=int, default=20, help="scrapes of each target before the queries")
    parser.add_argument("--pictures", type=pathlib.Path, metavar="DIR", help="draw the dashboards into this folder")
    options = parser.parse_args()
    kit.needs("prometheus")
    return options


if __name__ == "__main__":
    arguments = parse_arguments()
    kit.check(lambda folder: run(arguments, folder))
