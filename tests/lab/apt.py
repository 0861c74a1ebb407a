# SPDX-License-Identifier: Apache-2.0
"""A private apt instance: uses the mirror in the machine's sources for other suites, without changing system state.

No host name is in this repository: the mirror is the one this machine installs from, and its signatures are verified
with the same keyring.
"""

import functools
import pathlib
import re
import subprocess

from common import LabError

DEFAULT_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SUITE = re.compile(r"^(stable|testing|unstable|sid|oldstable|oldoldstable|bullseye|bookworm|trixie|forky|duke)"
                   r"(-updates|-backports|-security|/updates)?$")


class Source:
    """One line of the machine's sources: its location and its signing key."""

    def __init__(self, uri, suites, components, signed_by=None):
        self.uri = uri
        self.suites = suites
        self.components = components
        self.signed_by = signed_by

    def is_debian(self):
        return "main" in self.components and any(SUITE.match(suite) for suite in self.suites)

    def is_security(self):
        return any(suite.endswith(("-security", "/updates")) for suite in self.suites)


def parse_one_line(text):
    """Sources from the classic format: `deb [options] uri suite component...`."""
    found = []
    for line in text.splitlines():
        match = re.match(r"^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)((?:\s+[^\s#]+)*)", line)
        if not match:
            continue
        options, uri, suite, components = match.groups()
        signed = re.search(r"signed-by=(\S+)", options or "")
        found.append(Source(uri, [suite], components.split(), signed.group(1) if signed else None))
    return found


def parse_deb822(text):
    """Sources from the stanza format; a disabled stanza and an inline key are left out."""
    found = []
    for stanza in re.split(r"\n\s*\n", "\n".join(l for l in text.splitlines() if not l.startswith("#"))):
        fields = {}
        name = None
        for line in stanza.splitlines():
            if line[:1].isspace() and name:
                fields[name] += " " + line.strip()
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false"):
            continue
        signed = fields.get("signed-by", "")
        for uri in fields.get("uris", "").split():
            found.append(Source(uri, fields.get("suites", "").split(), fields.get("components", "").split(),
                                signed if signed.startswith("/") else None))
    return found


def machine_sources(folder=pathlib.Path("/etc/apt")):
    """Every enabled binary source of this machine, in the order in which apt reads them."""
    found = []
    main_list = folder / "sources.list"
    if main_list.is_file():
        found += parse_one_line(main_list.read_text(encoding="utf-8", errors="replace"))
    for path in sorted((folder / "sources.list.d").glob("*")):
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        if path.suffix == ".list":
            found += parse_one_line(text)
        elif path.suffix == ".sources":
            found += parse_deb822(text)
    return found


def source_lines(suites, sources):
    """Lines for a private sources.list with `suites` from this machine's mirrors."""
    debian = [source for source in sources if source.is_debian()]
    # Third-party repositories may use Debian's suite names, so prefer a path that ends in debian.
    debian.sort(key=lambda source: not re.search(r"/debian(-security)?/?$", source.uri))
    lines = []
    for suite in suites:
        wants_security = suite.endswith("-security")
        source = next((s for s in debian if s.is_security() == wants_security), None)
        if source is None:
            continue
        key = source.signed_by or DEFAULT_KEYRING
        options = "check-valid-until=no"  # old suites are no longer re-signed; signatures are still verified
        if pathlib.Path(key).is_file():
            options += f" signed-by={key}"
        lines.append(f"deb [{options}] {source.uri} {suite} main")
    return lines


def _order(char):
    if char == "~":
        return -1
    return ord(char) if char.isalpha() else ord(char) + 256


