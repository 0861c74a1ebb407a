# SPDX-License-Identifier: Apache-2.0
"""Configurations that must be refused: (text, line, key, part of the hint). `WRONG` is what parser and schema both see;
`NOT_PLAIN` is refused by rcached before the schema applies."""

INTEGERS = {
    "http.threads": ("an integer from 1 to 64", ["0", "65", "-1", "100", "1.5", "8.0", "1e1", "many", "''", "' 8'"]),
    "http.streams": ("an integer from 0 to 64", ["-1", "65", "-0", "six", "0.0", "640"]),
    "pipeline.shards": ("an integer from 1 to 16", ["0", "17", "-1", "auto", "1.5", "1000000000000"]),
    "http.rate": ("an integer from 0 to 100000", ["100001", "-1", "unlimited", "10/s", "1000000"]),
    "metrics.series_limit": ("an integer from 100 to 10000000", ["99", "10000001", "0", "none", "50k"]),
    "synthetic.domains": ("an integer from 1 to 1000", ["0", "1001", "-4", "four", "10000"]),
    "synthetic.cpus": ("an integer from 1 to 1024", ["0", "1025", "-8", "all", "2000"]),
    "synthetic.rate": ("an integer from 1 to 10000000", ["0", "10000001", "-1", "fast", "1e6"]),
    "synthetic.seed": ("an integer from 0 to 2^64-1", ["18446744073709551616", "-1", "x", "99999999999999999999999", "0.5"]),
}
DURATIONS = {
    "http.request_timeout": ("a duration from 1s to 120s", ["999ms", "121s", "120001ms", "0s", "10", "10000", "soon", "-1s", "1.5s"]),
    "pipeline.drain_interval": ("a duration from 1ms to 1s", ["0ms", "0s", "2s", "1001ms", "10", "10us", "ms", "1e1ms"]),
    "pipeline.snapshot_interval": ("a duration from 100ms to 60s", ["99ms", "61s", "60001ms", "0s", "1", "s", "1s1ms"]),
    "audit.interval": ("a duration from 1s to 3600s", ["999ms", "3601s", "3600001ms", "0s", "60", "daily", "1d"]),
    "audit.budget": ("a duration from 1ms to 1s", ["0ms", "2s", "1001ms", "50", "5%", "50 us"]),
    "textfile.interval": ("a duration from 1s to 3600s", ["999ms", "3601s", "15", "0s", "often", "99999999999999999999s"]),
}
SIZES = {
    "http.request_size": ("a size from 2KiB to 1MiB", ["1KiB", "2MiB", "1025KiB", "16384", "0KiB", "big", "KiB", "-2KiB"]),
    "kernel.ring_size": ("a power of two from 64KiB to 256MiB", ["3MiB", "32KiB", "512MiB", "65KiB", "4194304", "0MiB", "100KiB", "17592186044416MiB"]),
    "history.size": ("a size from 64KiB to 1024MiB", ["63KiB", "1025MiB", "16", "1048577KiB", "0KiB", "1.5MiB", "18446744073709551616KiB"]),
}
BOOLEANS = {key: ("write true or false", ["2", "maybe", "''", "enabled", "-1"]) for key in
            ("kernel.run_statistics", "audit.enabled", "metrics.per_cpu", "metrics.per_magazine")}
