#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Pictures of the dashboards in docs/images, drawn in Chromium from the results of their queries. Their content differs
from run to run, so they are not compared; docs/images/grafana.txt has the digests of the dashboards they show.

    pictures.py --check      fail if a picture is missing or shows an outdated dashboard
"""
import hashlib
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "dashboards/grafana"))
import frames
import queries
import reading

IMAGES = ROOT / "docs/images"
STAMPS = IMAGES / "grafana.txt"
REDRAW = "redraw them: UPDATE_PICTURES=1 make test-dashboards"


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def picture(folder, name):
    return folder / f"grafana-{name}.png"


def stamps(names):
    """One line for each dashboard: its name, the digest of its JSON, the digest of its picture."""
    return "".join(f"{name} {digest(reading.GRAFANA / (name + '.json'))} {digest(picture(IMAGES, name))}\n"
                   for name in names)


def stale():
    """Problems of the pictures in docs/images."""
    names = [path.stem for path in sorted(reading.GRAFANA.glob("*.json"))]
    missing = [name for name in names if not picture(IMAGES, name).exists()]
    if missing or not STAMPS.exists():
        return [f"no picture of {', '.join(missing) or 'any dashboard'} in docs/images: {REDRAW}"]
    present, drawn = stamps(names).splitlines(), STAMPS.read_text().splitlines()
    return [f"docs/images/grafana-{line.split()[0]}.png shows a different dashboard than dashboards/grafana: {REDRAW}"
            for line in present if line not in drawn] + \
           [f"docs/images/grafana.txt has an outdated line: {line}" for line in drawn if line not in present
            and line.split()[0] not in names]


def chosen(asker, dashboard, host):
    """The values of the variables in the picture: All if possible, otherwise `host` and its busiest domain."""
    ways = [way for way in queries.choices(asker, dashboard) if way["instance"] in (host, ".*")]
    ways = [way for way in ways if "(" not in way["job"] + way["instance"] + way.get("domain", "")] or ways
    return max(ways, key=lambda way: sum(len(samples) for _, samples in asker.query(
        'sum(rate(iova_allocations_total{instance="$instance", domain="$domain"}[1m])) > 0', way, False))
        if way.get("domain", ".*") != ".*" else 0)


def draw(asker, dashboards, host, folder):
    """Draws all dashboards into the folder; with UPDATE_PICTURES=1 also into docs/images."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, dashboard in dashboards.items():
        data = frames.picture_of(asker, dashboard, chosen(asker, dashboard, host))
        (folder / f"grafana-{name}.json").write_text(json.dumps(data))
    subprocess.run([ROOT / "tests/dashboards/draw/run", folder, *dashboards], check=True)
    if os.environ.get("UPDATE_PICTURES") == "1":
        for name in dashboards:
            picture(IMAGES, name).write_bytes(picture(folder, name).read_bytes())
        STAMPS.write_text(stamps(dashboards))
    print(f"{len(dashboards)} pictures drawn into {folder}" +
          (" and docs/images" if os.environ.get("UPDATE_PICTURES") == "1" else ""))


if __name__ == "__main__":
    if sys.argv[1:] != ["--check"]:
        sys.exit(__doc__)
    sys.exit("\n".join(stale()) or None)