def _compare_part(left, right):
    while left or right:
        head_l, head_r = re.match(r"\D*", left).group(), re.match(r"\D*", right).group()
        for index in range(max(len(head_l), len(head_r))):
            a = _order(head_l[index]) if index < len(head_l) else 0
            b = _order(head_r[index]) if index < len(head_r) else 0
            if a != b:
                return a - b
        left, right = left[len(head_l):], right[len(head_r):]
        num_l, num_r = re.match(r"\d*", left).group(), re.match(r"\d*", right).group()
        if int(num_l or 0) != int(num_r or 0):
            return int(num_l or 0) - int(num_r or 0)
        left, right = left[len(num_l):], right[len(num_r):]
    return 0


def _compare_versions(left, right):
    """Debian's order of package versions."""

    def split(version):
        epoch, rest = version.split(":", 1) if ":" in version else ("0", version)
        upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
        return int(epoch), upstream, revision

    (epoch_l, up_l, rev_l), (epoch_r, up_r, rev_r) = split(left), split(right)
    return (epoch_l - epoch_r) or _compare_part(up_l, up_r) or _compare_part(rev_l, rev_r)


version_key = functools.cmp_to_key(_compare_versions)


class PrivateApt:
    """apt with a private folder, which only one process may use at a time."""

    def __init__(self, folder, sources):
        self.folder = folder
        self.sources = sources
        for name in ("lists/partial", "cache/archives/partial", "empty"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        settings = {
            "Dir::Etc::sourcelist": folder / "sources.list", "Dir::Etc::sourceparts": folder / "empty",
            "Dir::Etc::preferences": "/dev/null", "Dir::Etc::preferencesparts": folder / "empty",
            "Dir::State": folder, "Dir::State::Lists": folder / "lists", "Dir::State::status": "/dev/null",
            "Dir::Cache": folder / "cache", "APT::Sandbox::User": "root", "APT::Update::Post-Invoke::": "",
            "Acquire::Languages": "none", "Acquire::Retries": "3",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
            "Acquire::IndexTargets::deb::CNF::DefaultEnabled": "false",
        }
        self.options = [f"-o{key}={value}" for key, value in settings.items()]

    def _run(self, tool, *words, cwd=None):
        try:
            return subprocess.run([tool, "-qq", *self.options, *words], cwd=cwd, text=True, capture_output=True,
                                  check=False)
        except FileNotFoundError as error:
            raise LabError(f"{tool} is not installed: the lab gets its kernels from Debian packages; "
                           "use Debian 12 or later, or copy a filled cache folder here") from error

    def update(self, suites):
        """Downloads the indexes of `suites`; returns apt's errors."""
        lines = source_lines(suites, self.sources)
        if not lines:
            return "no Debian source in this machine's apt configuration"
        (self.folder / "sources.list").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return self._run("apt-get", "update").stderr.strip()

    def names(self, pattern):
        result = self._run("apt-cache", "search", "--names-only", pattern)
        return sorted(line.split(" ", 1)[0] for line in result.stdout.splitlines())

    def versions(self, name):
        """(version, suite) pairs of a package, newest first."""
        found = []
        for line in self._run("apt-cache", "madison", name).stdout.splitlines():
            fields = [field.strip() for field in line.split("|")]
            if len(fields) == 3 and "Packages" in fields[2]:
                found.append((fields[1], fields[2].split()[1].split("/")[0]))
        return sorted(found, key=lambda pair: version_key(pair[0]), reverse=True)

    def show(self, name, version):
        """The control fields of one package."""
        fields = {}
        for line in self._run("apt-cache", "show", f"{name}={version}").stdout.splitlines():
            if not line.strip():
                break
            if not line[:1].isspace() and ":" in line:
                key, value = line.split(":", 1)
                fields[key] = value.strip()
        return fields

    def download(self, packages, folder):
        """Fetches (name, version) pairs into `folder`; returns the files."""
        result = self._run("apt-get", "download", *[f"{name}={version}" for name, version in packages], cwd=folder)
        files = sorted(folder.glob("*.deb"))
        if result.returncode != 0 or len(files) != len(packages):
            raise LabError(f"cannot download {' '.join(n for n, _ in packages)}: {result.stderr.strip()}; "
                           "check that this machine's apt mirror is reachable, then run again")
        return files
