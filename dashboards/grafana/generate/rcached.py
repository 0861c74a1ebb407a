# SPDX-License-Identifier: Apache-2.0
"""rcached itself: whether it sees everything, what it costs, and its clients."""
import parts
from model import BAD, HOST_LINK, NOT_ZERO, PLAIN, Board, by_name, dashed, quantile, rate, right

AGE = "time() - "


def build(runbooks):
    board = Board("rcached", "rcached itself",
                  "The daemon: whether it sees every event, what it costs, what it exports, and its clients.",
                  [parts.datasource(), parts.job(), parts.instance(True), parts.runbooks(runbooks)],
                  {"job": '="$job"', "instance": '=~"$instance"'}, parts.annotations(False))
    summary(board)
    events(board)
    cost(board)
    mirror(board)
    exports(board)
    return board


def summary(board):
    board.stat("Running since", "Time since the most recent start of an rcached.", "s", PLAIN,
               AGE + "max(rcached_start_time_seconds)")
    board.stat("Events lost", "Events lost in the selected time range. Counters are too low by this many.",
               "short", BAD, "sum(increase(rcached_events_lost_total[$__range]))", runbooks=["RcachedEventsLost"])
    board.stat("Lag", "Age of the oldest event not yet applied, on the host where it is oldest.", "s",
               ((None, "green"), (1, "orange"), (10, "red")), "max(rcached_consumer_lag_seconds)")
    board.stat("CPUs used", "CPU time of the daemon per second, on the host where it uses the most.", "percentunit",
               ((None, "green"), (0.1, "orange"), (0.5, "red")), rate("process_cpu_seconds_total", aggregate="max"))
    board.stat("Memory", "Resident memory of the largest daemon.", "bytes", PLAIN,
               "max(process_resident_memory_bytes)")
    board.stat("Series left out", "Series left out of the last scrapes to keep to metrics.series_limit.",
               "short", BAD, "sum(rcached_series_left_out)")
    board.table("Hosts", "Version, mode and number of series of each daemon.",
                [("max by (job, instance, version) (rcached_build_info)", None, "short", PLAIN),
                 ("max by (job, instance, mode) (rcached_mode == 1)", None, "short", PLAIN),
                 ("max by (job, instance) (rcached_series)", "series", "short", PLAIN),
                 ("max by (job, instance) (rcached_series_limit)", "limit", "short", PLAIN),
                 (AGE + "max by (job, instance) (rcached_start_time_seconds)", "up", "s", PLAIN)],
                ["instance", "version", "mode"], (24, 6), {"instance": [HOST_LINK]}, "series")


