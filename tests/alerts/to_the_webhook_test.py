#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""to_the_webhook.py finds problems: every check, with data that it must reject."""
import json
import unittest

import to_the_webhook as e2e
from receivers import Webhooks

import kit  # to_the_webhook has added it to the path


def posted(name, instance, domain=None, **annotations):
    labels = {"alertname": name, "job": "rcached", "instance": instance, **({"domain": domain} if domain else {})}
    texts = {"summary": "A summary", "description": "3 of them",
             "runbook_url": f"/usr/share/doc/rcached/runbooks/{name}.md"}
    return {"groupLabels": {key: labels[key] for key in ("alertname", "job", "instance")},
            "alerts": [{"status": "firing", "labels": labels, "annotations": {**texts, **annotations}}]}


def arrival(**annotations):
    post = posted("A", "a", **annotations)
    return {"receiver": "tickets", "seconds": 1.0, "alert": post["alerts"][0], "group": post["groupLabels"]}


class FakeApi:
    """A Prometheus with fixed results for queries that contain a text."""

    def __init__(self, **answers):
        self.answers = answers

    def query(self, expression):
        return [row for part, rows in self.answers.items() if part in expression for row in rows]


FAILING = [({"domain": "x2"}, "1"), ({"domain": "x3"}, "1")]
KNOWN = [({"instance": e2e.BOUNDED}, "5"), ({"instance": e2e.UNBOUNDED}, "5")]


class Checks(unittest.TestCase):
    def setUp(self):
        self.webhooks = self.enterContext(Webhooks())

    def everything(self, leaking="x0"):
        for instance, depot in ((e2e.BOUNDED, "IovaDepotSaturated"), (e2e.UNBOUNDED, "IovaDepotReclaimChurn")):
            for name, domain in ((depot, "x1"), ("IovaLeakSuspected", leaking), ("Iova32BitSpaceNearlyGone", "x2")):
                self.webhooks.take("tickets", posted(name, instance, domain))
            self.webhooks.take("pager", posted("IovaAllocationFailing", instance, "x3"))
        self.webhooks.take("tickets", posted("RcachedDown", e2e.GONE))

    def test_no_problems(self):
        self.assertFalse(e2e.all_arrived(self.webhooks))
        self.everything()
        self.assertTrue(e2e.all_arrived(self.webhooks))
        prometheus = FakeApi(iova_allocation_failures_total=FAILING)
        self.assertEqual(e2e.check_domains(prometheus, self.webhooks) + e2e.check_never(prometheus, self.webhooks), [])
        self.assertEqual([problem for one in self.webhooks.arrived for problem in e2e.check_notification(one)], [])

    def test_a_wrong_receiver(self):
        self.everything()
        self.webhooks.arrived = [one for one in self.webhooks.arrived
                                 if one["alert"]["labels"]["alertname"] != "RcachedDown"]
        self.webhooks.take("pager", posted("RcachedDown", e2e.GONE))
        self.assertFalse(e2e.all_arrived(self.webhooks))

    def test_the_wrong_domain(self):
        self.everything(leaking="x1")
        self.assertEqual(len(e2e.check_domains(FakeApi(iova_allocation_failures_total=FAILING), self.webhooks)), 2)

    def test_no_first_attempt_has_failed(self):
        self.everything()
        self.assertEqual(len(e2e.check_domains(FakeApi(iova_allocation_failures_total=FAILING[1:]), self.webhooks)), 2)

    def test_alerts_that_must_never_fire(self):
        self.webhooks.take("tickets", posted("IovaDepotSaturated", e2e.UNBOUNDED, "x1"))
        self.assertEqual(len(e2e.check_never(FakeApi(), self.webhooks)), 1)
        self.assertEqual(len(e2e.check_never(FakeApi(ALERTS=[({}, "3")]), self.webhooks)), len(e2e.NEVER))

    def test_caches_reported_as_growing(self):
        self.assertEqual(e2e.check_growth(Growth(grown=[], known=KNOWN)), [])
        self.assertEqual(len(e2e.check_growth(Growth(grown=[({"domain": "x0"}, "1500")], known=KNOWN))), 1)
        self.assertEqual(len(e2e.check_growth(Growth(grown=[], known=KNOWN[:1]))), 1)

    def test_unreadable_notifications(self):
        for annotations in ({"summary": ""}, {"description": "<no value> of 3"}, {"description": "many"},
                            {"runbook_url": "/A.md"}):
            self.assertEqual(len(e2e.check_notification(arrival(**annotations))), 1, annotations)
        self.assertEqual(e2e.check_notification(arrival()), [])
        self.assertEqual(len(e2e.check_notification({**arrival(), "group": {"alertname": "A"}})), 1)

    def test_repeated_posts_are_counted_once(self):
        for _ in range(2):
            kit.fetch(f"http://{self.webhooks.address}/pager", data=json.dumps(posted("A", "a")).encode())
        self.assertEqual([(one["receiver"], one["alert"]["labels"]["alertname"]) for one in self.webhooks.arrived],
                         [("pager", "A")])
        self.assertEqual(self.webhooks.firing(alertname="B"), [])


class Growth:
    """Answers the alert's own expression, and the query for past data."""

    def __init__(self, grown, known):
        self.grown, self.known = grown, known

    def query(self, expression):
        return self.grown if "1000" in expression else self.known


if __name__ == "__main__":
    unittest.main()
