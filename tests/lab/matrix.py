# SPDX-License-Identifier: Apache-2.0
"""`lab.py matrix`: several lab tests in parallel, with a summary at the end.

Every test is a separate `lab.py test`, started from the main thread, so that each guest is killed with its test and
each test with this process.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

import initramfs
import kernels
import live
import qemu
import testmodules
from common import die_with_parent, progress, scenario_file

SPEC = re.compile(r"^(?P<scenario>[^@]+)@(?P<kernel>[\d.]+)/(?P<iommu>\w+)/(?P<mode>\w+)(?:/(?P<cpus>\d+))?$")


def parse_spec(text):
    """scenario@kernel/iommu/mode[/cpus] as a dict; for argparse."""
    match = SPEC.match(text)
    if not match:
        raise argparse.ArgumentTypeError(f"'{text}' is not SCENARIO@KERNEL/IOMMU/MODE[/CPUS]")
    spec = match.groupdict()
    for part, allowed in (("kernel", kernels.SUITES), ("iommu", qemu.IOMMUS), ("mode", qemu.MODES)):
        if spec[part] not in allowed:
            raise argparse.ArgumentTypeError(f"'{text}': {part} must be one of {', '.join(allowed)}")
    spec["text"] = text
    return spec


def words_for(spec, options):
    words = ["test", "--kernel", spec["kernel"], "--iommu", spec["iommu"], "--mode", spec["mode"],
             "--timeout", str(options.timeout), "--threads", options.threads]
    if spec["cpus"]:
        words += ["--cpus", spec["cpus"]]
    if options.modules:
        words.append("--modules")
    for name in ("binary", "config", "package"):
        if getattr(options, name):
            words += [f"--{name}", getattr(options, name)]
    for name in ("file", "set"):
        for left, right in getattr(options, name):
            words += [f"--{name}", f"{left}={right}"]
    return words + [spec["scenario"]]


def wants_modules(spec, options):
    path = scenario_file(spec["scenario"])
    return options.modules or testmodules.wanted(path.read_text(encoding="utf-8"))


class Running:
    """A running test; its output goes to an unnamed file."""

    def __init__(self, spec, words, verbose):
        self.spec = spec
        self.started = time.monotonic()
        self.output = None if verbose else tempfile.TemporaryFile("w+")
        # pylint: disable-next=subprocess-popen-preexec-fn
        self.process = subprocess.Popen(words, stdout=self.output, stderr=self.output and subprocess.STDOUT,
                                        stdin=subprocess.DEVNULL, preexec_fn=die_with_parent(os.getpid()))

    def result(self):
        """(spec text, verdict, seconds, lines to show)."""
        seconds = time.monotonic() - self.started
        lines = []
        if self.output:
            self.output.seek(0)
            lines = self.output.read().splitlines()
            self.output.close()
        good = self.process.returncode == 0
        shown = [line.split(" INFO ", 1)[1] for line in lines if " INFO | " in line] if good else lines
        return self.spec["text"], "ok" if good else "FAILED", f"{seconds:.1f}", shown


def run(options, program):
    """Returns exit code 0 if all tests passed."""
    for series in dict.fromkeys(spec["kernel"] for spec in options.specs):
        if any(spec["kernel"] == series and wants_modules(spec, options) for spec in options.specs):
            testmodules.build(series)
        kernels.ensure(series)
    initramfs.helpers()
    waiting = list(options.specs)
    running = []
    failures = []
    results = {}
    try:
        while waiting or running:
            while waiting and len(running) < max(1, options.jobs):
                spec = waiting.pop(0)
                running.append(Running(spec, program + words_for(spec, options), options.verbose))
            time.sleep(0.05)
            for job in [job for job in running if job.process.poll() is not None]:
                running.remove(job)
                text, verdict, seconds, lines = job.result()
                results[id(job.spec)] = [text, verdict, seconds]
                progress(f"[{len(results)}/{len(options.specs)}] {text} {verdict}, {seconds} s")
                wanted = [line for line in lines if " PASS " not in line]
                if verdict != "ok":
                    told = list(dict.fromkeys(line for line in lines if re.search(r"\bFAIL(ED)?\b", line)))
                    failures += [f"{text}: {line}" for line in told or lines[-3:]]
                if wanted:
                    print("\n".join(wanted), flush=True)
    finally:
        for job in running:
            job.process.terminate()
        for job in running:
            job.process.wait()
    table = [results[id(spec)] for spec in options.specs]
    print(live.render(table, ("test", "result", "seconds"), left=2, widest=70))
    if failures:  # again at the end, where they are found
        print("\n".join(failures))
    sys.stdout.flush()
    return 0 if all(row[1] == "ok" for row in table) else 1
