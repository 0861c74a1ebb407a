# SPDX-License-Identifier: Apache-2.0
"""HTTP on loopback, as a client and as a server."""
import contextlib
import http.client
import http.server
import json
import socket
import threading
import urllib.error
import urllib.request

from kit.waiting import LIMIT, Failed


def free_port():
    """A TCP port of 127.0.0.1 that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(url, headers=None, *, timeout=LIMIT, method=None, data=None, context=None):
    """(status, headers, body); status 0 when there is no answer. No proxy is used. `context`: of TLS."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    request = urllib.request.Request(url, data, headers or {}, method=method)
    try:
        with opener.open(request, timeout=timeout) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()
    except (OSError, http.client.HTTPException):
        return 0, {}, b""


def fetch_json(url, headers=None):
    """The document at `url`."""
    status, _, body = fetch(url, headers)
    if status != 200:
        raise Failed(f"{url} answers {status or 'nothing'}: {body[:200]!r}")
    return json.loads(body)


class Handler(http.server.BaseHTTPRequestHandler):
    """A request to serving(); subclasses have do_GET or do_POST."""

    def answer(self, status, body=b"", **headers):
        """The whole answer; _ in a header's name is a hyphen. A client that has gone is no failure."""
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        with contextlib.suppress(OSError):
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_):  # the library's own would go to the terminal
        pass


@contextlib.contextmanager
def serving(handler):
    """An HTTP server of this process with requests handled by the class `handler`; its "127.0.0.1:PORT"."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
