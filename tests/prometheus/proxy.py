# SPDX-License-Identifier: Apache-2.0
"""A proxy that makes Prometheus scrape the text format, although it prefers OpenMetrics."""
import contextlib

import kit

TEXT_ACCEPT = "text/plain;version=0.0.4"


class Proxy(contextlib.ExitStack):
    """Forwards GET /TARGET to the target's URL with its own Accept header; records the headers."""

    def __init__(self):
        super().__init__()
        self.urls = {}
        self.prometheus_accept = None  # as Prometheus sent it
        self.content_types = {}  # by target, of responses with status 200
        outer = self

        class Handler(kit.Handler):
            def do_GET(self):
                target = self.path.lstrip("/")
                outer.prometheus_accept = self.headers.get("Accept", "")
                headers = {"Accept": TEXT_ACCEPT}
                if "Accept-Encoding" in self.headers:
                    headers["Accept-Encoding"] = self.headers["Accept-Encoding"]
                status, answered, body = kit.fetch(outer.urls[target], headers)
                if status == 200:
                    outer.content_types.setdefault(target, set()).add(answered.get("Content-Type", ""))
                self.answer(status or 502, body, **{name.replace("-", "_"): answered[name] for name
                                                    in ("Content-Type", "Content-Encoding") if name in answered})

        self.address = self.enter_context(kit.serving(Handler))