CHOICES = {
    "source": ("one of kernel, synthetic", ["file", "''", "kernel,synthetic", "1", "true"]),
    "kernel.probes": ("one of auto, kprobe", ["fentry", "none", "0", "auto kprobe"]),
    "synthetic.generation": ("one of bounded-128, bounded-127, unbounded-127", ["6.1", "127", "linux", "true"]),
    "synthetic.workload": ("one of steady, spread, burst, leak, mixed", ["heavy", "0", "none", "''"]),
    "log.level": ("one of debug, info, warning, error", ["trace", "verbose", "5", "''", "critical"]),
}
TEXTS = {
    "http.listen": ("IPv4-ADDRESS:PORT", [
        "9731", "':9731'", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:port", "127.0.0.256:9731", "127.0.0.1.1:9731",
        "127.0.0:9731", "'[::]'", "example.org:9731", "127.0.0.1:-1", "01.2.3.4:9731", "''", "'127.0.0.1:9731\n'"]),
    "http.web_config": ("an absolute path, or \"\" for none", ["web.yaml", "./web.yaml", "~/web.yaml", "' /x'", '"/x\\ty"', '"/x\\x85"']),
    "textfile.path": ("an absolute path that ends in .prom", ["r.prom", "/var/lib/r.txt", "/var/lib/r.prom.bak", "/prom", '"/a\\n.prom"', '"/a.prom\\n"']),
    "audit.spare_cpus": ("a list of CPUs such as 2-3,8", [
        "all", "1024", "-1", "3-2", "2-", "',2'", "'2,'", "2;3", "'2, 3'", "0-1024", "01", "1.5", "0-8:2/4", "none",
        "' 2'", "'2\n'"]),
    "run_directory": ("an absolute path of at most 99 ASCII characters", ["run", "''", "5", "false", "/ü", "/" + 99 * "x", '"/r\\0x"', '"/r\\n"']),
}
# Other spellings, and what is offered for them.
SUGGESTED = [
    ("http.threads", "08", "'8'"), ("http.threads", "+8", "'8'"), ("http.streams", "007", "'7'"), ("synthetic.rate", "50_000", "'50000'"),
    ("synthetic.rate", "'50,000'", "'50000'"), ("synthetic.seed", "00", "'0'"), ("metrics.series_limit", "0100000", "'100000'"),
    ("http.request_timeout", "10 s", "'10s'"), ("http.request_timeout", "1m", "'60s'"), ("http.request_timeout", "010s", "'10s'"),
    ("http.request_timeout", "10S", "'10s'"), ("audit.interval", "1h", "'3600s'"), ("audit.interval", "5min", "'300s'"),
    ("audit.budget", "50msec", "'50ms'"), ("pipeline.drain_interval", "10MS", "'10ms'"), ("textfile.interval", "2minutes", "'120s'"),
    ("kernel.ring_size", "4M", "'4MiB'"), ("kernel.ring_size", "4MB", "'4MiB'"), ("kernel.ring_size", "4mib", "'4MiB'"),
    ("kernel.ring_size", "64k", "'64KiB'"), ("history.size", "1G", "'1024MiB'"), ("history.size", "16 MiB", "'16MiB'"),
    ("http.request_size", "16KB", "'16KiB'"), ("http.request_size", "016KiB", "'16KiB'"),
    ("audit.enabled", "yes", "'true'"), ("audit.enabled", "on", "'true'"), ("audit.enabled", "1", "'true'"),
    ("audit.enabled", "True", "'true'"), ("metrics.per_cpu", "no", "'false'"), ("metrics.per_cpu", "off", "'false'"),
    ("metrics.per_cpu", "0", "'false'"), ("metrics.per_cpu", "FALSE", "'false'"), ("kernel.run_statistics", "ture", "'true'"),
    ("source", "kernl", "'kernel'"), ("source", "Kernel", "'kernel'"), ("source", "synthetc", "'synthetic'"), ("kernel.probes", "kprobes", "'kprobe'"),
    ("synthetic.generation", "bounded-129", "'bounded-128'"), ("synthetic.workload", "brust", "'burst'"), ("log.level", "DEBUG", "'debug'"),
    ("log.level", "warnng", "'warning'"), ("http.listen", "127.0.0.1", "'127.0.0.1:9731'"), ("http.listen", "localhost", "'localhost:9731'"),
    ("http.listen", "http://127.0.0.1:9731/", "'127.0.0.1:9731'"), ("http.listen", "'[::1]:9731'", "'127.0.0.1:9731'"),
    ("http.listen", "'*:9731'", "'0.0.0.0:9731'"), ("http.listen", "127.0.0.1:09731", "write IPv4-ADDRESS:PORT"),
]
# Keys and structure: as they are.
STRUCTURE = [
    ("sourec: kernel\n", 1, "sourec", "did you mean 'source'?"),
    ("htpp:\n  threads: 2\n", 1, "htpp", "did you mean 'http'?"),
    ("http:\n  threads: 2\n  listne: 127.0.0.1:1\n", 3, "http.listne", "did you mean 'http.listen'?"),
    ("log: {level: info}\nhttp: {thread: 2}\n", 2, "http.thread", "did you mean 'http.threads'?"),
    ("Source: kernel\n", 1, "Source", "did you mean 'source'?"),
    ("SOURCE: kernel\n", 1, "SOURCE", "known at the top level: source"),
    ("kernel:\n  ring-size: 4MiB\n", 2, "kernel.ring-size", "did you mean 'kernel.ring_size'?"),
    ("kernel:\n  ringsize: 4MiB\n", 2, "kernel.ringsize", "did you mean 'kernel.ring_size'?"),
    ("listen: 127.0.0.1:9731\n", 1, "listen", "did you mean 'http.listen'?"),
    ("\n\nlevel: debug\n", 3, "level", "did you mean 'log.level'?"),
    ("metrics:\n  seed: 4\n", 2, "metrics.seed", "did you mean 'synthetic.seed'?"),
    ("audit:\n  drain_interval: 1s\n", 2, "audit.drain_interval", "did you mean 'pipeline.drain_interval'?"),
    ("http:\n  tls: true\n", 2, "http.tls", "known in 'http': listen, threads"),
    ("zzzzzzzz: 1\n", 1, "zzzzzzzz", "known at the top level: source, http"),
    ("http.listen: 127.0.0.1:1\n", 1, "http.listen", "write 'listen' indented below 'http'"),
    ("source: kernel\nlog.level: info\n", 2, "log.level", "write 'level' indented below 'log'"),
    ("http:\n  <<: {threads: 3}\n", 2, "http.<<", "known in 'http': listen"),
    ("\"a\\tb\": 1\n", 1, "a\\x09b", "known at the top level: source"),
    ("'': 1\n", 1, "", "known at the top level: source"),
    ("true: 1\n", 1, "true", "known at the top level: source"),
    ("8: 1\n", 1, "8", "known at the top level: source"),
    ("history:\n  size : 16MiB\n  bytes: 1\n", 3, "history.bytes", "known in 'history': size"),
    ("run_directory:\n  path: /run\n", 2, "run_directory", "an absolute path"),
    ("source: [kernel]\n", 1, "source", "write one of kernel, synthetic"),
    ("source: []\n", 1, "source", "write one of kernel, synthetic"),
    ("source: {}\n", 1, "source", "write one of kernel, synthetic"),
    ("http:\n  threads:\n    count: 4\n", 3, "http.threads", "an integer from 1 to 64"),
    ("http:\n  listen:\n    - 127.0.0.1:1\n    - 127.0.0.1:2\n", 3, "http.listen", "IPv4-ADDRESS:PORT"),
    ("audit:\n  enabled: [true]\n", 2, "audit.enabled", "write true or false"),
    ("http: 127.0.0.1:9731\n", 1, "http", "write its keys indented below it: listen, threads"),
    ("http: ''\n", 1, "http", "write its keys indented below it: listen, threads"),
    ("http: true\n", 1, "http", "write its keys indented below it: listen, threads"),
    ("http:\n  - listen\n", 2, "http", "write its keys indented below it: listen, threads"),
    ("pipeline: []\n", 1, "pipeline", "write its keys indented below it: drain_interval"),
    ("source:\n", 1, "source", "write one of kernel, synthetic, or remove the line"),
    ("http:\n  threads: ~\n", 2, "http.threads", "or remove the line"),
    ("textfile:\n  path: null\n", 2, "textfile.path", "or remove the line"),
    ("run_directory: NULL\n", 1, "run_directory", "or remove the line"),
    ("- source\n", 1, None, "write lines such as 'source: kernel'"),
    ("# a word\nkernel\n", 2, None, "write lines such as 'source: kernel'"),
    ("8\n", 1, None, "write lines such as 'source: kernel'"),
    ("'null'\n", 1, None, "write lines such as 'source: kernel'"),
    ("[]\n", 1, None, "write lines such as 'source: kernel'"),
    ("source=kernel\n", 1, None, "write lines such as 'source: kernel'"),
    # the rule over two keys
    ("pipeline:\n  drain_interval: 1s\n  snapshot_interval: 999ms\n", 3, "pipeline.snapshot_interval", "at least 1s"),
    ("pipeline:\n  snapshot_interval: 100ms\n  drain_interval: 101ms\n", 2, "pipeline.snapshot_interval", "at most 100ms"),
    ("pipeline: {drain_interval: 1000ms, snapshot_interval: 500ms}\n", 1, "pipeline.drain_interval", "at least 1s"),
]
# What rcached's YAML reader rejects: (text, line, part of the hint).
NOT_PLAIN = [
    ("source: kernel\nsource: synthetic\n", 2, "remove one of them"),
    ("http:\n  threads: 1\nlog:\n  level: info\nhttp:\n  threads: 2\n", 5, "remove one of them"),
    ("http:\n  threads: 1\n  threads: 1\n", 3, "remove one of them"),
    ("http: {threads: 1, 'threads': 2}\n", 1, "remove one of them"),
    ("http: &a\n  threads: 2\n", 1, "remove it"),
    ("history: {size: &s 1MiB}\n", 1, "remove it"),
    ("source: *kernel\n", 1, "correct the syntax there"),
    ("http:\n  threads: !!int 4\n", 2, "remove it"),
    ("source: !kernel kernel\n", 1, "remove it"),
    ("? [a, b]\n: 1\n", 1, "write 'key: value'"),
    ("~: 1\n", 1, "write 'key: value'"),
    ("source: kernel\n---\nsource: synthetic\n", 2, "remove the '---' lines"),
    ("source: kernel: x\n", 1, "correct the syntax there"),
    ("source: [kernel\n", 2, "correct the syntax there"),
    ("http:\n\tthreads: 2\n", 2, "correct the syntax there"),
    ("source: @kernel\n", 1, "correct the syntax there"),
    (",x\n", 1, "correct the syntax there"),
    ("source: kernel\n}\n", 2, "correct the syntax there"),
    ("source: \"kernel\n", 1, "add the closing quote"),
    ("run_directory: '/run/x\nsource: synthetic\n", 1, "add the closing quote"),
    ("run_directory: '/a''\n", 1, "add the closing quote"),
    ("\"source: kernel\n", 1, "add the closing quote"),
    ("# üüü\nrun_directory: '/x\n", 2, "add the closing quote"),
    ("source: kernel\n# \0\n", 2, "save it as plain text"),
    ("run_directory: \"/\\ud800\"\n", 1, "correct the syntax there"),
]


def document(key, value):
    """The key with the value, and the line it stands in."""
    section, _, leaf = key.rpartition(".")
    if not section:
        return f"# of this site\n{leaf}: {value}\n", 2
    before = "\n" if section == "log" else "log:  # of this site\n"
    return f"{before}{section}:\n  {leaf}: {value}\n", 3


def wrong():
    rows = list(STRUCTURE)
    for table in (INTEGERS, DURATIONS, SIZES, BOOLEANS, CHOICES, TEXTS):
        for key, (hint, values) in table.items():
            rows += [(*document(key, value), key, hint) for value in values]
    rows += [(*document(key, value), key, hint) for key, value, hint in SUGGESTED]
    return rows


WRONG = wrong()
