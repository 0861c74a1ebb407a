# SPDX-License-Identifier: Apache-2.0
"""The headers of a lab kernel, of exactly its release: downloaded, unpacked, kept in the kernel's cache folder.

Its `headers/` contains usr/src/linux-headers-RELEASE, ready for `make -C`. Build tools such as objtool that need a
newer C library than this machine has run with that library, from headers/runtime.
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import kernels
from apt import PrivateApt, machine_sources
from common import LabError, cache_root, locked, progress, working

# With wildcards: some run another program whose name has theirs as prefix.
TOOLS = ["scripts/basic/fixdep", "scripts/mod/modpost*", "tools/objtool/objtool*"]
LOADER = "ld-linux-x86-64.so.2"


def build_folder(kernel):
    """The folder for `make -C`."""
    return kernel / "headers/usr/src" / f"linux-headers-{kernels.release(kernel)}"


def stamp(final):
    """Identifies headers at the path `final`, which they contain."""
    return hashlib.sha256(repr((2, str(final))).encode()).hexdigest()[:16]


def ready(kernel):
    try:
        return (kernel / "headers/stamp").read_text(encoding="ascii").strip() == stamp(kernel / "headers")
    except OSError:
        return False


def depends(apt, name, version):
    """Names that a package depends on; for alternatives, the first."""
    text = apt.show(name, version).get("Depends", "")
    return [re.split(r"[\s(|:]", part.strip(), maxsplit=1)[0] for part in text.split(",") if part.strip()]


def header_packages(apt, uname, version):
    """(name, version) pairs of the headers and the build tools of one release; None if apt does not have it."""
    name = f"linux-headers-{uname}"
    if version not in [found for found, _ in apt.versions(name)]:
        return None
    packages = [(name, version)]
    for other in depends(apt, name, version):
        if re.match(r"linux-(headers|kbuild)-", other):
            offered = [found for found, _ in apt.versions(other)]
            if not offered:
                return None
            packages.append((other, version if version in offered else offered[0]))
    return packages


def runtime_packages(apt, name, version):
    """The libraries that the tools in a package need, recursively; not those of tools that are not used here."""
    found, waiting = {}, [(name, version)]
    while waiting:
        for other in depends(apt, *waiting.pop()):
            if re.match(r"lib|zlib", other) and not re.match(r"libssl|libpython", other) and other not in found:
                offered = apt.versions(other)
                if offered:
                    found[other] = offered[0][0]
                    waiting.append((other, offered[0][0]))
    return sorted(found.items())


def unpack(apt, packages, work, target):
    """Downloads packages and unpacks them into `target`."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="debs-", dir=work))
    for deb in apt.download(packages, folder):
        if subprocess.run(["dpkg-deb", "-x", str(deb), str(target)], check=False).returncode != 0:
            raise LabError(f"{deb.name} cannot be unpacked; check the free disk space and run again")
    shutil.rmtree(folder)


def runs_here(tool):
    """False if the loader lacks a library, or a version of one."""
    said = subprocess.run(["ldd", str(tool)], text=True, capture_output=True, check=False)
    return "not found" not in said.stdout + said.stderr


def wrap(tool, runtime, final):
    """Replaces a program by a script that starts it with the loader and the libraries of `runtime`."""
    folders = sorted({str(final / "runtime" / path.parent.relative_to(runtime)) for path in runtime.rglob("lib*.so*")})
    loader = next(path for path in runtime.rglob(LOADER) if path.exists())
    real = tool.with_name(tool.name + ".wrapped")
    tool.rename(real)
    tool.write_text(f'#!/bin/sh\nexec {final / "runtime" / loader.relative_to(runtime)} --library-path '
                    f'{":".join(folders)} "$0.wrapped" "$@"\n', encoding="utf-8")
    tool.chmod(0o755)


def prepare(root, final):
    """Makes an unpacked tree usable at `final`: replaces system paths, disables BTF for modules."""
    for makefile in root.glob("usr/src/*/Makefile"):
        text = makefile.read_text(encoding="utf-8")
        makefile.write_text(re.sub(r"(^|[ =])/usr/src/", rf"\g<1>{final}/usr/src/", text, flags=re.M), encoding="utf-8")
    for vmlinux in root.glob("usr/src/*/vmlinux"):
        vmlinux.unlink()


def fetch(series, kernel, work):
    """The headers of `kernel` in `work`/root, for `kernel`/headers; None if apt no longer has this release."""
    uname = kernels.release(kernel)
    _, version, suite = (kernel / "package").read_text(encoding="ascii").split()
    suites = next((group for group in kernels.SUITES[series] if suite in group), (suite,))
    apt = PrivateApt(work / "apt", machine_sources())
    with working(f"looking for the headers of {uname} in {suite}"):
        error = apt.update(suites)
    packages = header_packages(apt, uname, version)
    if packages is None:
        progress(f"the headers of {uname} {version} are no longer in {suite}{': ' + error if error else ''}")
        return None
    root = work / "root"
    root.mkdir()
    with working(f"fetching the headers of {uname}"):
        unpack(apt, packages, work, root)
    final = kernel / "headers"
    prepare(root, final)
    tools = [path for name in TOOLS for path in root.glob(f"usr/lib/linux-kbuild-*/{name}")]
    foreign = [tool for tool in tools if not runs_here(tool)]
    if foreign:
        kbuild = next(package for package in packages if package[0].startswith("linux-kbuild-"))
        libraries = runtime_packages(apt, *kbuild)
        with working(f"fetching the C library of {suite}, which {foreign[0].name} needs"):
            unpack(apt, libraries, work, root / "runtime")
        for tool in foreign:
            wrap(tool, root / "runtime", final)
    (root / "stamp").write_text(stamp(final) + "\n", encoding="ascii")
    return root


def install(series, kernel):
    """Fills `kernel`/headers; False if apt no longer has this release."""
    for stale in cache_root().glob(f".headers-{series}-*"):  # left by a killed run; safe because we hold the lock
        shutil.rmtree(stale, ignore_errors=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix=f".headers-{series}-", dir=cache_root()))
    try:
        root = fetch(series, kernel, work)
        if root is None:
            return False
        if (kernel / "headers").exists():
            (kernel / "headers").rename(work / "old")
        os.rename(root, kernel / "headers")
        return True
    except OSError as error:
        raise LabError(f"the headers of kernel {series} cannot be prepared under {kernel}: {error}; check free space "
                       "and run again") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def ensure(series):
    """The cache folder of a kernel, with its headers. A kernel whose headers are no longer in the suite is replaced by
    the newest one, so that both are of the same release."""
    kernel = kernels.ensure(series)
    if ready(kernel):
        return kernel
    lock = cache_root() / f".headers-{series}.lock"
    with locked(lock, f"another lab run is fetching headers of {series}; waiting ..."):
        kernel = kernels.ensure(series)
        if ready(kernel) or install(series, kernel):
            return kernel
        kernel = kernels.ensure(series, refresh=True)
        if install(series, kernel):
            return kernel
    raise LabError(f"no headers of {kernels.release(kernel)} on this machine's apt mirror, but it has that kernel; "
                   "use a complete mirror, or try again later")
