# SPDX-License-Identifier: Apache-2.0
"""Where alerts arrive: a real Alertmanager with the example's routes, and the webhooks that those routes name."""
import http.server
import json
import pathlib
import re
import threading
import time

import scale
from servers import Program, fetch, free_port


class Webhooks:
    """Takes what Alertmanager posts; remembers each alert once for each receiver, as it was when it came first."""

    def __init__(self):
        self.arrived = []  # dicts: receiver, seconds, alert (as posted), group (its labels)
        self.begin = time.monotonic()
        self._known = set()
        self._lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802 (the library's name)
                posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.take(self.path.lstrip("/"), posted)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, receiver, posted):
        with self._lock:
            for alert in posted["alerts"]:
                key = (receiver, alert["status"], tuple(sorted(alert["labels"].items())))
                if key not in self._known:
                    self._known.add(key)
                    self.arrived.append({"receiver": receiver, "seconds": time.monotonic() - self.begin, "alert": alert,
                                         "group": posted["groupLabels"]})

    def firing(self, **labels):
        """What has arrived as firing, with these labels."""
        with self._lock:
            return [one for one in self.arrived if one["alert"]["status"] == "firing"
                    and all(one["alert"]["labels"].get(name) == value for name, value in labels.items())]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Alertmanager(Program):
    """The example's configuration on a faster clock, its placeholders of receivers replaced by `webhooks`."""

    def __init__(self, binary, directory, example, webhooks):
        directory = pathlib.Path(directory)
        text, replaced = re.subn(r"http://127\.0\.0\.1:9095/", f"http://{webhooks.address}/", example.read_text())
        assert replaced == 3, f"{example} names {replaced} receivers"
        (directory / "alertmanager.yml").write_text(scale.routes(text))
        self.address = f"127.0.0.1:{free_port()}"
        super().__init__("alertmanager", [binary, f"--config.file={directory}/alertmanager.yml",
                                          f"--storage.path={directory}/alertmanager", "--cluster.listen-address=",
                                          f"--web.listen-address={self.address}"], directory)

    def ready(self):
        return fetch(f"http://{self.address}/-/ready")[0] == 200
