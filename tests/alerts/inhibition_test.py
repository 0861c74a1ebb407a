#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The example's routes in a real Alertmanager: alerts are posted to it, and what one of them makes needless does not
arrive, while the same alert of another host or domain does."""
import argparse
import json
import pathlib
import shutil
import sys
import tempfile
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/prometheus"))
# pylint: disable=wrong-import-position
from receivers import Alertmanager, Webhooks
from servers import wait_for

ALERTMANAGER = "prometheus-alertmanager"


def alert(name, severity, instance, **labels):
    return {"labels": {"alertname": name, "severity": severity, "job": "rcached", "instance": instance, **labels}}


# What is posted; what must arrive, and what is inhibited by another one.
ARRIVE = [alert("RcachedDown", "warning", "down"), alert("IovaSizeMismatch", "warning", "up", domain="4"),
          alert("IovaDepotSaturated", "warning", "full", domain="4", order="0"),
          alert("IovaDepotFull", "info", "full", domain="4", order="1"),
          alert("IovaAllocationFailing", "critical", "gone", domain="4"),
          alert("Iova32BitSpaceNearlyGone", "warning", "gone", domain="5"),
          alert("RcachedEventsLostHeavily", "critical", "lossy"), alert("RcachedDomainLossy", "warning", "up", domain="4"),
          alert("NodeDown", "warning", "down")]
INHIBITED = [alert("IovaSizeMismatch", "warning", "down", domain="4"), alert("RcachedEventsLost", "warning", "down"),
             alert("IovaDepotFull", "info", "full", domain="4", order="0"),
             alert("IovaDepotFilling", "info", "full", domain="4", order="0"),
             alert("Iova32BitSpaceNearlyGone", "warning", "gone", domain="4"),
             alert("RcachedEventsLost", "warning", "lossy"), alert("RcachedDomainLossy", "warning", "lossy", domain="4")]
# Posted after all of them, with the longest wait: when it has arrived, whatever was to be sent has been.
LAST = alert("IovaStrandedCache", "info", "last", domain="4", order="0")
RECEIVERS = {"critical": "pager", "warning": "tickets", "info": "notes"}


def post(address, alerts):
    request = urllib.request.Request(f"http://{address}/api/v2/alerts", json.dumps(alerts).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10):
        pass


class Inhibition(unittest.TestCase):
    def test_what_is_needless_does_not_arrive(self):
        with tempfile.TemporaryDirectory() as directory, Webhooks() as webhooks, \
                Alertmanager(ALERTMANAGER, directory, ROOT / "dashboards/prometheus/alertmanager.yaml",
                             webhooks) as alertmanager:
            alertmanager.wait_for(alertmanager.ready, 60, "it is not ready")
            # In one request: whatever has been taken is known when the first group is sent, half a second later.
            post(alertmanager.address, ARRIVE + INHIBITED)
            post(alertmanager.address, [LAST])
            wait_for(lambda: all(webhooks.firing(**one["labels"]) for one in [*ARRIVE, LAST]), 60,
                     "not all have arrived")
            for one in ARRIVE:
                got = [each["receiver"] for each in webhooks.firing(**one["labels"])]
                self.assertEqual(got, [RECEIVERS[one["labels"]["severity"]]], one)
            for one in INHIBITED:
                self.assertEqual(webhooks.firing(**one["labels"]), [], one)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--alertmanager", default=shutil.which(ALERTMANAGER))
    options, rest = parser.parse_known_args()
    ALERTMANAGER = options.alertmanager
    unittest.main(argv=sys.argv[:1] + rest)
