# SPDX-License-Identifier: Apache-2.0
"""What tests/prometheus/scrape.py starts: programs that end with it, a real Prometheus, and a proxy that makes
Prometheus take the text format, for which it never asks first."""
import contextlib
import http.client
import http.server
import json
import pathlib
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

TEXT_ACCEPT = "text/plain;version=0.0.4"


class Failed(Exception):
    """The test cannot go on."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, seconds, what):
    """Waits until `condition` is true; it may say by Failed that it never will be."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= end:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(0.05)


def fetch(url, headers=None, timeout=10, method="GET"):
    """(status, headers, body); status 0 when nobody answers."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}, method=method),
                                    timeout=timeout) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()
    except (OSError, http.client.HTTPException):
        return 0, {}, b""


class Program:
    """A child process with its output in a file; ended with the `with` block."""

    def __init__(self, name, argv, directory):
        self.name = name
        self.log = pathlib.Path(directory) / f"{name}.log"
        self.file = self.log.open("wb")
        try:
            self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=self.file, stderr=self.file)
        except OSError as error:
            raise Failed(f"cannot start {argv[0]}: {error.strerror}") from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.file.close()

    def output(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, condition, seconds, what):
        def alive_and():
            if self.process.poll() is not None:
                raise Failed(f"{self.name} has ended: {self.output()[-2000:]}")
            return condition()
        try:
            wait_for(alive_and, seconds, f"{self.name}: {what}")
        except Failed as failed:
            raise Failed(f"{failed}; it said: {self.output()[-2000:]}") from None


class Proxy:
    """Passes GET /TARGET on to the target's URL with an Accept header of its own; remembers what went through."""

    def __init__(self):
        self.urls = {}
        self.prometheus_accept = None  # as Prometheus sent it
        self.content_types = {}  # by target, those of answers with status 200
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802 (the library's name)
                target = self.path.lstrip("/")
                outer.prometheus_accept = self.headers.get("Accept", "")
                headers = {"Accept": TEXT_ACCEPT}
                if "Accept-Encoding" in self.headers:
                    headers["Accept-Encoding"] = self.headers["Accept-Encoding"]
                status, answered, body = fetch(outer.urls[target], headers)
                if status == 200:
                    outer.content_types.setdefault(target, set()).add(answered.get("Content-Type", ""))
                self.send_response(status or 502)
                for name in ("Content-Type", "Content-Encoding"):
                    if name in answered:
                        self.send_header(name, answered[name])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Prometheus(Program):
    """A Prometheus on loopback with data of its own."""

    def __init__(self, binary, directory, jobs, interval, rules=(), arguments=(), more=None):
        """`jobs`: dicts of name, address, path and labels; those of one name are targets of one job. `rules`: files;
        `more`: what else its configuration holds, alerting for one."""
        directory = pathlib.Path(directory)
        scrapes = {}
        for job in jobs:
            scrape = scrapes.setdefault(job["name"], {"job_name": job["name"], "metrics_path": job["path"],
                                                      "static_configs": []})
            scrape["static_configs"].append({"targets": [job["address"]], "labels": job["labels"]})
        config = {"global": {"scrape_interval": f"{interval}s", "scrape_timeout": f"{interval}s",
                             "evaluation_interval": f"{interval}s"},
                  "rule_files": [str(path) for path in rules], "scrape_configs": list(scrapes.values()), **(more or {})}
        (directory / "prometheus.yml").write_text(json.dumps(config, indent=1))  # JSON is YAML
        self.url = f"http://127.0.0.1:{free_port()}"
        super().__init__("prometheus", [binary, f"--config.file={directory}/prometheus.yml",
                                        f"--storage.tsdb.path={directory}/data",
                                        f"--web.listen-address={self.url.removeprefix('http://')}", *arguments],
                         directory)

    def ready(self):
        return fetch(f"{self.url}/-/ready")[0] == 200

    def api(self, path, **parameters):
        status, _, body = fetch(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        answer = json.loads(body) if body else {}
        if status != 200 or answer.get("status") != "success":
            raise Failed(f"Prometheus refuses {path} {parameters}: {status} {answer.get('error', '')}")
        return answer["data"]

    def query(self, expression):
        """[(labels, value)] of an instant query; of a range selector the value is a list of values."""
        found = []
        for row in self.api("query", query=expression)["result"]:
            value = row["value"][1] if "value" in row else [point[1] for point in row["values"]]
            found.append((row["metric"], value))
        return found

    def targets(self):
        return self.api("targets", state="active")["activeTargets"]

    def own_counters(self, prefix):
        """Its own metrics whose names begin with `prefix`, those of one name added up."""
        counters = {}
        for line in fetch(f"{self.url}/metrics")[2].decode().splitlines():
            if line.startswith(prefix):
                name = line.partition("{")[0].partition(" ")[0]
                counters[name] = counters.get(name, 0.0) + float(line.rpartition(" ")[2])
        return counters

    def complaints(self):
        """Lines of its log that are no everyday matter."""
        return [line for line in self.output().splitlines() if "level=warn" in line or "level=error" in line]
