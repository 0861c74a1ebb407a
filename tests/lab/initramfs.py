# SPDX-License-Identifier: Apache-2.0
"""Builds a guest's initramfs: an uncompressed newc cpio archive, written directly, so that root is not needed.

It contains busybox, /init and the guest scripts, the kernel modules in load order, the rcached binary with its
shared libraries, the compiled helper programs, and /etc/lab.env with the guest's parameters.
"""

import hashlib
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile

from common import LAB_DIR, LabError, cache_root, locked

# The loader searches /lib/x86_64-linux-gnu and similar folders; any other needs LD_LIBRARY_PATH.
LOADER_PATHS = re.compile(r"^(/usr)?/lib(64)?(/[a-z0-9_]+-linux-gnu)?$")
GUEST_CONFIG = 'http:\n  listen: "0.0.0.0:9731"\n'


class Cpio:
    """A newc archive in memory; parent folders are added automatically."""

    def __init__(self):
        self._out = bytearray()
        self._names = set()

    def _entry(self, name, mode, data=b"", device=(0, 0)):
        raw = name.encode() + b"\0"
        fields = [len(self._names) + 1, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(raw), 0]
        self._out += b"070701" + b"".join(b"%08X" % field for field in fields) + raw
        self._pad()
        self._out += data
        self._pad()
        self._names.add(name)

    def _pad(self):
        self._out += b"\0" * (-len(self._out) % 4)

    def _add(self, path, mode, data=b"", device=(0, 0)):
        name = path.strip("/")
        if name in self._names:
            return
        parent = os.path.dirname(name)
        if parent:
            self.folder(parent)
        self._entry(name, mode, data, device)

    def folder(self, path):
        self._add(path, stat.S_IFDIR | 0o755)

    def file(self, path, data, mode=0o644):
        self._add(path, stat.S_IFREG | mode, bytes(data))

    def link(self, path, target):
        self._add(path, stat.S_IFLNK | 0o777, target.encode())

    def char_device(self, path, major, minor):
        self._add(path, stat.S_IFCHR | 0o600, b"", (major, minor))

    def __contains__(self, path):
        return path.strip("/") in self._names

    def finish(self):
        self._entry("TRAILER!!!", 0)
        return bytes(self._out)


def parse_ldd(text):
    """The files that a dynamic program loads, from ldd's output; raises if one is missing."""
    files = []
    for line in text.splitlines():
        if "not found" in line:
            raise LabError(f"a library of the binary is missing: {line.strip()}; build it on this machine")
        match = re.match(r"^\s*(?:\S+ => )?(/\S+) \(0x", line)
        if match:
            files.append(match.group(1))
    return files


def libraries(binary):
    """Every shared object that `binary` needs, including the loader; none for a static binary."""
    result = subprocess.run(["ldd", str(binary)], text=True, capture_output=True, check=False)
    if result.returncode != 0 and "not a dynamic executable" in result.stderr + result.stdout:
        return []
    if result.returncode != 0:
        raise LabError(f"ldd cannot read {binary}: {(result.stderr or result.stdout).strip()}; "
                       "is it an x86-64 ELF program?")
    return parse_ldd(result.stdout)


def _compile(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        program = pathlib.Path(folder) / "program"
        command = ["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-static", "-o", str(program), str(source)]
        try:
            compiled = subprocess.run(command, text=True, capture_output=True, check=False)
        except FileNotFoundError as error:
            raise LabError("gcc is missing: install the package gcc") from error
        if compiled.returncode != 0:
            raise LabError(f"{source.name} does not compile: {compiled.stderr.strip()}")
        program.rename(target)


def helpers():
    """The helper programs of guest/src, linked statically and cached by a hash of their sources."""
    built = {}
    for source in sorted((LAB_DIR / "guest/src").glob("*.c")):
        digest = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
        target = cache_root() / "helpers" / f"{source.stem}-{digest}"
        if not target.exists():
            with locked(cache_root() / ".helpers.lock", "another lab run is compiling helpers; waiting ..."):
                if not target.exists():
                    _compile(source, target)
        built[source.stem] = target
    return built


def module_order(kernel, wanted):
    """Files to insmod for the `wanted` modules, each once, dependencies first."""
    lines = dict(line.split(": ", 1) for line in (kernel / "modules.dep").read_text(encoding="ascii").splitlines())
    order = []
    for name in wanted:
        order += [part for part in lines.get(name, "").split() if part not in order]
    return order


def add_program(archive, path, binary):
    """Adds a program and its libraries; returns the folders that the loader does not search by default."""
    archive.file(path, pathlib.Path(binary).read_bytes(), 0o755)
    odd = set()
    for library in libraries(binary):
        archive.file(library, pathlib.Path(library).read_bytes(), 0o755)
        if not LOADER_PATHS.match(os.path.dirname(library)):
            odd.add(os.path.dirname(library))
    return odd


def busybox():
    path = shutil.which("busybox")
    if not path:
        raise LabError("busybox is missing: install the package busybox-static")
    return path


def build(kernel, environment, modules, binary=None, config=None, extra=(), own=()):
    """The archive's bytes. `environment` becomes /etc/lab.env; `extra`: (guest path, host file) pairs; `own`: files of
    modules that scenarios load themselves."""
    archive = Cpio()
    for folder in ("dev", "proc", "sys", "tmp", "run", "root", "var/lib/rcached", "sbin", "usr/bin", "usr/sbin"):
        archive.folder(folder)
    archive.char_device("dev/console", 5, 1)
    archive.char_device("dev/null", 1, 3)
    shell = busybox()
    odd = add_program(archive, "bin/busybox", shell)
    applets = subprocess.run([shell, "--list"], text=True, capture_output=True, check=True).stdout.split()
    for applet in applets:
        if applet != "busybox":
            archive.link(f"bin/{applet}", "busybox")
    archive.file("init", (LAB_DIR / "guest/init").read_bytes(), 0o755)
    for script in sorted((LAB_DIR / "guest").glob("*.sh")):
        archive.file(f"lab/{script.name}", script.read_bytes(), 0o755)
    for name, path in helpers().items():
        archive.file(f"bin/{name}", path.read_bytes(), 0o755)
    order = module_order(kernel, modules)
    for name in order:
        archive.file(f"modules/{name}", (kernel / "modules" / name).read_bytes())
    for path in own:
        archive.file(f"modules/{path.name}", path.read_bytes())
    archive.file("etc/modules.load", "".join(f"{name}\n" for name in order).encode())
    archive.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n")
    archive.file("etc/group", b"root:x:0:\nnogroup:x:65534:\n")
    archive.file("etc/rcached/rcached.yaml", pathlib.Path(config).read_bytes() if config else GUEST_CONFIG.encode())
    if binary:
        odd |= add_program(archive, "bin/rcached", binary)
    for path, source in extra:
        if pathlib.Path(source).read_bytes()[:4] == b"\x7fELF":
            odd |= add_program(archive, path, source)
        else:
            archive.file(path, pathlib.Path(source).read_bytes(), 0o755)
    settings = dict(environment)
    if odd:
        settings["LD_LIBRARY_PATH"] = ":".join(sorted(odd))
    archive.file("etc/lab.env", "".join(f"export {k}='{v}'\n" for k, v in settings.items()).encode())
    return archive.finish()