def events(board):
    board.row("Events: does it see all of them?")
    board.series("Events", "Events per second: sent by the probes, read from the rings, applied to the mirror. They "
                 "should form one line; the difference between sent and received is lost or in transit.", "ops",
                 [(rate("rcached_events_sent_total"), "sent"), (rate("rcached_events_received_total"), "received"),
                  (rate("rcached_events_total"), "applied")])
    board.series("Lost by reason", "Events lost per second: ring_full (rcached reads too slowly), entry_missing (the "
                 "entry probe of a call was skipped), skipped (the kernel did not run a program).", "ops",
                 [(rate("rcached_events_lost_total", "reason"), "{{reason}}")], BAD, runbooks=["RcachedEventsLost"])
    board.series("Lost by CPU", "Events lost per second by CPU: a single CPU indicates a burst there; all of them "
                 "indicate that the daemon gets too little CPU time.", "ops",
                 [(rate("rcached_events_lost_total", "instance, cpu"), "{{instance}} CPU {{cpu}}")], BAD,
                 runbooks=["RcachedEventsLost"])
    board.series("Lag", "Age of the oldest event not yet applied. While lag grows, the rings fill "
                 "up: it precedes loss.",
                 "s", [("rcached_consumer_lag_seconds", "{{instance}}")])
    board.series("Backlog", "Events that have been drained and wait to be applied. Steady growth: give "
                 "pipeline.shards more threads.", "short", [("rcached_backlog_events", "{{instance}}")])
    board.series("Ring use", "The fullest ring when the rings were last drained, and at its highest since the start, "
                 "as a share of its size. At 100 % events are lost.", "percentunit",
                 [("rcached_ring_used_bytes / rcached_ring_size_bytes", "{{instance}}"),
                  ("rcached_ring_used_highest_bytes / rcached_ring_size_bytes", "{{instance}} highest")],
                 ((None, "green"), (0.5, "orange"), (0.9, "red")))
    board.series("Longest gap between drains", "The longest time between two drains of the rings since the start: what "
                 "a ring must hold.", "s", [("rcached_drain_gap_longest_seconds", "{{instance}}")])
    board.series("Silent probes", "Hosts whose kernel does not run the attached probes, so that no event "
                 "comes, by reason.", "short", [("sum by (reason) (rcached_probes_silent)", "{{reason}}")], BAD,
                 runbooks=["RcachedProbesSilent"])
    board.series("Malformed, late or unattributed", "Records rejected because of a wrong size or operation, events "
                 "applied after younger ones, and runs of the flush-queue timer whose domain the probe could not "
                 "determine, per second. Should be 0.", "ops",
                 [(rate("rcached_malformed_events_total"), "malformed records"),
                  (rate("rcached_events_late_total"), "late events"),
                  (rate("rcached_unattributed_flush_queue_drains_total"), "drains of an unknown domain")], NOT_ZERO)
    board.series("Programs skipped", "Runs of a probe program per second that the kernel skipped; absent if the "
                 "kernel does not count them.", "ops",
                 [(rate("rcached_program_skipped_total", "program, method"), "{{program}} ({{method}})")], NOT_ZERO)


def cost(board):
    board.row("Cost")
    board.series("CPU of the daemon", "CPU time of each daemon per second: 100 % is one CPU.", "percentunit",
                 [("rate(process_cpu_seconds_total[$__rate_interval])", "{{instance}}")])
    board.series("Memory of the daemon", "Resident memory: the mirror needs some tens of bytes for each range in the "
                 "tree.", "bytes", [("process_resident_memory_bytes", "{{instance}}")])
    board.series("Open files", "Open file descriptors: rings, programs, HTTP clients. Steady growth means a leak.",
                 "short", [("process_open_fds", "{{instance}}")])
    board.series("Runs of probe programs", "Runs per second by program; 0 unless the kernel's BPF statistics are on "
                 "(kernel.run_statistics).", "ops",
                 [(rate("rcached_program_runs_total", "program, method"), "{{program}} ({{method}})")], size=(12, 8))
    board.series("Time in probe programs", "CPUs spent in probe programs; 0 unless the kernel's BPF statistics are "
                 "on (kernel.run_statistics).", "percentunit",
                 [(rate("rcached_program_run_seconds_total", "program, method"), "{{program}} ({{method}})")],
                 size=(12, 8))


def mirror(board):
    board.row("Reading the kernel, and accuracy of the mirror")
    board.series("Reading kernel memory", "Chunks read per second, by result: good, changed while being read, or "
                 "fault. Many changed ones mean that a domain is busy.", "ops",
                 [(rate("rcached_kernel_reads_total", "result"), "{{result}}")], size=(6, 8))
    board.series("Time spent reading", "Share of time spent reading kernel memory, and its budget (audit.budget); the "
                 "longest single read is on the right axis.", "percentunit",
                 [("rate(rcached_kernel_read_seconds_total[$__rate_interval])", "{{instance}}"),
                  ("max(rcached_kernel_read_budget_ratio)", "budget"),
                  ("max(rcached_kernel_read_longest_seconds)", "longest read")],
                 size=(6, 8), overrides=[dashed("budget"), right("longest read", "s")])
    board.series("Audits", "Comparisons of mirrors with kernel memory per second, by result. Repaired ones found "
                 "differences; abandoned ones were given up because the domain kept changing; skipped ones were not "
                 "made because the domain was idle. On the right axis: CPUs that are not interrupted.", "ops",
                 [(rate("rcached_audits_total", "result"), "{{result}}"),
                  (rate("rcached_audits_skipped_total"), "skipped"), ("max(rcached_spared_cpus)", "CPUs spared")],
                 size=(6, 8), overrides=[right("CPUs spared", "short")])
    board.series("Losses and recoveries", "Times per second that a domain was marked as having lost events, and audits "
                 "that recovered a domain from such a loss.", "ops",
                 [(rate("rcached_loss_marks_total"), "loss marks"), (rate("rcached_resyncs_total"), "resyncs")],
                 NOT_ZERO, size=(6, 8), runbooks=["RcachedDomainLossy"])


