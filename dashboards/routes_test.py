#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The example configuration of Alertmanager: amtool accepts it, and every alert is routed by its severity."""
import pathlib
import re
import subprocess
import unittest

PROMETHEUS = pathlib.Path(__file__).resolve().parent / "prometheus"
CONFIG = PROMETHEUS / "alertmanager.yaml"
RECEIVERS = {"critical": "pager", "warning": "tickets", "info": "notes"}


def amtool(*words):
    return subprocess.run(["amtool", *words], capture_output=True, text=True, check=False)


class Routes(unittest.TestCase):
    def test_the_example_is_valid(self):
        checked = amtool("check-config", str(CONFIG))
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        self.assertIn("3 receivers", checked.stdout)

    def test_each_alert_is_routed_by_its_severity(self):
        alerts = re.findall(r"- alert: (\w+)\n.*?severity: (\w+)", (PROMETHEUS / "alerts.yaml").read_text(), re.S)
        self.assertEqual({severity for _, severity in alerts}, set(RECEIVERS))
        for name, severity in alerts:
            tested = amtool("config", "routes", "test", f"--config.file={CONFIG}",
                          f"--verify.receivers={RECEIVERS[severity]}", f"alertname={name}", f"severity={severity}",
                          "job=rcached", "instance=a")
            self.assertEqual(tested.returncode, 0, f"{name}: {tested.stdout}{tested.stderr}")

    def test_only_existing_alerts_are_named(self):
        alerts = set(re.findall(r"- alert: (\w+)", (PROMETHEUS / "alerts.yaml").read_text()))
        named = set(re.findall(r"\b(?:Iova|Rcached)\w+", CONFIG.read_text()))
        self.assertGreater(len(named), 6)
        self.assertLessEqual(named, alerts)


if __name__ == "__main__":
    unittest.main()
