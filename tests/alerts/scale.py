# SPDX-License-Identifier: Apache-2.0
"""Scales rules and routes: every `for`, window, offset and Alertmanager wait is divided by one factor, nothing else is
changed. With 60, minutes become seconds, and two hours on a host become two minutes.

Rates are still per second, so they need no faster load; thresholds of growth over a window need a load that grows
faster by the same factor. A window must contain as many scrapes as before, so the factor also divides the scrape
interval (60 s to 1 s)."""
import re

FACTOR = 60
SCRAPE = 1  # seconds; rules.yaml and alerts.yaml are written for one minute
SCRAPES_IN_A_WINDOW = 4  # minimum for a meaningful rate

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION = r"(\d+)(ms|[smhd])"
IN_RULES = re.compile(rf"(?P<before>^ +for: |\[|\boffset ){DURATION}(?P<after>$|\]|\b)", re.M)
IN_ROUTES = re.compile(rf"(?P<before>^ +(?:group_wait|group_interval|repeat_interval): ){DURATION}(?P<after>$)", re.M)


def _milliseconds(number, unit):
    return round(int(number) * UNITS[unit] * 1000)


def _scale(pattern, text):
    def faster(match):
        milliseconds, rest = divmod(_milliseconds(match[2], match[3]), FACTOR)
        if rest:
            raise ValueError(f"{match[0].strip()} cannot be divided by {FACTOR}")
        scaled = f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"
        return match["before"] + scaled + match["after"]
    return "\n".join(line if line.lstrip().startswith("#") else pattern.sub(faster, line) for line in text.split("\n"))


def rules(text):
    """The text of rules.yaml or alerts.yaml."""
    return _scale(IN_RULES, text)


def routes(text):
    """The text of alertmanager.yaml."""
    return _scale(IN_ROUTES, text)


def milliseconds_in(text):
    """Every duration in a text, except those in names."""
    return [_milliseconds(*found) for found in re.findall(rf"(?<![\w.:$]){DURATION}\b", text)]


def expression(text, alert):
    """The PromQL of an alert, line by line."""
    return re.search(rf"- alert: {alert}\n +expr: \|\n((?: {{10,}}.*\n)+)", text)[1].splitlines()
