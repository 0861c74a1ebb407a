# SPDX-License-Identifier: Apache-2.0
"""Rules and routes on a faster clock: every `for`, window and offset (and what Alertmanager waits for) divided by one
factor, nothing else changed. With 60, minutes are seconds, and what takes two hours on a host is seen in two minutes.

Rates stay rates a second, so the load need not be faster for them; thresholds that count a growth over a window are
reached by a load that grows as much faster. A window must hold as many scrapes as before: the factor divides the
scrape interval too (60 s to 1 s)."""
import re

FACTOR = 60
SCRAPE = 1  # seconds, where rules.yaml and alerts.yaml are meant for a minute
SCRAPES_IN_A_WINDOW = 4  # at least: fewer and a rate is no rate

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
    """Every duration of a text, wherever it stands, in names not."""
    return [_milliseconds(*found) for found in re.findall(rf"(?<![\w.:$]){DURATION}\b", text)]


def expression(text, alert):
    """The PromQL of an alert, line by line."""
    return re.search(rf"- alert: {alert}\n +expr: \|\n((?: {{10,}}.*\n)+)", text)[1].splitlines()
