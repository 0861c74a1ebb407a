#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`rcached top` in a real terminal (a private tmux server) with a synthetic daemon.

Every step waits until the screen shows the expected text; nothing depends on the speed of the machine.
usage: top_test.py --rcached BINARY [TEST ...]
"""
import base64
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import kit

PROMPT = "READY>"
USER = "operator"
PASSWORD = "op en:sesame"
HASH = "$2b$04$abcdefghijklmnopqrstuu3u.iCWOc4Kf3n.hXCutO6LLF1iywF/m"  # bcrypt of it, with the lowest cost


class Daemon(kit.Rcached):
    """A synthetic rcached with twelve domains. Its configuration also has its address."""

    def __init__(self, directory, port=None, password=None):
        port = port or kit.free_port()
        web_config = directory / "web.yaml"
        web_config.write_text(f"basic_auth_users:\n  {USER}: {HASH}\n")
        web_config.chmod(0o600)
        super().__init__(kit.PROGRAMS["rcached"], directory, f"http:\n  listen: 127.0.0.1:{port}\n"
                         f"  web_config: \"{web_config if password else ''}\"\n"
                         "synthetic:\n  domains: 12\n  cpus: 40\n", name=f"daemon-{port}", port=port)
        token = base64.b64encode(f"{USER}:{password}".encode()).decode()
        self.headers = {"Authorization": f"Basic {token}"} if password else {}

    def time(self):
        """Time of its newest snapshot; None if it does not respond."""
        status, _, body = kit.fetch(self.url + "/api/v1/domains", self.headers)
        return json.loads(body)["time"] if status == 200 else None

    def wait_ready(self):
        self.wait_for(self.time, "it is ready")
        return self

    def wait_for_snapshots(self, number):
        for _ in range(number):
            seen = self.time()
            self.wait_for(lambda last=seen: self.time() != last, "a new snapshot")


class Terminal:
    """A tmux pane with a shell."""

    def __init__(self, directory, columns=100, rows=30, environment=None, term="screen-256color"):
        self.socket = directory / "tmux"
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PS1": PROMPT + " ", "HOME": str(directory),
               "ENV": "", "TZ": "UTC", "RCACHED": kit.PROGRAMS["rcached"], **(environment or {})}
        self.tmux("start-server", ";", "set-option", "-g", "default-terminal", term, ";", "set-option", "-g",
                  "escape-time", "0", ";", "set-option", "-g", "remain-on-exit", "on", ";", "new-session", "-d",
                  "-x", str(columns), "-y", str(rows), "-s", "t", "sh", "-i", env=env)
        self.wait(PROMPT)

    def tmux(self, *arguments, env=None):
        done = subprocess.run(["tmux", "-u", "-S", self.socket, "-f", "/dev/null", *arguments], env=env,
                              capture_output=True, text=True, encoding="utf-8", check=False)
        if done.returncode != 0:
            raise AssertionError(f"tmux {arguments}: {done.stderr}")
        return done.stdout

    def screen(self, *options):
        return self.tmux("capture-pane", "-p", "-t", "t", *options)

    def lines(self):
        return self.screen().split("\n")

    def keys(self, *keys):
        self.tmux("send-keys", "-t", "t", *keys)

    def type(self, text):
        self.tmux("send-keys", "-t", "t", "-l", text)

    def command(self, text):
        self.type(text)
        self.keys("Enter")

    def query(self, form):
        return self.tmux("display-message", "-p", "-t", "t", form).strip()

    def resize(self, columns, rows):
        self.tmux("resize-window", "-t", "t", "-x", str(columns), "-y", str(rows))

    def wait(self, *parts, gone=()):
        def there():
            text = self.screen()
            return all(p in text for p in parts) and not any(p in text for p in gone) and text
        return kit.eventually(there, f"{parts} on the screen, without {gone}", state=self.screen)

    def child(self):
        """The process that the shell runs."""
        shell = self.query("#{pane_pid}")
        children = pathlib.Path(f"/proc/{shell}/task/{shell}/children")
        return kit.eventually(lambda: children.read_text(encoding="ascii").split(), "the shell has a child")[0]

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True, check=False)


def top(*arguments):
    """The command line, for subprocess."""
    return [kit.PROGRAMS["rcached"], "top", *arguments]


def figure(text):
    """The value of a number in the table: "16.2k" is 16200."""
    scale = {"k": 1e3, "M": 1e6, "G": 1e9}.get(text[-1], 1)
    return float(text.rstrip("kMG")) * scale


class WithDaemon(kit.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = cls.class_folder()
        cls.daemon = cls.enterClassContext(Daemon(cls.home)).wait_ready()


class TopTest(WithDaemon):

    def terminal(self, **options):
        directory = pathlib.Path(tempfile.mkdtemp(dir=self.home))
        terminal = Terminal(directory, **options)
        self.addCleanup(terminal.close)
        return terminal

    def start(self, terminal, options="", url=None, before=""):
        """Starts top in a shell with text on its screen and saved terminal settings."""
        terminal.command("stty -g > $HOME/before; echo MARK''ED")
        terminal.wait("MARKED")
        terminal.command(f"{before} $RCACHED top --url {url or self.daemon.url} {options}; echo code=$?")
        terminal.wait("q quit", "DOMAIN", gone=[PROMPT])

    def check_restored(self, terminal, code=0):
        """The shell's screen, settings, cursor and echo are restored."""
        text = terminal.wait(f"code={code}", "MARKED", gone=["q quit", "DOMAIN"])
        self.assertNotIn("\x1b", text)
        self.assertEqual(terminal.query("#{alternate_on} #{cursor_flag} #{keypad_cursor_flag}"), "0 1 0")
        terminal.command("stty -g > $HOME/after; echo DO''NE")
        terminal.wait("DONE", "echo DO''NE")  # typed text is echoed
        home = terminal.socket.parent
        self.assertEqual((home / "after").read_text(), (home / "before").read_text())

    def table(self, terminal):
        """[(label, tree)] as shown on the screen."""
        rows = []
        for line in terminal.lines():
            match = re.match(r"(\d+) +([\d.]+[kMG]?) ", line)
            if match:
                rows.append((match.group(1), figure(match.group(2))))
        return rows

    def wait_for_table(self, terminal, what, condition):
        return kit.eventually(lambda: condition(self.table(terminal)), what, state=terminal.screen)

    def test_screens_and_their_keys(self):
        terminal = self.terminal()
        self.start(terminal)
        terminal.wait("rcached 0.1.0", "kernel synthetic", "mode mirror", "events ", "lost 0", "12 domains: 12 exact",
                      "OUTST", "VERDICT")
        self.wait_for_table(terminal, "12 domains", lambda rows: len(rows) == 12)
        terminal.keys("2")
        terminal.wait("BALANCE", "DEPOTS, limit 32", "before start", gone=["VERDICT"])
        terminal.keys("3")
        terminal.wait("40 CPUs", "tenths of 254", "node")
        terminal.keys("n")
        terminal.wait("NODE", "SUM")
        terminal.keys("n", "4")
        terminal.wait("Esc back", gone=["40 CPUs"])
        terminal.keys("5")
        terminal.wait("PROGRAM", "workload", "resident")
        terminal.keys("?")
        terminal.wait("Sort by", "reverse the order")
        terminal.keys("Escape")
        terminal.wait("PROGRAM", gone=["Sort by"])
        terminal.keys("Tab")
        terminal.wait("VERDICT")
        terminal.keys("D")
        terminal.wait("by domain")
        terminal.keys("Home", "Down", "Down", "Enter")
        terminal.wait("domain 3  ", "BALANCE")
        terminal.keys("Right")
        terminal.wait("domain 4  ", gone=["domain 3  "])
        terminal.keys("Escape", "q")
        self.check_restored(terminal)

    def test_sort_keys_reverse_and_arrows(self):
        terminal = self.terminal()
        self.start(terminal)
        self.wait_for_table(terminal, "12 domains", lambda rows: len(rows) == 12)
        terminal.keys("Space")  # so that all rows are from one snapshot
        terminal.wait("PAUSED", "by tree ▼")

        self.wait_for_table(terminal, "largest trees first", lambda rows: [t for _, t in rows] == sorted(
            (t for _, t in rows), reverse=True) and len(rows) == 12)
        terminal.keys("T")
        terminal.wait("by tree ▲")
        self.wait_for_table(terminal, "smallest trees first", lambda rows: [t for _, t in rows] == sorted(
            t for _, t in rows) and len(rows) == 12)
        terminal.keys("D")
        terminal.wait("by domain ▲")
        self.wait_for_table(terminal, "by label", lambda rows: [l for l, _ in rows] == [str(i) for i in range(1, 13)])
        terminal.keys("r")
        self.wait_for_table(terminal, "backwards",
                            lambda rows: [l for l, _ in rows] == [str(i) for i in range(12, 0, -1)])
        terminal.keys("Right")
        terminal.wait("by tree ▼")
        terminal.keys("Right")
        terminal.wait("by tree-slope ▼")
        for key, name in (("O", "outstanding"), ("C", "cpu-cached"), ("P", "depot-cached"), ("F", "fullest"),
                          ("M", "misses"), ("V", "overflows"), ("A", "allocations"), ("U", "unaccounted"),
                          ("X", "confidence"), ("W", "verdict"), ("I", "devices")):
            terminal.keys(key)
            terminal.wait(f"by {name} ")
        terminal.keys("q")
        self.check_restored(terminal)

    def test_pause_filter_and_refresh(self):
        terminal = self.terminal()
        self.start(terminal)
        self.wait_for_table(terminal, "12 domains", lambda rows: len(rows) == 12)
        terminal.keys("Space")
        still = terminal.wait("PAUSED")
        self.daemon.wait_for_snapshots(3)
        self.assertEqual(terminal.screen(), still)
        terminal.keys("u")  # one update, still paused
        kit.eventually(lambda: terminal.screen() != still, "an update", state=terminal.screen)
        self.assertIn("PAUSED", terminal.screen())
        terminal.keys("Space")
        moving = terminal.wait("q quit", gone=["PAUSED"])
        kit.eventually(lambda: terminal.screen() != moving, "updates continue", state=terminal.screen)
        terminal.keys("/")
        terminal.wait("filter: ")
        terminal.type("synthetic3")
        self.wait_for_table(terminal, "one domain while it is typed", lambda rows: [l for l, _ in rows] == ["4"])
        terminal.keys("Enter")
        terminal.wait("filter synthetic3 (1 of 12)", "q quit")
        terminal.keys("Escape")
        self.wait_for_table(terminal, "all again", lambda rows: len(rows) == 12)
        terminal.keys("q")
        self.check_restored(terminal)

    def test_resizes(self):
        terminal = self.terminal()
        self.start(terminal)
        for columns, rows in ((80, 24), (200, 50), (40, 10), (80, 24)):
            terminal.resize(columns, rows)

            def fits(rows=rows):
                lines = terminal.lines()[:rows]
                return lines[-1].startswith("q quit") and lines[0].startswith("rcached") and any(
                    line.startswith("DOMAIN") for line in lines)
            kit.eventually(fits, f"a screen of {columns}x{rows}", state=terminal.screen)
        for columns, rows in ((12, 3), (1, 1), (2, 1)):
            terminal.resize(columns, rows)
            size = f"{columns}x{rows}"
            kit.eventually(lambda size=size: terminal.query("#{pane_width}x#{pane_height}") == size, f"tmux has {size}")
        terminal.resize(100, 30)
        terminal.wait("rcached 0.1.0", "DOMAIN", "VERDICT", "q quit")
        terminal.keys("q")
        self.check_restored(terminal)

    def test_signals_restore_the_terminal(self):
        terminal = self.terminal()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            self.start(terminal)
            os.kill(int(terminal.child()), number)
            self.check_restored(terminal)
            terminal.command("clear")
            terminal.wait(PROMPT, gone=["code="])
        self.start(terminal)
        terminal.keys("C-c")
        self.check_restored(terminal)

    def test_ctrl_z_restores_the_terminal_and_fg_resumes(self):
        terminal = self.terminal()
        terminal.command("stty -g > $HOME/before; echo MARK''ED")
        terminal.command(f"$RCACHED top --url {self.daemon.url}")
        terminal.wait("q quit", "DOMAIN")
        terminal.keys("C-z")
        terminal.wait("MARKED", PROMPT, gone=["q quit"])
        self.assertEqual(terminal.query("#{alternate_on} #{cursor_flag}"), "0 1")
        terminal.resize(80, 24)
        terminal.command("fg")
        terminal.wait("q quit", "DOMAIN", gone=[PROMPT])
        terminal.keys("2")
        terminal.wait("BALANCE")
        terminal.keys("q")
        terminal.wait("MARKED", gone=["q quit"])
        terminal.command("echo code=$?")
        self.check_restored(terminal)

    def test_a_daemon_that_restarts(self):
        daemon = self.enterContext(Daemon(self.folder())).wait_ready()
        terminal = self.terminal()
        self.start(terminal, url=daemon.url)
        self.wait_for_table(terminal, "12 domains", lambda rows: len(rows) == 12)
        daemon.stop()
        terminal.wait("old: no rcached responds at", "DOMAIN")
        self.assertEqual(len(self.table(terminal)), 12)  # the last data is still shown
        self.enterContext(Daemon(self.folder(), port=int(daemon.url.rpartition(":")[2]))).wait_ready()
        terminal.wait("DOMAIN", gone=["no rcached responds"])
        terminal.keys("q")
        self.check_restored(terminal)

    def test_exits_when_its_terminal_closes(self):
        terminal = self.terminal()
        self.start(terminal)
        child = pathlib.Path("/proc", terminal.child(), "stat")
        terminal.close()

        def ended():
            try:
                stat = child.read_text(encoding="utf-8", errors="replace")
                return stat.rpartition(")")[2].split()[0] == "Z"  # not reaped yet
            except OSError:
                return True
        kit.eventually(ended, "it has exited")

    def test_without_a_daemon(self):
        terminal = self.terminal()
        terminal.command("stty -g > $HOME/before; echo MARK''ED")
        terminal.command("$RCACHED top --source synthetic; echo code=$?")
        terminal.wait("q quit", "source synthetic", "4 domains: 4 exact", "events ")
        terminal.keys("2")
        terminal.wait("BALANCE")
        terminal.keys("q")
        self.check_restored(terminal)

    def test_no_daemon_responds(self):
        terminal = self.terminal()
        url = f"http://127.0.0.1:{kit.free_port()}"
        terminal.command(f"$RCACHED top --url {url}; echo code=$?")
        text = terminal.wait("code=1").replace("\n", "")
        for part in (f"no rcached responds at {url}", "start it", "--url", "--source"):
            self.assertIn(part, text)
        self.assertEqual(terminal.query("#{alternate_on}"), "0")

    def test_with_and_without_colours(self):
        colour = re.compile(r"\x1b\[[0-9;]*\b(3[0-7]|4[0-7]|38;5;\d+|48;5;\d+)[;m]")
        terminal = self.terminal()
        self.start(terminal)
        terminal.keys("3")
        terminal.wait("40 CPUs")
        kit.eventually(lambda: len(set(colour.findall(terminal.screen("-e")))) >= 2, "colours")
        terminal.keys("q")
        self.check_restored(terminal)
        terminal.command("clear")
        terminal.wait(PROMPT, gone=["code="])
        self.start(terminal, before="NO_COLOR=1")
        terminal.keys("3")
        terminal.wait("40 CPUs", "tenths of 254: 0123456789")
        self.assertEqual(colour.findall(terminal.screen("-e")), [])
        terminal.keys("q")
        self.check_restored(terminal)

    def test_ascii(self):
        terminal = self.terminal()
        self.start(terminal, before="LC_ALL=C")
        for key, part in (("2", "BALANCE"), ("3", "40 CPUs"), ("5", "PROGRAM"), ("1", "DOMAIN")):
            terminal.keys(key)
            self.assertTrue(terminal.wait(part).isascii())
        terminal.keys("q")
        self.check_restored(terminal)

    def test_no_flicker(self):
        terminal = self.terminal()
        self.start(terminal)
        written = terminal.socket.parent / "written"
        terminal.tmux("pipe-pane", "-t", "t", f"cat > {written}")
        before = terminal.screen()
        updates = 4
        for _ in range(updates):
            kit.eventually(lambda last=before: terminal.screen() != last, "an update", state=terminal.screen)
            before = terminal.screen()
        data = written.read_bytes()
        self.assertGreater(len(data), 0)
        self.assertIsNone(re.search(rb"\x1b\[[0-3]?J", data), "a part of the screen was cleared")
        self.assertLess(len(data), (updates + 4) * 100 * 30)
        terminal.keys("q")
        self.check_restored(terminal)

    def test_unsupported_terminals(self):
        for term in ("dumb", "no-such-terminal"):
            terminal = self.terminal()
            terminal.command("stty -g > $HOME/before; echo MARK''ED")
            terminal.command(f"TERM={term} $RCACHED top --url {self.daemon.url} --interval 100ms; echo code=$?")
            # Screens are printed one below the other.
            kit.eventually(lambda shown=terminal: shown.screen("-S", "-500").count("rcached 0.1.0") >= 2, "two screens")
            self.assertEqual(terminal.query("#{alternate_on}"), "0")
            terminal.keys("C-c")
            terminal.wait("code=0")
            self.assertNotIn("\x1b", terminal.screen("-e", "-S", "-500").replace("\x1b[39m", ""))


