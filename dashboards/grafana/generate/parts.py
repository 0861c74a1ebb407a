# SPDX-License-Identifier: Apache-2.0
"""What the dashboards share: variables, annotations, the states of a domain."""
import reading
from model import DATASOURCE, FILL, PLAIN, by_regexp, thresholds

CONFIDENCE = {1: ("exact", "green"), 2: ("resynced", "blue"), 3: ("partial", "yellow"), 4: ("lossy", "red")}
CONFIDENCE_QUERY = "sum by (domain) (" + " or ".join(
    f'{value} * (rcached_domain_confidence{{confidence="{name}"}} == 1)'
    for value, (name, _) in CONFIDENCE.items()) + ")"
CONFIDENCE_WORDS = ("Exact: followed since the domain was created or last read, with no events lost. Resynced: events "
                    "were lost, and it has been read again since. Partial: older than rcached and not read yet. Lossy: "
                    "events were lost since it was last read.")
VERDICT = {0: ("no", "green"), 1: ("yes", "orange")}
# A full bounded depot overflows. An unbounded one normally stays at its reclaim threshold, which is no problem, so its
# fill level has no colour. Each kernel has either the limit or the threshold.
BOUNDED_FILL = "iova_rcache_depot_saturation_ratio and on (job, instance) iova_rcache_depot_limit_magazines"
UNBOUNDED_FILL = ("iova_rcache_depot_saturation_ratio and on (job, instance) "
                  "iova_rcache_depot_reclaim_threshold_magazines")
OF_LIMIT, OF_THRESHOLD = "of the limit", "of the reclaim threshold"
FILL_WORDS = ("Depot magazines divided by the limit (kernels up to 6.6: overflows at 1) or, without colours, by the "
              "reclaim threshold (6.7 and later: 1 is normal, above 1 it is being reclaimed)")
NO_THRESHOLDS = by_regexp(f"/^{OF_THRESHOLD}/", thresholds=thresholds(((None, "text"),)),
                          custom__thresholdsStyle={"mode": "off"})


def fill_columns(how="{}"):
    """Columns of a table for both kinds of depot."""
    return [(how.format(BOUNDED_FILL), "depot / limit", "percentunit", FILL),
            (how.format(UNBOUNDED_FILL), "depot / threshold", "percentunit", PLAIN)]


def _variable(name, label, kind, query, **more):
    return {"name": name, "label": label, "type": kind, "query": query, "hide": 0, "skipUrlSync": False,
            "current": {}, "options": [], **more}


def datasource():
    return _variable("datasource", "Data source", "datasource", "prometheus", refresh=1, multi=False,
                     includeAll=False, regex="")


def _values(name, label, query, several):
    every = {"multi": True, "includeAll": True, "allValue": ".*",
             "current": {"selected": True, "text": ["All"], "value": ["$__all"]}} if several else \
            {"multi": False, "includeAll": False}
    return {**_variable(name, label, "query", {"query": query, "refId": name}, definition=query, refresh=2, sort=3,
                        regex="", datasource=DATASOURCE), **every}


def job(several=False):
    """Without a value for All, so that All means the jobs that have rcached, not every target of this Prometheus."""
    found = _values("job", "Job", "label_values(rcached_build_info, job)", several)
    found.pop("allValue", None)
    return found


def instance(several=False, jobs=False):
    how = "=~" if jobs else "="
    return _values("instance", "Host", f'label_values(rcached_build_info{{job{how}"$job"}}, instance)', several)


def domain(several=False):
    return _values("domain", "Domain",
                   'label_values(iova_tree_ranges{job="$job", instance="$instance"}, domain)', several)


def worst():
    values = ["5", "10", "20", "50"]
    options = [{"selected": value == "10", "text": value, "value": value} for value in values]
    return _variable("worst", "Worst", "custom", ",".join(values), multi=False, includeAll=False) | {
        "current": options[1], "options": options}


def runbooks(base):
    """The base URL of the runbooks. There is no address that is right for everyone."""
    value = {"selected": True, "text": base, "value": base}
    return _variable("runbooks", "Runbooks", "textbox", base,
                     description="Base URL of the folder dashboards/runbooks, without a trailing slash. To set it "
                                 "permanently: generate.py --runbooks URL") | {"current": value, "options": [value]}


def firing(domains):
    """Firing alerts of rcached."""
    matchers = 'alertstate="firing", alertname=~"(Iova|Rcached).*"' + (', domain=~"$domain|"' if domains else "")
    return f"ALERTS{{{matchers}}}"


def with_runbook(expression):
    expression = f'label_replace({expression}, "runbook", "$1", "alertname", "(.*)")'
    for alert, runbook in reading.alerts():
        if alert != runbook:
            expression = f'label_replace({expression}, "runbook", "{runbook}", "alertname", "{alert}")'
    return expression


def with_place(expression):
    """Adds a label that says where an alert is. The order, the domain and even the host may be missing, and Grafana
    prints the name of a missing label."""
    for label in ("domain", "order"):
        expression = f'label_replace({expression}, "of_{label}", ", {label} $1", "{label}", "(.+)")'
    return (f'label_replace(label_join({expression}, "place", "", "instance", "of_domain", "of_order"), '
            '"place", "no target at all", "place", "")')


def annotations(domains):
    common = {"datasource": DATASOURCE, "enable": True, "step": "", "useValueForTime": False}
    return [{**common, "name": "Alerts", "iconColor": "red", "expr": with_place(firing(domains)),
             "tagKeys": "severity,alertname", "titleFormat": "{{alertname}}", "textFormat": "{{severity}}: {{place}}"},
            {**common, "name": "Verdict changes", "iconColor": "orange", "expr": "changes(rcached_verdict[2m]) > 0",
             "tagKeys": "verdict", "titleFormat": "{{verdict}} changed",
             "textFormat": "{{instance}}, domain {{domain}}"}]
