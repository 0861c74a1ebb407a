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
    """A TCP port of 127.0.0.1 that is currently free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(url, headers=None, *, timeout=LIMIT, method=None, data=None, context=None):
    """(status, headers, body); status 0 if there is no response. No proxy is used. `context`: for TLS."""
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
        raise Failed(f"{url}: {f'status {status}' if status else 'no response'}: {body[:200]!r}")
    return json.loads(body)


class Handler(http.server.BaseHTTPRequestHandler):
    """Handles a request to serving(); subclasses define do_GET or do_POST."""

    def answer(self, status, body=b"", **headers):
        """Sends the whole response; _ in a header's name is a hyphen. A disconnected client is ignored."""
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        with contextlib.suppress(OSError):
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_):  # suppresses the library's output to the terminal
        pass


@contextlib.contextmanager
def serving(handler):
    """Runs an HTTP server in this process with the request handler class `handler`; yields "127.0.0.1:PORT"."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
