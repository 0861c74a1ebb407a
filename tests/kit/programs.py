# SPDX-License-Identifier: Apache-2.0
"""Child processes of a test, stopped when it ends."""
import json
import pathlib
import signal
import subprocess
import urllib.parse

from kit.waiting import LIMIT, Failed, eventually
from kit.web import fetch, free_port


class Program:
    """A child process with its output in DIRECTORY/NAME.log; stopped at the end of the `with` block."""

    def __init__(self, name, argv, directory):
        self.name = name
        self.log = pathlib.Path(directory) / f"{name}.log"
        try:
            with self.log.open("wb") as file:
                self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=file, stderr=file)
        except OSError as error:
            raise Failed(f"cannot start {argv[0]}: {error.strerror}") from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Stops it as a service manager does; fails if it does not exit."""
        self.process.stdin.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise Failed(f"{self.name} does not exit on SIGTERM: {self.output()[-2000:]}") from None

    def output(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, condition, what, limit=LIMIT):
        """Like eventually(), but fails at once if the program exits."""
        def alive_and():
            if self.process.poll() is not None:
                raise Failed(f"{self.name} has exited: {self.output()[-2000:]}")
            return condition()
        return eventually(alive_and, f"{self.name}: {what}", limit, lambda: f"its output: {self.output()[-2000:]}")


class Server(Program):
    """A program that serves HTTP at self.url and is ready when `ready_path` returns 200."""

    def __init__(self, name, argv, directory, address, ready_path="/-/ready"):
        self.address = address
        self.url = f"http://{address}"
        self._ready_path = ready_path
        super().__init__(name, argv, directory)

    def wait_ready(self):
        """Returns self, for use in `with`."""
        self.wait_for(lambda: fetch(self.url + self._ready_path)[0] == 200, "it is ready")
        return self


class Rcached(Server):
    """A daemon with a simulated allocator; `config` is YAML without run_directory. Its files are in DIRECTORY/NAME."""

    def __init__(self, binary, directory, config="", *, name="rcached", port=None):
        self.directory = pathlib.Path(directory) / name
        self.directory.mkdir(exist_ok=True)
        self.config = self.directory / "rcached.yaml"
        address = f"127.0.0.1:{port or free_port()}"
        self.config.write_text(f"run_directory: {self.directory}\n{config}")
        super().__init__(name, [binary, "run", "--source", "synthetic", "--listen", address, "--config",
                                str(self.config)], directory, address)


class Prometheus(Server):
    """A Prometheus server on loopback with its own data directory."""

    def __init__(self, directory, jobs, interval, rules=(), arguments=(), more=None):
        """`jobs`: dicts of name, address, path and labels; those with the same name are targets of one job. `rules`:
        files; `more`: further sections of the configuration, such as alerting."""
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
        address = f"127.0.0.1:{free_port()}"
        super().__init__("prometheus", ["prometheus", f"--config.file={directory}/prometheus.yml",
                                        f"--storage.tsdb.path={directory}/data", f"--web.listen-address={address}",
                                        *arguments], directory, address)

    def api(self, path, **parameters):
        status, _, body = fetch(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        answer = json.loads(body) if body else {}
        if status != 200 or answer.get("status") != "success":
            raise Failed(f"Prometheus rejects {path} {parameters}: {status} {answer.get('error', '')}")
        return answer["data"]

    def query(self, expression):
        """[(labels, value)] of an instant query; for a range selector, the value is a list of values."""
        found = []
        for row in self.api("query", query=expression)["result"]:
            value = row["value"][1] if "value" in row else [point[1] for point in row["values"]]
            found.append((row["metric"], value))
        return found

    def wait_for_scrapes(self, selector, targets, scrapes):
        """Waits until `targets` targets have at least `scrapes` samples of `selector` each."""
        def enough():
            rows = self.query(f"count_over_time({selector}[1h])")
            return len(rows) == targets and all(int(value) >= scrapes for _, value in rows)
        self.wait_for(enough, f"{scrapes} scrapes of each of {targets} targets")

    def targets(self):
        return self.api("targets", state="active")["activeTargets"]

    def own_counters(self, prefix):
        """Its own metrics whose names begin with `prefix`: the sum of the series of each name."""
        counters = {}
        for line in fetch(f"{self.url}/metrics")[2].decode().splitlines():
            if line.startswith(prefix):
                name = line.partition("{")[0].partition(" ")[0]
                counters[name] = counters.get(name, 0.0) + float(line.rpartition(" ")[2])
        return counters

    def log_problems(self):
        """Warnings and errors in its log, except one that occurs on a busy machine: a rule group whose timer fires
        slightly early is evaluated twice for one timestamp."""
        twice = ('component="rule manager"', "with different value but same timestamp")
        return [line for line in self.output().splitlines()
                if ("level=warn" in line or "level=error" in line) and not all(part in line for part in twice)]
