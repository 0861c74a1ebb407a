# SPDX-License-Identifier: Apache-2.0
"""A real Alertmanager with the example's routes, and the webhooks in those routes."""
import contextlib
import json
import pathlib
import re
import threading
import time

import kit
import scale


class Webhooks(contextlib.ExitStack):
    """Receives what Alertmanager posts; keeps the first notification of each alert for each receiver."""

    def __init__(self):
        super().__init__()
        self.arrived = []  # dicts: receiver, seconds, alert (as posted), group (its labels)
        self.begin = time.monotonic()
        self._known = set()
        self._lock = threading.Lock()
        outer = self

        class Handler(kit.Handler):
            def do_POST(self):
                posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.take(self.path.lstrip("/"), posted)
                self.answer(200)

        self.address = self.enter_context(kit.serving(Handler))

    def take(self, receiver, posted):
        with self._lock:
            for alert in posted["alerts"]:
                key = (receiver, alert["status"], tuple(sorted(alert["labels"].items())))
                if key not in self._known:
                    self._known.add(key)
                    self.arrived.append({"receiver": receiver, "seconds": time.monotonic() - self.begin, "alert": alert,
                                         "group": posted["groupLabels"]})

    def firing(self, **labels):
        """Alerts with these labels that have arrived as firing."""
        with self._lock:
            return [one for one in self.arrived if one["alert"]["status"] == "firing"
                    and all(one["alert"]["labels"].get(name) == value for name, value in labels.items())]


class Alertmanager(kit.Server):
    """The example's configuration with scaled durations, its placeholder receivers replaced by `webhooks`."""

    def __init__(self, directory, example, webhooks):
        directory = pathlib.Path(directory)
        text, replaced = re.subn(r"http://127\.0\.0\.1:9095/", f"http://{webhooks.address}/", example.read_text())
        assert replaced == 3, f"{example} has {replaced} receivers"
        (directory / "alertmanager.yml").write_text(scale.routes(text))
        address = f"127.0.0.1:{kit.free_port()}"
        super().__init__("alertmanager", ["prometheus-alertmanager", f"--config.file={directory}/alertmanager.yml",
                                          f"--storage.path={directory}/alertmanager", "--cluster.listen-address=",
                                          f"--web.listen-address={address}"], directory, address)
