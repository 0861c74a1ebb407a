# SPDX-License-Identifier: Apache-2.0
"""A minimal Debian with systemd, as a disk for guests whose scenario has a line `# lab: rootfs`.

It is created once for each list of packages, by mmdebstrap from this machine's mirrors, and cached; guests write to a
temporary overlay. It contains the dependencies of `rcached.deb`, so that a guest can install it offline. It is of this
machine's release, because the package was built here and depends on that release's libraries.
"""

import hashlib
import pathlib
import re
import subprocess

import apt
from common import LabError, cache_root, locked, working

BASE = ["systemd-sysv", "init-system-helpers"]
BYTES = 640 << 20
MARK = re.compile(r"^# lab:.*\brootfs\b", re.M)


def wanted(scenario_text):
    return bool(MARK.search(scenario_text))


def dependencies(package):
    """Names in the Depends field of a .deb: the first alternative of each."""
    shown = subprocess.run(["dpkg-deb", "-f", str(package), "Depends"], text=True, capture_output=True, check=False)
    if shown.returncode != 0:
        raise LabError(f"{package} is not a Debian package: {shown.stderr.strip()}; build it with `make package`")
    return parse_depends(shown.stdout)


def parse_depends(text):
    names = [part.split("|")[0].split("(")[0].strip().split(":")[0] for part in text.split(",")]
    return sorted({name for name in names if name})


def release(os_release="/etc/os-release"):
    """The name of this machine's Debian release, e.g. bookworm."""
    fields = dict(line.split("=", 1) for line in pathlib.Path(os_release).read_text(encoding="utf-8").splitlines()
                  if "=" in line)
    name = fields.get("VERSION_CODENAME", "").strip('"')
    if fields.get("ID", "").strip('"') != "debian" or not name:
        raise LabError(f"{os_release} names no Debian release: a guest's root uses the release on which the package "
                       "was built; run this on Debian 12 or later")
    return name


def _make(suite, packages, target):
    lines = apt.source_lines([suite, f"{suite}-security"], apt.machine_sources())
    if not lines:
        raise LabError("no Debian source in this machine's apt configuration, which is needed for the guest's root")
    # The new root's apt uses the same proxies as this machine.
    settings = subprocess.run(["apt-config", "dump", "Acquire"], text=True, capture_output=True, check=True).stdout
    ways = [f"--aptopt={line}" for line in settings.splitlines() if re.match(r"Acquire::\w+::Proxy\b", line)]
    image = target.with_suffix(".new.ext2")
    command = ["mmdebstrap", "--quiet", "--variant=minbase", *ways, f"--include={','.join(packages)}", suite,
               str(image), "-"]
    try:
        made = subprocess.run(command, input="\n".join(lines) + "\n", text=True, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise LabError("mmdebstrap is missing: install the packages mmdebstrap and genext2fs") from error
    if made.returncode != 0:
        image.unlink(missing_ok=True)
        raise LabError(f"mmdebstrap failed to create a root of {suite}: {made.stderr.strip()[-1000:]}")
    with open(image, "r+b") as handle:
        handle.truncate(BYTES)
    for words in (["e2fsck", "-fy", str(image)], ["resize2fs", str(image)]):
        done = subprocess.run(words, text=True, capture_output=True, check=False)
        if done.returncode > 1:  # 1: e2fsck has corrected errors
            raise LabError(f"{words[0]} failed on the guest's root: {done.stderr.strip() or done.stdout.strip()}")
    image.rename(target)


def ensure(package):
    """The path of a disk image in which `package`, a .deb, can be installed."""
    suite = release()
    packages = sorted({*BASE, *dependencies(package)})
    digest = hashlib.sha256(" ".join([suite, *packages]).encode()).hexdigest()[:16]
    target = cache_root() / "rootfs" / f"{suite}-{digest}.ext2"
    if not target.exists():
        with locked(cache_root() / ".rootfs.lock", "another lab run is creating the guest's root; waiting ..."):
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                with working(f"creating a root of {suite} with systemd and {len(packages)} packages"):
                    _make(suite, packages, target)
    return target
