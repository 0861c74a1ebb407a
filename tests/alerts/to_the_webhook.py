#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""From a kernel to a webhook: lab guests under the load of tests/lab/guest/alertload.sh, a real Prometheus with
rules.yaml and alerts.yaml, a real Alertmanager with the routes of alertmanager.yaml, all 60 times faster (scale.py).

    tests/run alerts     starts the guests and this program

Linux 6.1 has bounded depots: the load must raise IovaDepotSaturated and never IovaDepotReclaimChurn. On 6.12 it is the
other way round. On both, one domain leaks: only it raises IovaLeakSuspected, and none raises IovaTreeGrowthByCache.
Another has no free space below 4 GiB, so all its first attempts fail: it raises Iova32BitSpaceNearlyGone, but not
IovaAllocationFailing, which only the domain whose final attempts fail raises. A third host, which does not exist, must
raise RcachedDown."""
import argparse
import os
import pathlib
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import kit
import scale
from receivers import Alertmanager, Webhooks

DASHBOARDS = ROOT / "dashboards/prometheus"
BOUNDED, UNBOUNDED, GONE = "linux-6.1", "linux-6.12", "gone"
# (alert, host, receiver) that must arrive, and (alert, host) that must never fire. Prometheus starts to scrape five
# seconds after its start, which count as minutes here: RcachedDown may fire at first because there is no target yet.
WANTED = (("IovaDepotSaturated", BOUNDED, "tickets"), ("IovaDepotReclaimChurn", UNBOUNDED, "tickets"),
          ("IovaLeakSuspected", BOUNDED, "tickets"), ("IovaLeakSuspected", UNBOUNDED, "tickets"),
          ("Iova32BitSpaceNearlyGone", BOUNDED, "tickets"), ("Iova32BitSpaceNearlyGone", UNBOUNDED, "tickets"),
          ("IovaAllocationFailing", BOUNDED, "pager"), ("IovaAllocationFailing", UNBOUNDED, "pager"),
          ("RcachedDown", GONE, "tickets"))
NEVER = (("IovaDepotReclaimChurn", BOUNDED), ("IovaDepotSaturated", UNBOUNDED), ("IovaTreeGrowthByCache", BOUNDED),
         ("IovaTreeGrowthByCache", UNBOUNDED), ("IovaDepotFull", UNBOUNDED), ("IovaDepotFilling", UNBOUNDED),
         ("IovaSizeMismatch", BOUNDED), ("IovaSizeMismatch", UNBOUNDED))


def configuration(directory, alertmanager):
    """The configuration of Prometheus, except its targets."""
    for name in ("rules.yaml", "alerts.yaml"):
        (pathlib.Path(directory) / name).write_text(scale.rules((DASHBOARDS / name).read_text()))
    return {"rule_files": ["rules.yaml", "alerts.yaml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager.address]}]}]}}


def jobs_of(urls):
    for instance, url in urls.items():
        yield {"name": instance, "address": urllib.parse.urlsplit(url).netloc, "path": "/metrics",
               "labels": {"job": "rcached", "instance": instance}}


def check_notification(one):
    """A notification must have readable texts and a valid runbook."""
    problems, alert = [], one["alert"]
    name, texts = alert["labels"]["alertname"], alert["annotations"]
    for key in ("summary", "description", "runbook_url"):
        text = texts.get(key, "")
        if not text or "{{" in text or "<no value>" in text or "error" in text:
            problems.append(f"{name}: its {key} is {text!r}")
    if not any(letter.isdigit() for letter in texts["description"]):
        problems.append(f"{name}: no number in {texts['description']!r}")
    if texts["runbook_url"] != f"/usr/share/doc/rcached/runbooks/{name}.md":
        problems.append(f"{name}: its runbook is {texts['runbook_url']!r}")
    if set(one["group"]) != {"alertname", "job", "instance"} & set(alert["labels"]):
        problems.append(f"{name}: grouped by {sorted(one['group'])}")
    return problems


def check_domains(prometheus, webhooks):
    """Each of a guest's four domains must have raised its own alert and no other."""
    problems = []
    for instance, depot in ((BOUNDED, "IovaDepotSaturated"), (UNBOUNDED, "IovaDepotReclaimChurn")):
        domains = {name: sorted({one["alert"]["labels"]["domain"] for one in
                                 webhooks.firing(alertname=name, instance=instance)})
                   for name in (depot, "IovaLeakSuspected", "Iova32BitSpaceNearlyGone", "IovaAllocationFailing")}
        named = sum(domains.values(), [])
        if len(named) != 4 or len(set(named)) != 4:
            problems.append(f"{instance}: not exactly one domain per alert: {domains}")
        failing = {labels["domain"] for labels, _ in prometheus.query(
            f'sum by (domain) (rate(iova_allocation_failures_total{{instance="{instance}"}}[30s])) > 0')}
        if failing != set(domains["Iova32BitSpaceNearlyGone"] + domains["IovaAllocationFailing"]):
            problems.append(f"{instance}: allocations fail in domains {sorted(failing)}, alerts are for {domains}")
    return problems


