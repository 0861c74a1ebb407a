#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus scrapes rcached in both formats, and must then have every documented metric.

    scrape.py --binary build/rcached --fixture build/metrics-fixture     as run by CTest
    scrape.py --target guest=http://127.0.0.1:9731/metrics --interval 5 ...     with additional targets

Targets: `synthetic`, the daemon with a simulated allocator of either kind of depot; `fixture`, the real routes with
views that have every metric (losses, repairs); `textfile`, a real node_exporter that reads the file written by the
fixture; `lab`, those of --target. Each is scraped as OpenMetrics, as Prometheus requests it, and through a proxy as
text. It fails if a scrape fails, Prometheus rejects a sample, the formats differ, promtool reports a problem, a
documented metric has no data, or a metric is not documented.
"""
import argparse
import contextlib
import pathlib
import subprocess
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "dashboards/grafana"), str(ROOT / "tests")]
import checks
import kit
import reading
from checks import OPENMETRICS, TEXT, Target
from proxy import TEXT_ACCEPT, Proxy

ACCEPT = {TEXT: TEXT_ACCEPT, OPENMETRICS: "application/openmetrics-text;version=1.0.0"}
SYNTHETIC = """\
metrics: {{ per_cpu: true, per_magazine: true }}
synthetic: {{ generation: {generation}, domains: 3, cpus: 4, rate: 20000, workload: mixed }}
textfile: {{ path: {textfile}, interval: 1s }}
log: {{ level: warning }}
"""


def start_synthetic(stack, options, directory):
    """One daemon for each kind of depot."""
    for name, generation in (("synthetic-bounded", "bounded-127"), ("synthetic-unbounded", "unbounded-127")):
        textfile = pathlib.Path(directory) / f"{name}.prom"
        config = SYNTHETIC.format(textfile=textfile, generation=generation)
        daemon = stack.enter_context(kit.Rcached(options.binary, directory, config, name=name)).wait_ready()
        yield Target(name, "synthetic", f"{daemon.url}/metrics", options.formats, textfile)


def start_fixture(stack, options, directory):
    prom_file = pathlib.Path(directory) / "textfile" / "rcached.prom"
    prom_file.parent.mkdir()
    fixture = stack.enter_context(kit.Program("fixture", [options.fixture, str(prom_file)], directory))
    fixture.wait_for(lambda: fixture.output().count("http://") == 3 and prom_file.exists(), "it is ready")
    for line in fixture.output().splitlines():
        name, url = line.split()
        yield Target(name, "fixture", url, options.formats)

    address = f"127.0.0.1:{kit.free_port()}"
    node = stack.enter_context(kit.Server("node-exporter", [
        "prometheus-node-exporter", "--collector.disable-defaults", "--collector.textfile",
        f"--collector.textfile.directory={prom_file.parent}", f"--web.listen-address={address}"], directory, address,
        "/metrics")).wait_ready()
    yield Target("textfile", "textfile", f"{node.url}/metrics", [TEXT])


def jobs_of(targets, proxy):
    """The text format is scraped through the proxy, OpenMetrics directly from the target."""
    for target in targets:
        proxy.urls[target.name] = target.url
        parts = urllib.parse.urlsplit(target.url)
        for form in target.formats:
            direct = form == OPENMETRICS
            yield {"name": f"{target.name}-{form}", "address": parts.netloc if direct else proxy.address,
                   "path": parts.path if direct else f"/{target.name}",
                   "labels": {"scrape_format": form, "scrape_kind": target.kind}}


def page_of(target, accept):
    status, _, body = kit.fetch(target.url, {"Accept": accept})
    if status != 200:
        raise kit.Failed(f"{target.name}: {target.url}: {f'status {status}' if status else 'no response'}")
    return body


def check_promtool(target):
    problems = []
    try:
        problems += promtool(target.name, page_of(target, TEXT_ACCEPT))
    except kit.Failed as failed:
        problems.append(str(failed))
    if target.textfile:
        if not target.textfile.exists():
            return problems + [f"{target.name}: {target.textfile} was not written"]
        problems += promtool(f"{target.name}'s textfile", target.textfile.read_bytes())
    return problems


def promtool(name, page):
    done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, check=False)
    said = (done.stdout + done.stderr).decode(errors="replace").strip()
    return [f"{name}: promtool: {line}" for line in said.splitlines()] or (
        [f"{name}: promtool exit code {done.returncode}"] if done.returncode != 0 else [])


def check_content_types(targets, proxy):
    """The scraped pages must have had the expected format."""
    problems = []
    for target in targets:
        for given in proxy.content_types.get(target.name, set()):
            if not given.startswith("text/plain; version=0.0.4"):
                problems.append(f"{target.name}: the text format has Content-Type {given!r}")
        if OPENMETRICS in target.formats:
            given = kit.fetch(target.url, {"Accept": proxy.prometheus_accept or ""})[1].get("Content-Type", "")
            if not given.startswith("application/openmetrics-text; version=1.0.0"):
                problems.append(f"{target.name}: Accept {proxy.prometheus_accept!r} from Prometheus gives "
                                f"{given!r}")
    return problems


def check_textfile(prometheus, target, fixture):
    """node_exporter must serve the fixture's series from the file, except those of the process."""
    problems = []
    errors = [value for _, value in prometheus.query(f"node_textfile_scrape_error{target.selector(TEXT)}")]
    # The query in docs/textfile.md.
    age = prometheus.query('time() - node_textfile_mtime_seconds{file=~".*/rcached.prom"}')
    if errors != ["0"] or len(age) != 1 or float(age[0][1]) > 120:
        problems.append(f"node_exporter cannot read the file: node_textfile_scrape_error {errors}, age {age}")
    # node_exporter formats bucket bounds differently.
    ours, expected = ({tuple((key, str(float(value)) if key == "le" else value) for key, value in series)
                       for series in checks.series_of(prometheus, source, TEXT)
                       if dict(series)["__name__"].startswith(("iova_", "rcached_"))} for source in (target, fixture))
    missing = sorted(checks.text_of(series) for series in expected - ours)
    if missing:
        problems.append(f"textfile: {len(missing)} series of the fixture are missing, e.g. {', '.join(missing[:3])}")
    for needed in ('rcached_textfile_writes_total{result="ok"}', "rcached_textfile_last_write_timestamp_seconds{}"):
        if needed not in {checks.text_of(series) for series in ours}:
            problems.append(f"textfile: {needed} is missing")
    return problems


