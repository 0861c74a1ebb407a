#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The example's inhibition rules in a real Alertmanager: an alert that another one inhibits is not sent, while the same
alert of another host or domain is."""
import json
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import kit
from receivers import Alertmanager, Webhooks


def alert(name, severity, instance, **labels):
    return {"labels": {"alertname": name, "severity": severity, "job": "rcached", "instance": instance, **labels}}


# Posted alerts: those that must arrive, and those that another one inhibits.
ARRIVE = [alert("RcachedDown", "warning", "down"), alert("IovaSizeMismatch", "warning", "up", domain="4"),
          alert("IovaDepotSaturated", "warning", "full", domain="4", order="0"),
          alert("IovaDepotFull", "info", "full", domain="4", order="1"),
          alert("IovaAllocationFailing", "critical", "gone", domain="4"),
          alert("Iova32BitSpaceNearlyGone", "warning", "gone", domain="5"),
          alert("RcachedEventsLostHeavily", "critical", "lossy"),
          alert("RcachedProbesSilent", "critical", "silent", reason="ftrace-disabled"),
          alert("RcachedDomainLossy", "warning", "up", domain="4"),
          alert("NodeDown", "warning", "down")]
INHIBITED = [alert("IovaSizeMismatch", "warning", "down", domain="4"), alert("RcachedEventsLost", "warning", "down"),
             alert("IovaDepotFull", "info", "full", domain="4", order="0"),
             alert("IovaDepotFilling", "info", "full", domain="4", order="0"),
             alert("Iova32BitSpaceNearlyGone", "warning", "gone", domain="4"),
             alert("RcachedEventsLost", "warning", "lossy"),
             alert("RcachedDomainLossy", "warning", "lossy", domain="4"),
             alert("RcachedDomainLossy", "warning", "silent", domain="4")]
# Posted last, with the longest group wait: once it has arrived, all others have been sent.
LAST = alert("IovaStrandedCache", "info", "last", domain="4", order="0")
RECEIVERS = {"critical": "pager", "warning": "tickets", "info": "notes"}


class Inhibition(kit.TestCase):
    def post(self, alertmanager, alerts):
        status, _, body = kit.fetch(f"{alertmanager.url}/api/v2/alerts", {"Content-Type": "application/json"},
                                    data=json.dumps(alerts).encode())
        self.assertEqual(status, 200, body)

    def test_inhibited_alerts_do_not_arrive(self):
        with Webhooks() as webhooks, \
                Alertmanager(self.folder(), ROOT / "dashboards/prometheus/alertmanager.yaml", webhooks) as alertmanager:
            alertmanager.wait_ready()
            # In one request, so that all are known when the first group is sent, half a second later.
            self.post(alertmanager, ARRIVE + INHIBITED)
            self.post(alertmanager, [LAST])
            kit.eventually(lambda: all(webhooks.firing(**one["labels"]) for one in [*ARRIVE, LAST]), "all have arrived")
            for one in ARRIVE:
                got = [each["receiver"] for each in webhooks.firing(**one["labels"])]
                self.assertEqual(got, [RECEIVERS[one["labels"]["severity"]]], one)
            for one in INHIBITED:
                self.assertEqual(webhooks.firing(**one["labels"]), [], one)


if __name__ == "__main__":
    unittest.main()
