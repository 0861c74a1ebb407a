# SPDX-License-Identifier: Apache-2.0
"""Builds the lab's kernel modules (module/) for one kernel; cached by a hash of the sources and the release.

A scenario requests them with a line `# lab: modules`.
"""

import hashlib
import pathlib
import re
import shutil
import subprocess
import tempfile

import btf
import headers
import kernels
from common import LAB_DIR, LabError, cache_root, locked, working

SOURCES = LAB_DIR / "module"
NAMES = ("iova_exerciser.ko", "iova_oracle.ko")  # in load order
MARKER = re.compile(r"^# lab: modules\b", re.M)


def wanted(scenario):
    """True if the text of a scenario requests the modules."""
    return bool(MARKER.search(scenario))


def digest(sources, uname):
    """Identifies a build of `sources` ({name: bytes}) for the release `uname`."""
    return hashlib.sha256(repr((1, uname, sorted(sources.items()))).encode()).hexdigest()[:16]


def read_sources():
    files = [path for path in SOURCES.iterdir() if path.suffix in (".c", ".h") or path.name in ("Kbuild", "cc")]
    return {path.name: path.read_bytes() for path in [*files, LAB_DIR / "btf.py"]}


def build_errors(output):
    """The relevant part of a failed build's output."""
    lines = [line for line in output.splitlines() if re.search(r"\berror\b|undefined|not found", line, re.I)]
    return " | ".join((lines or output.splitlines())[:5]) or "no output"


def compile_all(kernel, work):
    """Builds in `work`, an empty folder."""
    for path in SOURCES.iterdir():
        if path.is_file() and not path.name.startswith("."):
            shutil.copy(path, work / path.name)
    (work / "offsets.h").write_text(btf.offsets_header(btf.load(kernel / "vmlinux")), encoding="ascii")
    command = ["make", "-C", str(headers.build_folder(kernel)), f"M={work}", f"CC={work / 'cc'}",
               "KCFLAGS=-Wno-attributes", "modules"]
    try:
        built = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if built.returncode == 0:
            subprocess.run(["strip", "--strip-debug", *[str(work / name) for name in NAMES]], check=True)
    except FileNotFoundError as error:
        raise LabError(f"{error.filename} is missing: install the packages make and g++") from error
    if built.returncode != 0:
        raise LabError(f"the lab's modules do not build for {kernels.release(kernel)}: {build_errors(built.stdout)}")


def cached(kernel, sources):
    folder = kernel / "testmodules" / digest(sources, kernels.release(kernel))
    return folder, [folder / name for name in NAMES] if (folder / NAMES[-1]).is_file() else None


def build(series):
    """The files of the modules for a kernel series, in load order."""
    sources = read_sources()
    found = cached(kernels.ensure(series), sources)[1]
    if found:
        return found
    lock = cache_root() / f".testmodules-{series}.lock"
    with locked(lock, f"another lab run is building modules for {series}; waiting ..."):
        kernel = headers.ensure(series)
        folder, found = cached(kernel, sources)
        if found:
            return found
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".build-", dir=kernel) as name:
            work = pathlib.Path(name)
            with working(f"building the lab's modules for {kernels.release(kernel)}"):
                compile_all(kernel, work)
            ready = work / "ready"
            ready.mkdir()
            for module in NAMES:
                shutil.copy(work / module, ready / module)
            shutil.rmtree(folder.parent, ignore_errors=True)  # built from older sources
            folder.parent.mkdir()
            ready.rename(folder)
        return [folder / module for module in NAMES]