def check_never(prometheus, webhooks):
    problems = []
    for name, instance in NEVER:
        rows = prometheus.query(
            f'count_over_time(ALERTS{{alertname="{name}",instance="{instance}",alertstate="firing"}}[1h])')
        if rows or webhooks.firing(alertname=name, instance=instance):
            problems.append(f"{name} has fired for {instance}: {rows}")
    return problems


def check_growth(prometheus):
    """IovaTreeGrowthByCache never fires in its first four hours. It must not fire without that condition either, with
    all the data that it needs."""
    lines = scale.expression(scale.rules((DASHBOARDS / "alerts.yaml").read_text()), "IovaTreeGrowthByCache")
    kept = [line for line in lines if "offset 240s" not in line]
    if len(kept) != len(lines) - 1:
        raise kit.Failed(f"no condition with four hours in {lines}")
    problems = [f"the caches of {labels} are reported as growing, by {value}"
                for labels, value in prometheus.query("\n".join(kept))]
    seen = {labels["instance"] for labels, _ in prometheus.query("domain:iova_rcache_cached_ranges:min30m offset 90s")}
    if seen != {BOUNDED, UNBOUNDED}:
        problems.append(f"only {sorted(seen)} have cached ranges from 90 s ago")
    return problems


def all_arrived(webhooks):
    return all(any(one["receiver"] == receiver for one in webhooks.firing(alertname=name, instance=instance))
               for name, instance, receiver in WANTED)


def run(options, urls, directory):
    """(problems, verdict); prints the alerts that have arrived."""
    with Webhooks() as webhooks, Alertmanager(directory, DASHBOARDS / "alertmanager.yaml", webhooks) as alertmanager:
        alertmanager.wait_ready()
        with kit.Prometheus(directory, list(jobs_of(urls)), scale.SCRAPE,
                            more=configuration(directory, alertmanager)) as prometheus:
            prometheus.wait_ready()
            problems = []
            try:
                kit.eventually(lambda: all_arrived(webhooks), "every alert has arrived", options.limit)
                problems += check_domains(prometheus, webhooks) + check_growth(prometheus)
            except kit.Failed as failed:
                problems.append(str(failed))
            problems += check_never(prometheus, webhooks)
            for one in webhooks.arrived:
                problems += check_notification(one)
            for name, instance, receiver in WANTED:
                got = {one["receiver"] for one in webhooks.firing(alertname=name, instance=instance)}
                if got != {receiver}:
                    problems.append(f"{name} of {instance} has arrived at {sorted(got)}, not only at {receiver}")
            if problems:
                problems += [f"pending or firing: {labels}" for labels, _ in prometheus.query("ALERTS")]
            report(webhooks)
            return problems, "" if problems else (
                f"all {len(WANTED)} expected alerts have arrived; none of the {len(NEVER)} unexpected ones has fired")


def report(webhooks):
    for one in webhooks.arrived:
        labels = one["alert"]["labels"]
        where = " ".join(f"{key} {labels[key]}" for key in ("domain", "order", "reason") if key in labels)
        print(f"{one['seconds']:6.1f} s  {one['receiver']:8}{one['alert']['status']:9}{labels['alertname']} of "
              f"{labels.get('instance', '-')} {where}\n          {one['alert']['annotations'].get('description', '')}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=1200, help="seconds until all must have arrived (%(default)s)")
    options = parser.parse_args()
    kit.needs("prometheus", "prometheus-alertmanager")
    try:
        urls = {BOUNDED: os.environ["LAB_URL_6_1"], UNBOUNDED: os.environ["LAB_URL_6_12"],
                GONE: f"http://127.0.0.1:{kit.free_port()}"}
    except KeyError as missing:
        sys.exit(f"to_the_webhook.py: {missing} is not set: start this with tests/run alerts")
    kit.check(lambda directory: run(options, urls, directory))


if __name__ == "__main__":
    main()
