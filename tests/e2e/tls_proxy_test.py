#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The reverse proxy of docs/tls.md, as it stands there: its commands make the certificates, its configuration runs
nginx, its scrape configuration runs Prometheus. Only directories and ports are others.

    tls_proxy_test.py PATH-OF-RCACHED
"""
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RCACHED = "rcached"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def blocks(page, language):
    return re.findall(r"^```%s\n(.*?)^```$" % language, page, re.MULTILINE | re.DOTALL)


def eventually(condition, limit=30):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


class TlsProxyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="rcached-tls-")
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.plain, cls.tls, cls.prometheus = free_port(), free_port(), free_port()
        with open(os.path.join(ROOT, "docs", "tls.md"), encoding="utf-8") as page:
            cls.page = cls.moved(page.read())
        certificates = blocks(cls.page, "sh")[0]
        made = subprocess.run(["bash", "-eu", "-c", certificates], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise AssertionError("the page's commands fail: " + made.stderr)
        cls.start_rcached()
        cls.start_nginx()

    @classmethod
    def moved(cls, text):
        return (text.replace("/etc/rcached/tls", os.path.join(cls.directory, "tls"))
                .replace("127.0.0.1:9731", "127.0.0.1:%d" % cls.plain)
                .replace("9732", str(cls.tls)))

    @classmethod
    def start(cls, argv):
        log = open(os.path.join(cls.directory, os.path.basename(argv[0]) + ".log"), "w", encoding="utf-8")
        process = subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT)
        log.close()

        def end():
            process.send_signal(signal.SIGTERM)
            process.wait(20)
        cls.addClassCleanup(end)

    @classmethod
    def log(cls, name):
        with open(os.path.join(cls.directory, name + ".log"), encoding="utf-8") as log:
            return log.read()

    @classmethod
    def start_rcached(cls):
        config = os.path.join(cls.directory, "rcached.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("source: synthetic\nhttp:\n  listen: 127.0.0.1:%d\nrun_directory: %s\n"
                       % (cls.plain, os.path.join(cls.directory, "run")))
        cls.start([RCACHED, "run", "--config", config])
        if not eventually(lambda: cls.reachable(cls.plain)):
            raise AssertionError(cls.log("rcached"))

    @classmethod
    def start_nginx(cls):
        # What Debian's nginx.conf has around conf.d, as a user of its own and in a directory of its own.
        own = "\n".join("%s_temp_path %s/%s;" % (kind, cls.directory, kind)
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        path = os.path.join(cls.directory, "nginx.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write("daemon off; worker_processes 1; pid %s/nginx.pid; error_log stderr;\n"
                       "events { worker_connections 64; }\n"
                       "http { access_log off;\n%s\n%s}\n" % (cls.directory, own, blocks(cls.page, "nginx")[0]))
        # The workers run as nobody and must reach their temporary files.
        os.chmod(cls.directory, 0o755)
        cls.start(["nginx", "-c", path, "-e", "stderr"])
        if not eventually(lambda: cls.reachable(cls.tls)):
            raise AssertionError(cls.log("nginx"))

    @staticmethod
    def reachable(port):
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
            return True
        except OSError:
            return False

    def file(self, name):
        return os.path.join(self.directory, "tls", name)

    def ask(self, path="/metrics", certificate=None, method="GET", version=None):
        """Status and body over TLS, by the name that the server's certificate has."""
        context = ssl.create_default_context(cafile=self.file("ca.crt"))
        if certificate:
            context.load_cert_chain(self.file(certificate + ".crt"), self.file(certificate + ".key"))
        if version:
            context.maximum_version = version
        request = urllib.request.Request("https://localhost:%d%s" % (self.tls, path), method=method)
        try:
            with urllib.request.urlopen(request, context=context, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def test_a_client_certificate_lets_in(self):
        status, body = self.ask(certificate="prometheus")
        self.assertEqual(status, 200)
        self.assertIn("iova_tree_ranges", body)
        self.assertEqual(self.ask("/-/healthy", "prometheus", version=ssl.TLSVersion.TLSv1_2),
                         (200, "rcached is healthy\n"))

    def test_none_does_not(self):
        status, body = self.ask()
        self.assertEqual(status, 400)
        self.assertNotIn("iova_", body)

    def test_one_of_another_ca_does_not(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "2", "-subj", "/CN=prometheus", "-keyout", self.file("other.key"), "-out",
                        self.file("other.crt")], check=True, capture_output=True)
        status, body = self.ask(certificate="other")
        self.assertEqual(status, 400)
        self.assertNotIn("iova_", body)

    def test_plain_http_does_not(self):
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen("http://localhost:%d/metrics" % self.tls, timeout=10)
        self.assertEqual(refused.exception.code, 400)
        refused.exception.close()

    def test_other_methods_do_not(self):
        self.assertEqual(self.ask(certificate="prometheus", method="POST")[0], 403)

    def test_the_commands_for_looking_do_what_they_say(self):
        commands = blocks(self.page, "sh")[1]
        done = subprocess.run(["bash", "-eu", "-c", commands], capture_output=True, text=True, check=False)
        self.assertTrue(done.stdout.startswith("rcached is healthy\n"), done.stdout + done.stderr)
        self.assertIn("No required SSL certificate was sent", done.stdout)

    def test_prometheus_scrapes_by_the_pages_configuration(self):
        scrape = next(block for block in blocks(self.page, "yaml") if "scrape_configs" in block)
        config = os.path.join(self.directory, "prometheus.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n" + scrape)
        subprocess.run(["promtool", "check", "config", config], check=True, capture_output=True)
        self.start(["prometheus", "--config.file=" + config, "--web.listen-address=127.0.0.1:%d" % self.prometheus,
                    "--storage.tsdb.path=" + os.path.join(self.directory, "tsdb")])

        def health():
            try:
                with urllib.request.urlopen("http://127.0.0.1:%d/api/v1/targets" % self.prometheus, timeout=5) as answer:
                    targets = json.load(answer)["data"]["activeTargets"]
                return targets[0]["health"] if targets else "none"
            except OSError:
                return "none"
        self.assertTrue(eventually(lambda: health() == "up"), health() + self.log("prometheus"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        RCACHED = os.path.abspath(sys.argv.pop(1))
    unittest.main()
