#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lab: real kernels with an emulated IOMMU, in QEMU, without root.

    lab.py run    --kernel 6.12 --iommu intel --mode lazy --binary build/rcached      a guest under load, live table
    lab.py test   --kernel 6.1 --iommu intel --mode strict --binary build/rcached SCENARIO     one scenario
    lab.py matrix --binary build/rcached smoke@6.1/intel/lazy smoke@7.2/intel/strict ...    many in parallel
    lab.py with   --binary build/rcached --guest 6.1/intel/lazy --guest 6.12/intel/lazy -- COMMAND ...
                  runs a command on this machine while guests are under load; their URLs are in LAB_URLS, LAB_URL_6_1
                  and LAB_URL_6_12

A scenario is a file in tests/lab/guest/ (or the path of another shell file) that runs in the guest; see guest/lib.sh.
Exit codes: 0 success, 1 a test or the guest failed, 2 wrong arguments.
"""

import argparse
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1]))
import kernels
import kit
import live
import matrix
import qemu
from common import LAB_DIR, LabError, progress, scenario_file, working
from guest import Guest, WrongClock, parse_verdict, trouble


def check_port(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise LabError(f"port {port} on 127.0.0.1 cannot be used ({error.strerror}); stop the program that uses it "
                           "or choose another with --port") from error


def check_binary(path):
    if path and not pathlib.Path(path).is_file():
        raise LabError(f"{path} does not exist; build it first (make build), or use --binary")
    if path and pathlib.Path(path).read_bytes()[:4] != b"\x7fELF":
        raise LabError(f"{path} is not an ELF program; pass the built rcached with --binary")


class Verdicts:
    """Counts a guest's verdict lines. The test passes with DONE, at least one PASS and no FAIL."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.done = False

    def see(self, channel, line):
        """Handles a line; returns (kind, text) if it should be shown to the user."""
        if channel == "console" and trouble(line):
            self.failed.append(f"kernel: {line.strip()}")
            return "FAIL", self.failed[-1]
        verdict = parse_verdict(line) if channel == "lab" else None
        if verdict is None:
            return None
        kind, text = verdict
        if kind == "PASS":
            self.passed += 1
        elif kind == "FAIL":
            self.failed.append(text)
        elif kind == "DONE":
            self.done = True
        return kind, text

    @property
    def good(self):
        return self.done and self.passed > 0 and not self.failed


def command_test(options):
    check_binary(options.binary)
    name = f"{options.kernel}/{options.iommu}/{options.mode}"
    for boots_left in (2, 1, 0):
        try:
            return run_scenario(options, name)
        except WrongClock as error:
            if not boots_left:
                raise
            print(f"{name} INFO {error}; booting again", flush=True)


def run_scenario(options, name):
    verdicts = Verdicts()
    started = time.monotonic()
    reason = ""
    with Guest(options, scenario_file(options.scenario)) as guest:
        booted = time.monotonic()
        last = ""
        while not verdicts.done and not reason:
            for channel, line in guest.lines(max(0.0, booted + options.timeout - time.monotonic())):
                if channel is None:
                    reason = f"timeout after {options.timeout} s; the guest was killed"
                    break
                last = line.strip() or last
                said = verdicts.see(channel, line)
                if said and said[0] in ("PASS", "FAIL", "INFO"):
                    print(f"{name} {said[0]} {said[1]}", flush=True)
                if verdicts.done:
                    break
            else:
                reason = f"the guest exited before the scenario had finished (last line: {last or guest.last_line()})"
        if verdicts.done and not verdicts.passed and not verdicts.failed:
            reason = "the scenario had no checks"
        guest.keep_log = not verdicts.good
    seconds = time.monotonic() - started
    if verdicts.good:
        print(f"{name} ok: {options.scenario}, {verdicts.passed} passed, {seconds:.1f} s")
        return 0
    for line in verdicts.failed:  # again at the end
        print(f"{name} FAIL {line}")
    why = reason or f"{len(verdicts.failed)} failed"
    print(f"{name} FAILED: {options.scenario}, {why}, {seconds:.1f} s", flush=True)
    return 1