def exports(board):
    board.row("Exports")
    board.series("Series", "Series of each host's scrape, and the limit (metrics.series_limit).", "short",
                 [("rcached_series", "{{instance}}"), ("max(rcached_series_limit)", "limit")],
                 overrides=[dashed("limit")])
    board.series("Series left out", "Series left out of a scrape to keep to the limit, by metric. Only whole metrics "
                 "are left out, the most detailed first.", "short",
                 [("sum by (metric) (rcached_series_dropped)", "{{metric}}"),
                  ("sum(rcached_series_left_out)", "all")], NOT_ZERO, overrides=[dashed("all")])
    board.series("Time to render", "99th percentile of the time to render a snapshot, by format. It is rendered once "
                 "for all scrapers.", "s",
                 [(quantile(0.99, "rcached_render_duration_seconds", "format"), "{{format}}"),
                  (f"{rate('rcached_render_duration_seconds_sum')} / "
                   f"({rate('rcached_render_duration_seconds_count')} > 0)", "mean")])
    board.series("HTTP requests", "Requests answered per second, by route.", "ops",
                 [(rate("rcached_http_requests_total", "handler"), "{{handler}}")])
    board.series("HTTP errors", "Responses with a status of 400 or more, and refused requests and connections by "
                 "reason, per second.", "ops",
                 [(rate('rcached_http_requests_total{code=~"[45].."}', "code"), "{{code}}"),
                  (rate("rcached_http_refused_total", "reason"), "refused: {{reason}}")], NOT_ZERO)
    board.series("HTTP latency", "99th percentile of the time from the head of a request to the end of its response, "
                 "by route.", "s",
                 [(quantile(0.99, "rcached_http_request_duration_seconds", "handler"), "{{handler}}")])
    board.heatmap("HTTP latency, all routes", "How long requests took: darker means more of them.", "short",
                  rate("rcached_http_request_duration_seconds_bucket", "le", "increase"), "{{le}}", size=(8, 8),
                  buckets=True)
    board.series("Streams and reloads", "Live pages and terminals that currently receive updates, and reloads of the "
                 "web configuration, by result.", "short",
                 [("sum(rcached_http_streams_open)", "streams"),
                  (rate("rcached_http_web_config_reloads_total", "result", "increase"), "reloads: {{result}}")])
    board.series("Configuration", "Reloads of the configuration, by result, and whether the last one was applied; a "
                 "failure changes nothing. The age of the current configuration is on the right axis.", "short",
                 [(rate("rcached_config_reloads_total", "result", "increase"), "reloads: {{result}}"),
                  ("min(rcached_config_last_reload_successful)", "last one applied"),
                  (AGE + "max(rcached_config_last_reload_success_timestamp_seconds)", "age")],
                 overrides=[right("age", "s")], runbooks=["RcachedConfigReloadFailed"])
    board.series("Textfile", "Writes per second of the file for node_exporter, by result; its age "
                 "is on the right axis.",
                 "ops", [(rate("rcached_textfile_writes_total", "result"), "{{result}}"),
                         (AGE + "min(rcached_textfile_last_write_timestamp_seconds > 0)", "age")],
                 overrides=[right("age", "s"), by_name("error", color={"mode": "fixed", "fixedColor": "red"})])
