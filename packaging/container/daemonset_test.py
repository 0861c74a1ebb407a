#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks daemonset.yaml against the types of the Kubernetes API, and its configuration with rcached.

The models of the Python client are generated from the API's OpenAPI document. A document that passes through them must
come out unchanged, so unknown fields, wrong types and missing required fields are found."""
import copy
import json
import pathlib
import subprocess
import sys

import kubernetes.client
import yaml

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests"))
import kit

TYPES = {("v1", "ConfigMap"): "V1ConfigMap", ("apps/v1", "DaemonSet"): "V1DaemonSet"}


class Response:
    """A response as the client expects it: a JSON body."""

    def __init__(self, document):
        self.data = json.dumps(document)


def round_trip(document):
    client = kubernetes.client.ApiClient()
    model = client.deserialize(Response(document), TYPES[document["apiVersion"], document["kind"]])
    return client.sanitize_for_serialization(model)


def documents():
    return list(yaml.safe_load_all((HERE / "daemonset.yaml").read_text()))


class DaemonSet(kit.TestCase):
    def test_matches_the_api(self):
        kinds = []
        for document in documents():
            self.assertEqual(round_trip(document), document)
            kinds.append(document["kind"])
        self.assertEqual(kinds, ["ConfigMap", "DaemonSet"])

    def test_mismatches_are_found(self):
        container = ("spec", "template", "spec", "containers", 0)
        damages = [(container, "imagePullPolice", "Always"), (container, "name", None),
                   (("spec",), "selector", None), (("spec", "template", "spec"), "tolerate", [])]
        for place, key, value in damages:
            damaged = copy.deepcopy(documents()[1])
            inner = damaged
            for step in place:
                inner = inner[step]
            if value is None:
                del inner[key]
            else:
                inner[key] = value
            try:
                self.assertNotEqual(round_trip(damaged), damaged, key)
            except ValueError:
                pass  # the model itself rejects it

    def test_selects_its_own_pods(self):
        spec = documents()[1]["spec"]
        self.assertEqual(spec["selector"]["matchLabels"], spec["template"]["metadata"]["labels"])

    def test_requests_the_capabilities_of_the_unit(self):
        container = documents()[1]["spec"]["template"]["spec"]["containers"][0]
        unit = (HERE.parents[1] / "config/rcached.service").read_text()
        granted = next(line for line in unit.splitlines() if line.startswith("CapabilityBoundingSet="))
        self.assertEqual(sorted("CAP_" + name for name in container["securityContext"]["capabilities"]["add"]),
                         sorted(granted.partition("=")[2].split()))

    def test_its_configuration_is_valid(self):
        config = self.folder() / "rcached.yaml"
        config.write_text(documents()[0]["data"]["rcached.yaml"])
        checked = subprocess.run([kit.PROGRAMS["rcached"], "--check-config", str(config)], capture_output=True,
                                 text=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stderr)


if __name__ == "__main__":
    kit.run_tests("rcached")
