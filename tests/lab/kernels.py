#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fetches, unpacks and caches Debian kernels for the lab.

    tests/lab/kernels.py [--refresh] 6.1 6.12     prints the cache folder of each

A cache folder contains `vmlinux` (the bare ELF, boots by PVH), `release` (uname -r), `modules/*.ko` (decompressed),
`modules.dep` (one line per module: `name: file file ...`, in load order) and `stamp` (a hash of this file's parameters;
after a change the folder is filled again). Parallel calls are safe: one fills the folder, the others wait.
"""

import argparse
import gzip
import hashlib
import lzma
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

from apt import PrivateApt, machine_sources, version_key
from common import LabError, cache_root, locked, progress, working

# Suites in which each series is searched, in order; suites in one tuple are searched together.
SUITES = {
    "5.10": [("bullseye", "bullseye-security")],
    "6.1": [("bookworm", "bookworm-security")],
    "6.12": [("bookworm-backports",), ("trixie", "trixie-security")],
    "7.2": [("sid",), ("forky",), ("trixie-backports",)],
    "7.3": [("trixie-backports", "trixie"), ("sid",), ("forky",)],  # the C library for its headers is in trixie
}
# Modules that guests may load; those that are built in or missing are skipped.
MODULES = ["nvme", "virtio_pci", "virtio_blk", "e1000e", "ahci", "sd_mod", "virtio_iommu", "9pnet_virtio", "9p",
           "overlay", "ext4"]
FOLDERS = ["drivers", "block", "crypto", "arch", "lib", "net/9p", "net/core", "net/802", "fs"]


def stamp():
    return hashlib.sha256(repr((2, MODULES)).encode()).hexdigest()[:16]


def cached(series):
    """The filled cache folder of a series, or None."""
    folder = cache_root() / series
    try:
        if (folder / "stamp").read_text(encoding="ascii").strip() == stamp() and (folder / "vmlinux").is_file():
            return folder
    except OSError:
        pass
    return None


def release(folder):
    return (folder / "release").read_text(encoding="ascii").strip()


def extract_vmlinux(image):
    """The ELF kernel inside a bzImage (boot protocol 2.08 on)."""
    if image[0x202:0x206] != b"HdrS":
        raise LabError("the kernel package's vmlinuz is not a bzImage; this lab boots x86-64 kernels only")
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    payload = image[start:start + length]
    if payload.startswith(b"\xfd7zXZ"):
        return lzma.LZMADecompressor().decompress(payload)
    if payload.startswith(b"\x1f\x8b"):
        return gzip.zlib.decompressobj(31).decompress(payload)
    if payload.startswith(b"\x28\xb5\x2f\xfd"):
        # The last four bytes are the unpacked size, which zstd would treat as a broken frame.
        return subprocess.run(["zstd", "-dcq"], input=payload[:-4], stdout=subprocess.PIPE, check=True).stdout
    if payload.startswith(b"\x7fELF"):
        return payload
    raise LabError(f"unknown compression of the kernel ({payload[:6].hex()}); "
                   "add it to extract_vmlinux() in tests/lab/kernels.py")


def image_pattern(series):
    """Matches the plain amd64 image packages of a series (not cloud, not rt, not debug)."""
    return re.compile(rf"^linux-image-({re.escape(series)}\.[^-]+(?:-\d[^-]*)?)-amd64(-unsigned)?$")


def find_image(apt, series, pattern):
    """The newest (name, version, suite) that matches `pattern` in the series' suites, or None; and apt's errors."""
    errors = []
    for suites in SUITES[series]:
        with working(f"looking for kernel {series} in {', '.join(suites)}"):
            error = apt.update(suites)
        if error:
            errors.append(error)
        found = []
        for name in apt.names("^linux-image-[0-9].*-amd64"):
            if pattern.match(name):
                found += [(name, version, suite) for version, suite in apt.versions(name)]
        if found:
            # The signed and the unsigned package of a version contain the same code; prefer the signed one.
            return max(found, key=lambda f: (version_key(f[1]), not f[0].endswith("-unsigned"))), errors
    return None, errors


def parts_of(apt, name, version):
    """The packages that contain the image and the modules: newer Debian releases split them."""
    depends = apt.show(name, version).get("Depends", "")
    split = re.findall(r"(linux-(?:binary|modules)-[^\s,()]+)\s*\(=\s*([^)\s]+)\)", depends)
    return split or [(name, version)]


def unpack(debs, folder):
    """Extracts the image and the module folders of interest."""
    wanted = ["./boot/vmlinuz-*"]
    for prefix in ("./lib", "./usr/lib"):
        wanted += [f"{prefix}/modules/*/kernel/{name}/*" for name in FOLDERS]
        wanted += [f"{prefix}/modules/*/modules.*", f"{prefix}/modules/*/vmlinuz"]
    for deb in debs:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as source:
            # tar fails on patterns without a match; missing files are detected below
            subprocess.run(["tar", "-x", "-C", str(folder), "--wildcards", *wanted], stdin=source.stdout,
                           stderr=subprocess.DEVNULL, check=False)
            source.stdout.close()
        if source.returncode not in (0, -13):
            raise LabError(f"{deb.name} cannot be unpacked (dpkg-deb exit code {source.returncode}); "
                           "check the free disk space and run again")
    if not (folder / "lib").exists() and (folder / "usr/lib").is_dir():
        (folder / "lib").symlink_to("usr/lib")
    images = list(folder.glob("boot/vmlinuz-*")) + list(folder.glob("lib/modules/*/vmlinuz"))
    releases = [path.parent.name for path in folder.glob("lib/modules/*/kernel")]
    if not images or len(releases) != 1:
        raise LabError(f"{', '.join(d.name for d in debs)} has no vmlinuz or no modules at the expected paths; "
                       "see unpack() in tests/lab/kernels.py")
    return images[0], releases[0]


def decompress_module(path, target):
    data = path.read_bytes()
    if path.suffix == ".xz":
        data = lzma.decompress(data)
    elif path.suffix == ".gz":
        data = gzip.decompress(data)
    elif path.suffix == ".zst":
        data = subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=True).stdout
    target.write_bytes(data)


def collect_modules(root, uname, target):
    """Copies the required modules and their dependencies; returns the lines of modules.dep."""
    tools = {"PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}
    try:
        subprocess.run(["depmod", "-b", str(root), uname], env=tools, check=True, stderr=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise LabError("depmod is missing: install the package kmod") from error
    target.mkdir()
    lines = []
    for name in MODULES:
        shown = subprocess.run(["modprobe", "-d", str(root), "-S", uname, "--show-depends", name], env=tools,
                               text=True, capture_output=True, check=False)
        files = []
        for line in shown.stdout.splitlines():
            if line.startswith("insmod "):
                path = pathlib.Path(line.split()[1])
                plain = path.name[:path.name.index(".ko") + 3]
                if not (target / plain).exists():
                    decompress_module(path, target / plain)
                if plain not in files:
                    files.append(plain)
        if files:
            lines.append(f"{name}: {' '.join(files)}")
    return lines


def fill(series, work):
    """Fetches a series into `work`/out."""
    apt = PrivateApt(work / "apt", machine_sources())
    found, errors = find_image(apt, series, image_pattern(series))
    if found is None and series.startswith("7."):
        found, more = find_image(apt, series, re.compile(r"^linux-image-(7\.\d+\.[^-]+)-amd64(-unsigned)?$"))
        errors += more
        if found:
            progress(f"no kernel {series} in the suites; using {found[0]} instead")
    if found is None:
        said = f" ({errors[0].splitlines()[0]})" if errors else ""
        raise LabError(f"no kernel {series} in {', '.join(s for group in SUITES[series] for s in group)} on this "
                       f"machine's apt mirror{said}; use a mirror that has the suite, or copy a filled "
                       f"{cache_root() / series} from another machine")
    name, version, suite = found
    packages = parts_of(apt, name, version)
    size = sum(int(apt.show(*package).get("Size", "0")) for package in packages)
    for folder in ("debs", "root", "out"):
        (work / folder).mkdir()
    with working(f"fetching kernel {series} ({suite}): {name} {version}, {size / 1e6:.0f} MB"):
        debs = apt.download(packages, work / "debs")
    out = work / "out"
    with working(f"unpacking kernel {series}"):
        image, uname = unpack(debs, work / "root")
        (out / "vmlinux").write_bytes(extract_vmlinux(image.read_bytes()))
        lines = collect_modules(work / "root", uname, out / "modules")
    (out / "modules.dep").write_text("\n".join(lines) + "\n", encoding="ascii")
    (out / "release").write_text(uname + "\n", encoding="ascii")
    (out / "package").write_text(f"{name} {version} {suite}\n", encoding="ascii")
    (out / "stamp").write_text(stamp() + "\n", encoding="ascii")
    return out


def ensure(series, refresh=False):
    """The cache folder of a series, filled if necessary."""
    if series not in SUITES:
        raise LabError(f"unknown kernel series {series}; known: {', '.join(SUITES)}")
    folder = None if refresh else cached(series)
    if folder:
        return folder
    root = cache_root()
    with locked(root / f".{series}.lock", f"another lab run is fetching kernel {series}; waiting ..."):
        folder = None if refresh else cached(series)
        if folder:
            return folder
        for stale in root.glob(f".{series}-*"):  # left by a killed run; safe because we hold the lock
            shutil.rmtree(stale, ignore_errors=True)
        work = pathlib.Path(tempfile.mkdtemp(prefix=f".{series}-", dir=root))
        try:
            out = fill(series, work)
            final = root / series
            if final.exists():
                final.rename(work / "old")
            out.rename(final)
        except (OSError, subprocess.CalledProcessError) as error:
            raise LabError(f"kernel {series} cannot be prepared under {root}: {error}; check free space, that zstd "
                           "is installed, and run again") from error
        finally:
            shutil.rmtree(work, ignore_errors=True)
        progress(f"kernel {series} is {release(final)}")
        return final


def main():
    parser = argparse.ArgumentParser(description="Fetch lab kernels into the cache and print their folders.")
    parser.add_argument("--refresh", action="store_true", help="check for a newer package even if cached")
    parser.add_argument("series", nargs="+", choices=list(SUITES))
    options = parser.parse_args()
    try:
        for series in options.series:
            print(ensure(series, options.refresh))
    except LabError as error:
        print(f"lab: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
