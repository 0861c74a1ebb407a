#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The reverse proxy of docs/tls.md, exactly as documented: its commands create the certificates, and nginx and
Prometheus run with its configurations. Only directories and ports are changed.

    tls_proxy_test.py --rcached RCACHED
"""
import pathlib
import re
import socket
import ssl
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import kit


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def reachable(port):
    try:
        socket.create_connection(("127.0.0.1", port), kit.LIMIT).close()
        return True
    except OSError:
        return False


class TlsProxyTest(kit.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = cls.class_folder()
        cls.daemon = cls.enterClassContext(kit.Rcached(kit.PROGRAMS["rcached"], cls.directory)).wait_ready()
        cls.tls = kit.free_port()
        cls.page = ((ROOT / "docs/tls.md").read_text().replace("/etc/rcached/tls", str(cls.directory / "tls"))
                    .replace("127.0.0.1:9731", cls.daemon.address).replace("9732", str(cls.tls)))
        certificates = blocks(cls.page, "sh")[0]
        made = subprocess.run(["bash", "-eu", "-c", certificates], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise kit.Failed("the commands in docs/tls.md fail: " + made.stderr)
        cls.start_nginx()

    @classmethod
    def start_nginx(cls):
        # The parts of Debian's nginx.conf around conf.d, in a separate directory.
        own = "\n".join(f"{kind}_temp_path {cls.directory}/{kind};"
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        path = cls.directory / "nginx.conf"
        path.write_text(f"daemon off; worker_processes 1; pid {cls.directory}/nginx.pid; error_log stderr;\n"
                        "events { worker_connections 64; }\n"
                        f"http {{ access_log off;\n{own}\n{blocks(cls.page, 'nginx')[0]}}}\n")
        # The workers run as user nobody and need access to their temporary files.
        cls.directory.chmod(0o755)
        nginx = cls.enterClassContext(kit.Program("nginx", ["nginx", "-c", str(path), "-e", "stderr"], cls.directory))
        nginx.wait_for(lambda: reachable(cls.tls), "it serves TLS")

    def file(self, name):
        return str(self.directory / "tls" / name)

    def request(self, path="/metrics", certificate=None, method="GET", version=None):
        """Status and body over TLS, with the host name of the server's certificate."""
        context = ssl.create_default_context(cafile=self.file("ca.crt"))
        if certificate:
            context.load_cert_chain(self.file(certificate + ".crt"), self.file(certificate + ".key"))
        if version:
            context.maximum_version = version
        status, _, body = kit.fetch(f"https://localhost:{self.tls}{path}", method=method, context=context)
        return status, body.decode()

    def test_accepts_the_client_certificate(self):
        status, body = self.request(certificate="prometheus")
        self.assertEqual(status, 200)
        self.assertIn("iova_tree_ranges", body)
        self.assertEqual(self.request("/-/healthy", "prometheus", version=ssl.TLSVersion.TLSv1_2),
                         (200, "rcached is healthy\n"))

    def test_rejects_no_certificate(self):
        status, body = self.request()
        self.assertEqual(status, 400)
        self.assertNotIn("iova_", body)

    def test_rejects_a_certificate_of_another_ca(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "2", "-subj", "/CN=prometheus", "-keyout", self.file("other.key"), "-out",
                        self.file("other.crt")], check=True, capture_output=True)
        status, body = self.request(certificate="other")
        self.assertEqual(status, 400)
        self.assertNotIn("iova_", body)

    def test_rejects_plain_http(self):
        self.assertEqual(kit.fetch(f"http://localhost:{self.tls}/metrics")[0], 400)

    def test_rejects_other_methods(self):
        self.assertEqual(self.request(certificate="prometheus", method="POST")[0], 403)

    def test_the_commands_for_checking_work(self):
        commands = blocks(self.page, "sh")[1]
        done = subprocess.run(["bash", "-eu", "-c", commands], capture_output=True, text=True, check=False)
        self.assertTrue(done.stdout.startswith("rcached is healthy\n"), done.stdout + done.stderr)
        self.assertIn("No required SSL certificate was sent", done.stdout)

    def test_the_scrape_configuration_works(self):
        scrape = next(block for block in blocks(self.page, "yaml") if "scrape_configs" in block)
        config = self.directory / "prometheus.yaml"
        config.write_text("global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n" + scrape)
        subprocess.run(["promtool", "check", "config", config], check=True, capture_output=True)
        address = f"127.0.0.1:{kit.free_port()}"
        prometheus = self.enterContext(kit.Server("prometheus", [
            "prometheus", f"--config.file={config}", f"--web.listen-address={address}",
            f"--storage.tsdb.path={self.directory}/tsdb"], self.directory, address)).wait_ready()

        def health():
            targets = kit.fetch_json(f"{prometheus.url}/api/v1/targets")["data"]["activeTargets"]
            return targets[0]["health"] if targets else "none"
        prometheus.wait_for(lambda: health() == "up", "its target is up")


if __name__ == "__main__":
    kit.run_tests("rcached")