def compare_formats(prometheus, targets, types, window):
    problems, compared = [], 0
    for target in targets:
        if len(target.formats) < 2:
            continue
        text, other = (checks.series_of(prometheus, target, form) for form in (TEXT, OPENMETRICS))
        problems += checks.check_same_series(text, other, target)
        text, other = (checks.series_of(prometheus, target, form, window) for form in (TEXT, OPENMETRICS))
        found, number = checks.check_still_gauges(text, other, target, types)
        problems += found
        compared += number
    return problems, compared


def run(options, directory):
    """(problems, report) of all targets."""
    documented = {name: kind for name, (kind, _) in reading.documented(options.docs).items()}
    if len(documented) < 50:
        raise kit.Failed(f"{options.docs} documents only {len(documented)} metrics: is it the right file?")
    with contextlib.ExitStack() as stack:
        targets = [Target(name, "lab", url, options.formats) for name, url in options.target]
        if options.binary:
            targets += start_synthetic(stack, options, directory)
        if options.fixture:
            targets += start_fixture(stack, options, directory)
        if not targets:
            raise kit.Failed("no targets: use --binary, --fixture or --target")
        for target in targets:
            target.pages = {form: page_of(target, ACCEPT[form]) for form in target.formats}
        proxy = stack.enter_context(Proxy())
        jobs = list(jobs_of(targets, proxy))
        prometheus = stack.enter_context(kit.Prometheus(directory, jobs, options.interval)).wait_ready()
        prometheus.wait_for_scrapes("up", len(jobs), options.scrapes)

        problems = checks.check_scrapes(prometheus, targets)
        problems += checks.check_rejections(prometheus)
        problems += check_content_types(targets, proxy)
        # A new series appears in one format before the other.
        window = int(options.scrapes * options.interval) or 1
        latest = ([], 0)

        def formats_agree():
            nonlocal latest
            latest = compare_formats(prometheus, targets, documented, window)
            return not latest[0]
        with contextlib.suppress(kit.Failed):
            prometheus.wait_for(formats_agree, "the formats agree", options.patience)
        problems += latest[0]
        missing, found = checks.find_documented(prometheus, documented, targets)
        problems += missing + checks.find_undocumented(prometheus, documented, targets)
        by_name = {target.name: target for target in targets}
        if "textfile" in by_name:
            problems += check_textfile(prometheus, by_name["textfile"], by_name["fixture-bounded"])
        for target in targets:
            if target.kind != "textfile":  # node_exporter's own pages are not checked
                problems += check_promtool(target)
        problems += [f"Prometheus logged: {line}" for line in prometheus.log_problems()]
        return problems, report(found, targets, latest[1])


def report(found, targets, compared):
    kinds = [kind for kind in ("lab", "synthetic", "fixture", "textfile") if any(t.kind == kind for t in targets)]
    lines = [f"{'metric':56}" + "".join(f"{kind:>11}" for kind in kinds)]
    for name, counts in found.items():
        lines.append(f"{name:56}" + "".join(f"{counts.get(kind) or '-':>11}" for kind in kinds))
    scraped = sum(len(target.formats) for target in targets)
    lines.append(f"{len(found)} names of documented metrics, {sum(1 for counts in found.values() if counts)} with data "
                 f"(numbers are series); {len(targets)} targets, {scraped} scrape configurations; {compared} constant "
                 "gauges compared between the formats")
    return "\n".join(lines)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", help="rcached, for the synthetic targets")
    parser.add_argument("--fixture", help="metrics-fixture")
    parser.add_argument("--target", action="append", default=[], type=kit.named_url, metavar="NAME=URL",
                        help="a target of kind lab")
    parser.add_argument("--docs", type=pathlib.Path, default=ROOT / "docs/metrics.md")
    parser.add_argument("--formats", default=f"{TEXT},{OPENMETRICS}", help=f"default: {TEXT},{OPENMETRICS}")
    parser.add_argument("--interval", type=int, default=4, help="seconds between scrapes")
    parser.add_argument("--scrapes", type=int, default=4, help="scrapes of each target before the checks")
    parser.add_argument("--patience", type=int, default=kit.LIMIT, help="seconds to wait until the formats agree")
    options = parser.parse_args()
    options.formats = options.formats.split(",")
    kit.needs("prometheus", "promtool", "prometheus-node-exporter")
    return options


if __name__ == "__main__":
    arguments = parse_arguments()
    kit.check(lambda folder: run(arguments, folder))