def wait_ready(guest, url, timeout):
    """Consumes the guest's lines until rcached responds; raises with the guest's last line if it does not."""
    verdicts = Verdicts()
    started = time.monotonic()
    last = ""
    while time.monotonic() - started < timeout:
        for channel, line in guest.lines(0.5):
            if channel is None:
                break
            last = line.strip() or last
            said = verdicts.see(channel, line)
            if said and said[0] == "INFO":
                progress(said[1])
            if verdicts.failed:
                raise LabError(verdicts.failed[0])
        else:
            raise LabError(f"the guest exited before rcached was ready: {last or guest.last_line()}")
        if kit.fetch(url + "/-/ready", timeout=60)[0] == 200:
            return
    raise LabError(f"rcached in the guest was not ready at {url}/-/ready within {timeout} s")


def show(guest, url, once, interval=2.0):
    """Prints tables until stopped; on a terminal, each replaces the previous one."""
    before, before_at, drawn = None, 0.0, 0
    verdicts = Verdicts()
    while True:
        status, _, page = kit.fetch(url + "/metrics", timeout=60)
        now_at = time.monotonic()
        now = live.domains(live.parse(page.decode("utf-8", "replace"))) if status == 200 else None
        if now is not None:
            if before is not None:
                table = live.render(live.rows(now, before, now_at - before_at)) if now else "no domains yet"
                if drawn and sys.stdout.isatty():
                    print(f"\x1b[{drawn}A\x1b[J", end="")
                print(table + "\n", flush=True)
                drawn = table.count("\n") + 2
                if once:
                    return
            before, before_at = now, now_at
        end = time.monotonic() + interval
        while (left := end - time.monotonic()) > 0:
            for channel, line in guest.lines(left):
                if channel is not None:
                    verdicts.see(channel, line)
                if verdicts.failed:
                    raise LabError(verdicts.failed[0])
            if not guest.alive():
                raise LabError(f"the guest exited: {guest.last_line()}")


def command_run(options):
    if not options.binary:
        raise LabError("run needs a binary: --binary build/rcached")
    check_binary(options.binary)
    check_port(options.port)
    url = f"http://127.0.0.1:{options.port}"
    with Guest(options, scenario_file("run"), options.port) as guest:
        try:
            release = kernels.release(guest.kernel_folder)
            with working(f"booting kernel {release} ({options.iommu} IOMMU, {options.mode})"):
                wait_ready(guest, url, options.timeout)
            progress(f"tracing; metrics at {url}/metrics, Ctrl-C to stop")
            print(url, flush=True)
            show(guest, url, options.once)
        except LabError:
            guest.keep_log = True
            raise
    return 0


def parse_guest(text):
    """KERNEL/IOMMU/MODE[/CPUS]; for argparse."""
    return matrix.parse_spec(f"run@{text}")


def command_with(options):
    """Runs the command once every guest is ready; returns its exit code, or 1 if a guest fails before it exits."""
    if not options.binary:
        raise LabError("with needs a binary: --binary build/rcached")
    check_binary(options.binary)
    words = options.command_words[1:] if options.command_words[:1] == ["--"] else options.command_words
    if not words:
        raise LabError("with needs a command after --")
    urls = {}
    with contextlib.ExitStack() as stack:
        guests = []
        for spec in options.guests:
            own = argparse.Namespace(**{**vars(options), "kernel": spec["kernel"], "iommu": spec["iommu"],
                                        "mode": spec["mode"], "cpus": int(spec["cpus"] or 2)})
            port = kit.free_port()
            progress(f"booting kernel {spec['kernel']} ({spec['iommu']} IOMMU, {spec['mode']}) ...")
            guest = stack.enter_context(Guest(own, scenario_file(options.scenario), port))
            guests.append(guest)
            urls[spec["kernel"]] = f"http://127.0.0.1:{port}"
        for guest, url in zip(guests, urls.values()):
            wait_ready(guest, url, options.timeout)
        environment = {**os.environ, "LAB_URLS": " ".join(urls.values()),
                       **{f"LAB_URL_{kernel.replace('.', '_')}": url for kernel, url in urls.items()}}
        verdicts = Verdicts()
        with subprocess.Popen(words, env=environment) as process:
            try:
                while process.poll() is None:
                    for guest in guests:
                        watch(guest, verdicts)
            finally:
                process.terminate()
        return process.returncode


