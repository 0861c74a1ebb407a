# SPDX-License-Identifier: Apache-2.0
"""The live summary of `lab.py run`: Prometheus text in, one compact table out."""

import re

SERIES = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
COLUMNS = ("domain", "type", "devices", "outstanding", "cached", "depot", "tree", "allocs/s")
# Metrics summed over all their other labels, per column.
SUMS = {"outstanding": "iova_outstanding_ranges", "cached": "iova_rcache_cpu_cached",
        "depot": "iova_rcache_depot_magazines", "tree": "iova_tree_ranges", "allocations": "iova_allocations_total"}


def parse(text):
    """(name, labels, value) of every series."""
    found = []
    for line in text.splitlines():
        match = SERIES.match(line) if line and line[0] != "#" else None
        if match:
            try:
                value = float(match.group(3))
            except ValueError:
                continue
            found.append((match.group(1), dict(LABEL.findall(match.group(2) or "")), value))
    return found


def domains(series):
    """Per domain: its info labels and the sums that the table shows."""
    known = {}
    wanted = {metric: column for column, metric in SUMS.items()}
    for name, labels, value in series:
        if "domain" not in labels:
            continue
        if name == "iova_domain_info":
            known.setdefault(labels["domain"], {})["info"] = labels
        elif name in wanted:
            entry = known.setdefault(labels["domain"], {})
            entry[wanted[name]] = entry.get(wanted[name], 0) + value
    return known


def _order(domain):
    return (0, int(domain), "") if domain.isdigit() else (1, 0, domain)


def rows(now, before, seconds):
    """The table's cells, one row per domain; '-' for missing values."""
    table = []
    for domain in sorted(now, key=_order):
        entry = now[domain]
        info = entry.get("info", {})
        cells = [domain, info.get("type", "-"), info.get("devices") or "-"]
        cells += [f"{entry[column]:.0f}" if column in entry else "-"
                  for column in ("outstanding", "cached", "depot", "tree")]
        earlier = before.get(domain, {}).get("allocations") if before else None
        if earlier is None or "allocations" not in entry or seconds <= 0:
            cells.append("-")
        else:
            cells.append(f"{(entry['allocations'] - earlier) / seconds:.0f}")
        table.append(cells)
    return table


def render(table, headers=COLUMNS, left=3, widest=40):
    """Aligned text: the first `left` columns left-aligned, numbers right-aligned; long cells are truncated."""
    cut = [[cell if len(cell) <= widest else cell[:widest - 3] + "..." for cell in row] for row in table]
    lines = [list(headers)] + cut
    widths = [max(len(line[i]) for line in lines) for i in range(len(headers))]
    return "\n".join("  ".join(cell.ljust(width) if i < left else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines)
