# SPDX-License-Identifier: Apache-2.0
"""One running guest: start, output, stop. It never outlives the process that started it.

The guest has two output channels: the kernel's console and the lab's own lines (ttyS1). Both go to one log in memory,
which is written to a file at the end if keep_log is set, so that no file is left if this process is killed. Start
guests from the main thread (see die_with_parent).
"""

import os
import re
import selectors
import subprocess
import tempfile
import time

import initramfs
import kernels
import qemu
import rootfs
import testmodules
from common import LabError, die_with_parent, progress

TROUBLE = re.compile(r"\bBUG: |\bOops\b|Kernel panic|general protection fault|blocked for more than \d+ seconds"
                     r"|\bsoft lockup\b|\bhard LOCKUP\b|unable to handle (page fault|kernel)|Unable to mount root"
                     r"|Attempted to kill init|detected stalls? on CPU")
VERDICT = re.compile(r"^LAB: (PASS|FAIL|INFO|READY|DONE)\b ?(.*)$")


def parse_verdict(line):
    """('PASS', text) and so on for a lab line; None for anything else."""
    match = VERDICT.match(line)
    return (match.group(1), match.group(2)) if match else None


def trouble(line):
    """True if a console line reports a kernel failure."""
    return bool(TROUBLE.search(line))


BOOTED = re.compile(r"^LAB: INFO booted \S+ in (\d+) s")


class WrongClock(LabError):
    """The guest's clock runs too fast: its kernel measured the TSC while this machine was busy."""


def check_clock(line, seconds):
    """Raises WrongClock if `line` says that the guest booted in much more time than the `seconds` since it began."""
    match = BOOTED.match(line)
    if match and int(match.group(1)) > seconds * 1.25 + 2:
        raise WrongClock(f"the guest's clock is wrong: {match.group(1)} s since it booted, {seconds:.0f} s on this "
                         "machine")


class LineBuffer:
    """Splits a byte stream into lines."""

    def __init__(self):
        self._rest = b""

    def feed(self, data):
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [line.decode("utf-8", "replace").replace("\r", "") for line in lines]


class Guest:
    """A booted guest; use as a context manager."""

    def __init__(self, options, scenario, port=None):
        """`options`: as parsed by lab.py; `scenario`: path of a shell file; `port`: on loopback, if any."""
        self.options = options
        self.scenario = scenario
        self.port = port
        self.keep_log = False
        self.kernel_folder = self._log = self._console = self._process = None
        self._selector = selectors.DefaultSelector()
        self._open = 0
        self._began = 0.0

    def __enter__(self):
        options = self.options
        qemu.check(options.kernel, options.iommu, options.mode)
        own = ()
        script = self.scenario.read_text(encoding="utf-8")
        extra = [(f"lab/{self.scenario.name}", self.scenario), *options.file]
        root, modules = None, qemu.MODULES
        if rootfs.wanted(script):
            if not options.package:
                raise LabError(f"scenario {self.scenario.stem} installs the package: "
                               "--package build/packages/rcached_*.deb")
            root, modules = rootfs.ensure(options.package), qemu.MODULES + qemu.ROOT_MODULES
            extra.append(("lab/rcached.deb", options.package))
        if options.modules or testmodules.wanted(script):
            own = testmodules.build(options.kernel)  # first: may replace a kernel without headers
        folder = self.kernel_folder = kernels.ensure(options.kernel)
        environment = {"LAB_KERNEL": options.kernel, "LAB_IOMMU": options.iommu, "LAB_MODE": options.mode,
                       "LAB_CPUS": options.cpus, "LAB_SCENARIO": self.scenario.stem, **dict(options.set)}
        image = initramfs.build(folder, environment, modules, options.binary, options.config, extra, own)
        self._log = os.fdopen(os.memfd_create("log"), "w+b")
        memory = os.memfd_create("initramfs")
        with os.fdopen(os.dup(memory), "wb") as out:
            out.write(image)
        console_read, console_write = os.pipe()
        words = qemu.command(options.kernel, options.iommu, options.mode, options.cpus, options.memory,
                             folder / "vmlinux", f"/proc/self/fd/{memory}", f"/proc/self/fd/{console_write}", self.port,
                             options.threads, root, qemu.cmdline_of(script))
        try:
            # pylint: disable=subprocess-popen-preexec-fn
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                             stderr=self._log, pass_fds=(memory, console_write),
                                             preexec_fn=die_with_parent(os.getpid()))
        except FileNotFoundError as error:
            raise LabError("qemu-system-x86_64 is missing: install the package qemu-system-x86") from error
        finally:
            os.close(memory)
            os.close(console_write)
        self._began = time.monotonic()
        self._console = console_read
        for stream, name in ((console_read, "console"), (self._process.stdout.fileno(), "lab")):
            os.set_blocking(stream, False)
            self._selector.register(stream, selectors.EVENT_READ, (name, LineBuffer()))
            self._open += 1
        return self

    def lines(self, timeout):
        """Yields (channel, line) until the guest ends, and (None, "") after `timeout` seconds without a line."""
        deadline = time.monotonic() + timeout
        while self._open:
            left = deadline - time.monotonic()
            if left <= 0:
                yield None, ""
                return
            for key, _ in self._selector.select(left):
                channel, buffer = key.data
                data = os.read(key.fd, 65536)
                if not data:
                    self._selector.unregister(key.fd)
                    self._open -= 1
                    continue
                for line in buffer.feed(data):
                    self._log.write(f"[{channel}] {line}\n".encode())
                    check_clock(line, time.monotonic() - self._began)
                    yield channel, line

    def last_line(self):
        """The last line of the log, for a guest (or QEMU) that exited early."""
        lines = [line.strip() for line in self._read_log().decode("utf-8", "replace").splitlines() if line.strip()]
        return lines[-1] if lines else "no output"

    def _read_log(self):
        self._log.flush()
        return os.pread(self._log.fileno(), os.fstat(self._log.fileno()).st_size, 0)

    def alive(self):
        return self._process.poll() is None

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._selector.close()
        self._process.stdout.close()
        os.close(self._console)
        if self.keep_log:
            with tempfile.NamedTemporaryFile(prefix="rcached-lab-", suffix=".log", delete=False) as kept:
                kept.write(self._read_log())
            progress(f"serial log: {kept.name}")
        self._log.close()