def watch(guest, verdicts):
    """Handles a guest's output for a short time; raises if the guest has failed."""
    for channel, line in guest.lines(0.2):
        if channel is None:
            break
        verdicts.see(channel, line)
    if verdicts.failed or not guest.alive():
        guest.keep_log = True
        raise LabError(verdicts.failed[0] if verdicts.failed else f"the guest exited: {guest.last_line()}")


def pair(text):
    left, separator, right = text.partition("=")
    if not separator or not left:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE")
    return left, right


def add_guest_options(parser):
    parser.add_argument("--kernel", choices=list(kernels.SUITES), default="6.12", help="kernel series (%(default)s)")
    parser.add_argument("--iommu", choices=qemu.IOMMUS, default="intel", help="emulated IOMMU (%(default)s)")
    parser.add_argument("--mode", choices=qemu.MODES, help="invalidation mode (lazy; strict with amd)")
    parser.add_argument("--cpus", type=int, default=2, help="CPUs of the guest (%(default)s)")
    parser.add_argument("--memory", default="1G", help="memory of the guest (%(default)s)")
    add_common_options(parser)


def add_common_options(parser):
    parser.add_argument("--binary", metavar="FILE", help="rcached to put into the guest, e.g. build/rcached")
    parser.add_argument("--modules", action="store_true",
                        help="include the lab's modules even if the scenario has no line '# lab: modules'")
    parser.add_argument("--config", metavar="FILE", help="rcached's configuration (default: listens on all addresses)")
    parser.add_argument("--file", metavar="GUEST=HOST", type=pair, action="append", default=[],
                        help="an additional file for the guest; a program's libraries are included")
    parser.add_argument("--package", metavar="FILE", help="the .deb for scenarios that install it (# lab: rootfs)")
    parser.add_argument("--set", metavar="NAME=VALUE", type=pair, action="append", default=[],
                        help="a variable for the scenario")
    parser.add_argument("--threads", choices=qemu.THREADS, default="single",
                        help="host threads for the guest's CPUs (%(default)s; multi may fail with old QEMU: qemu.py)")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds (%(default)s)")


def parse_arguments(words):
    parser = argparse.ArgumentParser(prog="lab.py", description="Real kernels with an emulated IOMMU, in QEMU.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="a guest under load with rcached inside, and a live table")
    add_guest_options(run)
    run.add_argument("--port", type=int, default=9731, help="loopback port of this machine (%(default)s)")
    run.add_argument("--once", action="store_true", help="exit after the first table")
    run.set_defaults(action=command_run)
    test = commands.add_parser("test", help="one scenario on one kernel")
    add_guest_options(test)
    test.add_argument("scenario", help="name in tests/lab/guest/, or path of a .sh file")
    test.set_defaults(action=command_test)
    several = commands.add_parser("matrix", help="several scenarios in parallel")
    add_common_options(several)
    several.add_argument("--jobs", type=int, default=2, help="guests at the same time (%(default)s)")
    several.add_argument("--verbose", action="store_true", help="show every line of every guest")
    several.add_argument("specs", nargs="+", metavar="SCENARIO@KERNEL/IOMMU/MODE[/CPUS]", type=matrix.parse_spec)
    several.set_defaults(action=lambda options: matrix.run(options, [sys.executable, str(LAB_DIR / "lab.py")]))
    beside = commands.add_parser("with", help="run a command on this machine while guests are under load")
    add_common_options(beside)
    beside.add_argument("--memory", default="1G", help="memory of a guest (%(default)s)")
    beside.add_argument("--guest", metavar="KERNEL/IOMMU/MODE[/CPUS]", dest="guests", type=parse_guest, action="append",
                        required=True, help="a guest under load; one per kernel")
    beside.add_argument("--scenario", default="run", help="scenario of every guest (%(default)s); it starts rcached")
    beside.add_argument("command_words", metavar="-- COMMAND", nargs=argparse.REMAINDER)
    beside.set_defaults(action=command_with)
    options = parser.parse_args(words)
    if options.command not in ("matrix", "with") and options.mode is None:
        options.mode = "strict" if options.iommu == "amd" else "lazy"
    return options


def interrupted(*_):
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    options = parse_arguments(sys.argv[1:])
    try:
        return options.action(options)
    except LabError as error:
        print(f"lab: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0 if options.command == "run" else 130


if __name__ == "__main__":
    sys.exit(main())