class PlainTest(WithDaemon):
    """Without a terminal."""

    def run_top(self, *arguments, env=None, **options):
        return subprocess.run(top(*arguments), capture_output=True, text=True, encoding="utf-8",
                              timeout=2 * kit.LIMIT, check=False, stdin=subprocess.DEVNULL,
                              env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})}, **options)

    def test_once_fits_80_columns(self):
        done = self.run_top("--url", self.daemon.url, "--once")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.split("\n")
        self.assertTrue(lines[0].startswith("rcached 0.1.0"))
        self.assertLessEqual(max(map(len, lines)), 80)
        self.assertEqual(sum(1 for line in lines if re.match(r"\d+ +\d+ ", line)), 12)
        self.assertNotIn("\x1b", done.stdout)
        wide = self.run_top("--url", self.daemon.url, "--once", env={"COLUMNS": "200"})
        self.assertIn("ALLOC/S", wide.stdout)

    def test_once_of_a_domain_and_sorted(self):
        done = self.run_top("--url", self.daemon.url, "--once", "--domain", "7")
        self.assertIn("domain 7  ", done.stdout)
        self.assertIn("BALANCE", done.stdout)
        done = self.run_top("--url", self.daemon.url, "--once", "--sort", "domain")
        labels = [match.group(1) for line in done.stdout.split("\n") if (match := re.match(r"(\d+) +[\d.k]+ ", line))]
        self.assertEqual(labels, [str(i) for i in range(1, 13)])

    def test_default_address_is_from_the_configuration(self):
        done = self.run_top("--config", str(self.daemon.config), "--once")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(socket.gethostname(), done.stdout)

    def test_json(self):
        done = self.run_top("--url", self.daemon.url, "--once", "--json", "--domain", "3")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("\n"), 1)
        data = json.loads(done.stdout)
        self.assertEqual(sorted(data), ["domain", "domains", "notes", "status"])
        self.assertEqual(len(data["domains"]["domains"]), 12)
        self.assertEqual(data["domain"]["domain"]["domain"], "3")
        self.assertEqual(data["status"]["source"], "synthetic")

    def test_each_json_line_is_a_snapshot(self):
        with subprocess.Popen(top("--url", self.daemon.url, "--json", "--interval", "100ms"),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            times = [json.loads(process.stdout.readline())["domains"]["time"] for _ in range(3)]
            self.assertEqual(times, sorted(set(times)))
            process.stdout.close()  # the reader is gone
            self.assertEqual(process.wait(kit.LIMIT), 0)
            self.assertEqual(process.stderr.read(), "")

    def test_screens_below_each_other_until_a_signal(self):
        with subprocess.Popen(top("--source", "synthetic", "--interval", "100ms"), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as process:
            seen = 0
            while seen < 3:
                seen += process.stdout.readline().startswith("rcached 0.1.0")
            process.terminate()
            process.stdout.read()
            self.assertEqual(process.wait(kit.LIMIT), 0)

    def test_once_without_a_daemon_has_slopes(self):
        done = self.run_top("--source", "synthetic", "--once")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"(?m)^1 +\S+ +[+-]?[\d.]+k? ")

    def expect_failure(self, done, code, *parts):
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for part in parts:
            self.assertIn(part, done.stderr)

    def test_failures_have_a_reason_and_a_hint(self):
        url = self.daemon.url
        nobody = f"http://127.0.0.1:{kit.free_port()}"
        self.expect_failure(self.run_top("--url", nobody, "--once"), 1, "no rcached responds", "rcached run", "--url",
                            "--source")
        self.expect_failure(self.run_top("--url", url, "--once", "--domain", "nobody"), 2, "no domain 'nobody'",
                            "known domains: 1, 2")
        self.expect_failure(self.run_top("--url", url, "--domain", "no\x1b[2Jbody"), 2, r"no\x1b[2Jbody")
        self.expect_failure(self.run_top("--url", "http://me:secret@host", "--once"), 2, "--user")
        self.assertNotIn("secret", self.run_top("--url", "http://me:secret@host", "--once").stderr)
        self.expect_failure(self.run_top("--url", url, "--user", "me", "--once"), 2, "RCACHED_PASSWORD")
        self.expect_failure(self.run_top("--url", url, "--source", "synthetic"), 2, "--source")
        self.expect_failure(self.run_top("--sort", "tre"), 2, "did you mean 'tree'?")
        self.expect_failure(self.run_top("--interval", "5ms"), 2, "100ms")
        self.expect_failure(self.run_top("--config", "/nonexistent"), 3, "/nonexistent")
        self.expect_failure(self.run_top("--url", url + "/elsewhere", "--once"), 1, "404")

    def test_passwords(self):
        daemon = self.enterContext(Daemon(self.folder(), password=PASSWORD)).wait_ready()
        user = ("--url", daemon.url, "--once", "--user", USER)
        done = self.run_top(*user, env={"RCACHED_PASSWORD": PASSWORD})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("12 domains", done.stdout)
        self.expect_failure(self.run_top(*user, env={"RCACHED_PASSWORD": "wrong"}), 4, daemon.url, "RCACHED_PASSWORD")
        self.expect_failure(self.run_top("--url", daemon.url, "--once"), 4, "--user NAME", "RCACHED_PASSWORD")
        self.expect_failure(self.run_top("--url", daemon.url), 4, "--user NAME")

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(top("--url", self.daemon.url, "--once"), stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=kit.LIMIT, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write", done.stderr)

    def test_responses_are_escaped_for_the_terminal(self):
        """A server that returns an error, and one that sends escape sequences in its error."""
        for status, code, part in ((401, 4, "RCACHED_PASSWORD"), (500, 1, "reports: ")):
            body = json.dumps({"error": {"message": "\x1b]0;x\x07\u009b2J", "hint": "\x1b[2J"}}).encode()
            with socket.create_server(("127.0.0.1", 0)) as server:
                server.settimeout(kit.LIMIT)
                with subprocess.Popen(top("--once", "--url", f"http://127.0.0.1:{server.getsockname()[1]}"),
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(65536)
                        connection.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (
                            status, len(body), body))
                        out, err = process.communicate(timeout=kit.LIMIT)
            self.assertEqual(process.returncode, code, err)
            self.assertIn(part, err.decode())
            self.assertEqual(out, b"")
            self.assertTrue(all(c == "\n" or (" " <= c < "\x7f") or c > "\xa0" for c in err.decode()), err)


if __name__ == "__main__":
    kit.needs("tmux")
    kit.run_tests("rcached")
