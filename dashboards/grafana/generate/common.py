# SPDX-License-Identifier: Apache-2.0
"""What the dashboards share: variables, annotations, the states of a domain."""
import reading
from model import DATASOURCE, FILL, PLAIN, by_regexp, thresholds

CONFIDENCE = {1: ("exact", "green"), 2: ("resynced", "blue"), 3: ("partial", "yellow"), 4: ("lossy", "red")}
CONFIDENCE_QUERY = "sum by (domain) (" + " or ".join(
    f'{value} * (rcached_domain_confidence{{confidence="{name}"}} == 1)'
    for value, (name, _) in CONFIDENCE.items()) + ")"
CONFIDENCE_WORDS = ("Exact: followed since the domain began or since it was read, nothing lost. Resynced: events were "
                    "lost, it has been read anew since. Partial: older than rcached and not read yet. Lossy: events "
                    "were lost since it was read.")
VERDICT = {0: ("no", "green"), 1: ("holds", "orange")}
# A bounded depot that is full overflows. An unbounded one rests at its reclaim threshold, and all is well: its fill has
# no colour. Kernels export the limit or the threshold, whichever they have.
BOUNDED_FILL = "iova_rcache_depot_saturation_ratio and on (job, instance) iova_rcache_depot_limit_magazines"
UNBOUNDED_FILL = ("iova_rcache_depot_saturation_ratio and on (job, instance) "
                  "iova_rcache_depot_reclaim_threshold_magazines")
OF_LIMIT, OF_THRESHOLD = "of the limit", "of the reclaim threshold"
FILL_WORDS = ("Depot magazines over the limit (kernels up to 6.6: at 1 it overflows) or, without colours, over the "
              "reclaim threshold (6.7 and later: 1 is where it rests, above 1 it is being reclaimed)")
NO_THRESHOLDS = by_regexp(f"/^{OF_THRESHOLD}/", thresholds=thresholds(((None, "text"),)),
                          custom__thresholdsStyle={"mode": "off"})


def fill_columns(how="{}"):
    """Columns of a table for either kind of depot."""
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
    """Without a value for All, so that All is the jobs that have an rcached, not every target of this Prometheus."""
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
    """Where dashboards/runbooks can be read: there is no address that holds for everybody."""
    value = {"selected": True, "text": base, "value": base}
    return _variable("runbooks", "Runbooks", "textbox", base,
                     description="Base URL of the folder dashboards/runbooks, without a slash at its end. For good: "
                                 "generate.py --runbooks URL") | {"current": value, "options": [value]}


def firing(domains):
    """Firing alerts of rcached with the name of their runbook, which Prometheus keeps to itself."""
    matchers = 'alertstate="firing", alertname=~"(Iova|Rcached).*"' + (', domain=~"$domain|"' if domains else "")
    return f"ALERTS{{{matchers}}}"


def with_runbook(expression):
    expression = f'label_replace({expression}, "runbook", "$1", "alertname", "(.*)")'
    for alert, runbook in reading.alerts():
        if alert != runbook:
            expression = f'label_replace({expression}, "runbook", "{runbook}", "alertname", "{alert}")'
    return expression


def with_place(expression):
    """A label that says where an alert is. The order, the domain, even the host may be missing, and for a label that
    is missing Grafana writes its name."""
    for label in ("domain", "order"):
        expression = f'label_replace({expression}, "of_{label}", ", {label} $1", "{label}", "(.+)")'
    return (f'label_replace(label_join({expression}, "place", "", "instance", "of_domain", "of_order"), '
            '"place", "no target at all", "place", "")')


def annotations(domains):
    common = {"datasource": DATASOURCE, "enable": True, "step": "", "useValueForTime": False}
    return [{**common, "name": "Alerts", "iconColor": "red", "expr": with_place(firing(domains)),
             "tagKeys": "severity,alertname", "titleFormat": "{{alertname}}", "textFormat": "{{severity}}: {{place}}"},
            {**common, "name": "Verdict changes", "iconColor": "orange", "expr": "changes(rcached_verdict[2m]) > 0",
             "tagKeys": "verdict", "titleFormat": "{{verdict}} has changed",
             "textFormat": "{{instance}}, domain {{domain}}"}]
