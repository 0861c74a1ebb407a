#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""config/rcached.schema.json accepts and rejects what the parser does, over a table of wrong configurations, right
ones, and generated ones. The schema sees each document as rcached's YAML reader reads it, and as another reader of
YAML does. What a schema cannot express, and docs/config.md lists, is named here: is_only_a_bound(),
has_quoted_integer()."""
import collections
import json
import pathlib
import random
import re
import subprocess
import sys
import unittest

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "daemon/config/testing"), str(ROOT / "tests")]
import kit
import wrong_configs

SCHEMA = json.loads((ROOT / "config/rcached.schema.json").read_text())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
GENERATED = 4000

RIGHT = [
    "", "# a comment\n", "---\n", "~\n", "{}\n", "null\n", "\ufeffsource: kernel\n", "%YAML 1.2\n---\nsource: kernel\n",
    "# ü\nrun_directory: '/x'\n", "# ü\r\nrun_directory: \"/x\"\r\n", "http: {web_config: '/ü', threads: '2'}\n",
    "http:\n", "http: ~\n", "http: {}\n", "log:\n  # level: debug\nhttp:\n  threads: 2\n",
    "source: synthetic\n", "source: 'kernel'\n", "source: \"kernel\"\n", "{source: kernel, log: {level: error}}\n",
    "'source': kernel\n", "? source\n: kernel\n", "source: !  kernel\n", "source: >-\n  kernel\n", "source: |-\n  synthetic\n",
    "http: {threads: 1, streams: 0, rate: 0}\n", "http: {threads: 64, streams: 64, rate: 100000}\n", "http: {threads: \"8\"}\n",
    "http: {listen: 0.0.0.0:1}\n", "http: {listen: 255.255.255.255:65535}\n", "http: {listen: localhost:9731}\n",
    "http: {request_timeout: 1000ms, request_size: 2KiB}\n", "http: {request_timeout: 120s, request_size: 1MiB}\n",
    "http: {request_timeout: 120000ms, request_size: 1024KiB}\n", "http: {web_config: \"\"}\n", "http: {web_config: /}\n",
    "http: {web_config: '/etc/rcached/web config.yaml'}\n", "http: {web_config: /etc/prüfung}\n", "http: {web_config: \"/\\U0001F600\"}\n",
    "http: {web_config: /" + 1023 * "x" + "}\n", "http: {web_config: /" + 1023 * "ü" + "}\n",
    "kernel: {ring_size: 64KiB, probes: auto, run_statistics: true}\n", "kernel: {ring_size: 256MiB, probes: kprobe}\n",
    "kernel: {ring_size: 262144KiB, run_statistics: 'false'}\n", "pipeline: {drain_interval: 1ms, snapshot_interval: 100ms}\n",
    "pipeline: {drain_interval: 100ms, snapshot_interval: 100ms}\n", "pipeline: {drain_interval: 101ms, snapshot_interval: 1s}\n",
    "pipeline: {drain_interval: 1s, snapshot_interval: 60s}\n", "pipeline: {drain_interval: 1000ms}\n", "pipeline: {snapshot_interval: 100ms}\n", "pipeline: {shards: 16}\n",
    "audit: {enabled: false, interval: 1s, budget: 1ms}\n", "audit: {enabled: true, interval: 3600s, budget: 1s}\n",
    "audit: {spare_cpus: ''}\n", "audit: {spare_cpus: 2}\n", "audit: {spare_cpus: '2'}\n", "audit: {spare_cpus: 2-3}\n",
    "audit: {spare_cpus: '2-3,8'}\n", "audit: {spare_cpus: \"0,1023\"}\n", "audit:\n  spare_cpus: 2-3,8\n",
    "metrics: {per_cpu: true, per_magazine: \"true\", series_limit: 100}\n", "metrics: {series_limit: 10000000}\n",
    "history: {size: 64KiB}\n", "history: {size: 1024MiB}\n", "textfile: {path: /t/r.prom, interval: 1s}\n", "textfile: {path: '', interval: 3600000ms}\n",
    "textfile: {path: /.prom}\n", "synthetic: {generation: bounded-128, domains: 1, cpus: 1, rate: 1, seed: 0, workload: steady}\n",
    "synthetic: {generation: unbounded-127, domains: 1000, cpus: 1024, rate: 10000000, seed: 18446744073709551615, workload: leak}\n",
    "log: {level: debug}\n", "run_directory: /\n", "run_directory: '/a b'\n", "run_directory: /" + 98 * "x" + "\n",
]

# Values that a YAML 1.1 or core schema parser converts to values that the schema accepts, while rcached rejects their
# spelling. The schema cannot detect this; docs/config.md lists it.
SPELT_OTHERWISE = [
    ("audit", "enabled", ["yes", "on", "True", "TRUE", "no", "off", "False"]),
    ("http", "streams", ["-0"]),
    ("http", "threads", ["0x10", "010", "0b11", "1_0", "8.0", "+8"]),
]


NUMBER = r"(?:0|[1-9][0-9]*)"
BYTE = r"(?:0|[1-9][0-9]{0,2})"
# Texts that contain numbers: the schema checks their form, but not the bounds of the numbers.
FORMS = {**{key: f"{NUMBER}(?:ms|s)" for key in wrong_configs.DURATIONS},
         **{key: f"{NUMBER}(?:KiB|MiB)" for key in ("http.request_size", "history.size")},
         "audit.spare_cpus": rf"{NUMBER}(?:-{NUMBER})?(?:,{NUMBER}(?:-{NUMBER})?)*",
         "http.listen": rf"(?:localhost|{BYTE}(?:\.{BYTE}){{3}}):[1-9][0-9]{{0,4}}"}


def is_only_a_bound(answer):
    """Whether rcached rejects a document for a number in a text of the right form, or for the rule over two keys."""
    message = answer.get("message", "")
    wrong = re.match(r"wrong value '(.*)' for '([a-z_.]+)' \(", message)
    return (bool(wrong) and wrong[2] in FORMS and re.fullmatch(FORMS[wrong[2]], wrong[1]) is not None
            or message.startswith("'pipeline.snapshot_interval' is "))


def has_quoted_integer(document):
    """Whether an integer is written as a string, which rcached accepts and the schema rejects."""
    for key in wrong_configs.INTEGERS:
        section, _, leaf = key.partition(".")
        if isinstance(document, dict) and isinstance(document.get(section), dict):
            if isinstance(document[section].get(leaf), str):
                return True
    return False


class NullsOnly(yaml.SafeLoader):
    """Every scalar is a string, except null. Merging is not done."""
    yaml_implicit_resolvers = {}


class LikeRcached(NullsOnly):
    """In addition, true, false and decimal integers are not strings, as for rcached."""


NullsOnly.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
LikeRcached.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
LikeRcached.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), ["t", "f"])
LikeRcached.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^(?:0|-?[1-9][0-9]*)$"), list("-0123456789"))


def ask(texts):
    sys.set_int_max_str_digits(0)
    done = subprocess.run([kit.PROGRAMS["answers"]], input=json.dumps(texts).encode(), stdout=subprocess.PIPE,
                          check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(texts), (len(answers), len(texts))
    return answers


def judged(document):
    return VALIDATOR.is_valid(document)


class Table(unittest.TestCase):
    def test_the_schema_is_valid(self):
        jsonschema.Draft7Validator.check_schema(SCHEMA)

    def test_both_reject_invalid_configurations(self):
        rows = wrong_configs.WRONG
        self.assertGreaterEqual(len({text for text, *_ in rows}), 200)
        bounds = 0
        for (text, line, key, hint), answer in zip(rows, ask([text for text, *_ in rows])):
            with self.subTest(text=text):
                self.assertFalse(answer["accepted"])
                self.assertRegex(answer["message"], rf"\(site\.yaml:{line}:[0-9]+\)")
                if key is not None:
                    self.assertIn(f"'{key}'", answer["message"])
                self.assertIn(hint, answer["hint"])
                if is_only_a_bound(answer):
                    bounds += 1
                    self.assertTrue(judged(answer["document"]), "the schema knows this bound: take it off FORMS")
                else:
                    self.assertFalse(judged(answer["document"]), "the schema accepts it")
        self.assertLess(bounds, len(rows) // 4)

    def test_both_accept_valid_configurations(self):
        quoted = 0
        for text, answer in zip(RIGHT, ask(RIGHT)):
            with self.subTest(text=text):
                self.assertTrue(answer["accepted"], answer.get("message"))
                is_quoted = has_quoted_integer(answer["document"])
                quoted += is_quoted
                self.assertNotEqual(judged(answer["document"]), is_quoted)
                self.assertNotEqual(judged(yaml.safe_load(text)), is_quoted, "as another reader reads it")
        self.assertEqual(quoted, 2)

    def test_non_plain_yaml_is_rejected_before_the_schema(self):
        rows = wrong_configs.NOT_PLAIN
        for (text, line, hint), answer in zip(rows, ask([text for text, *_ in rows])):
            with self.subTest(text=text):
                self.assertFalse(answer["accepted"])
                self.assertNotIn("document", answer)
                self.assertRegex(answer["message"], rf"site\.yaml:{line}\b")
                self.assertIn(hint, answer["hint"])

    def test_every_key_is_in_both_tables(self):
        keys = {f"{name}.{leaf}" if leaf else name for name, node in SCHEMA["properties"].items()
                for leaf in node.get("properties", {"": None})}
        self.assertGreaterEqual(len(keys), 30)
        self.assertLessEqual(keys, {key for _, _, key, _ in wrong_configs.WRONG})
        seen = set()
        for text in RIGHT:
            for name, value in (yaml.load(text, LikeRcached) or {}).items():
                seen |= {f"{name}.{leaf}" for leaf in value} if isinstance(value, dict) else {name}
        self.assertLessEqual(keys, seen)

    def test_another_yaml_parser_agrees(self):
        texts = RIGHT + [text for text, *_ in wrong_configs.WRONG]
        for text, answer in zip(texts, ask(texts)):
            if "\\u" in text or "\\x" in text or "<<" in text:
                continue  # PyYAML's reader rejects C1 and NUL characters; it merges while constructing
            with self.subTest(text=text):
                self.assertEqual(judged(yaml.load(text, LikeRcached)), judged(answer["document"]))

    def test_only_other_spellings_of_numbers_and_booleans_are_hidden_by_typed_readers(self):
        for section, leaf, spellings in SPELT_OTHERWISE:
            texts = [f"{section}: {{{leaf}: {spelling}}}\n" for spelling in spellings]
            for text, answer in zip(texts, ask(texts)):
                with self.subTest(text=text):
                    self.assertFalse(answer["accepted"])
                    self.assertFalse(judged(answer["document"]))
                    self.assertTrue(judged(yaml.safe_load(text)), "no longer hidden: take it off the list")
        texts = [text for text, *_ in wrong_configs.WRONG if "\\" not in text and "<<" not in text]
        for text, answer in zip(texts, ask(texts)):
            if judged(yaml.safe_load(text)) and not is_only_a_bound(answer):
                value = re.search(r": (\S+)\n$", text)[1]
                self.assertRegex(value, r"^(?:-?[0-9+_.e]+|yes|no|on|off|True|FALSE)$", text)


class Generated(unittest.TestCase):
    """Right documents, changed at random in their values, keys and text."""

    def setUp(self):
        self.random = random.Random("rcached.yaml")
        self.values = collections.defaultdict(list)
        for text in RIGHT:
            for name, value in (yaml.load(text, NullsOnly) or {}).items():
                for leaf, one in value.items() if isinstance(value, dict) else [("", value)]:
                    if one is not None:
                        self.values[name, leaf].append(one)
        self.keys = sorted(self.values)
        self.all = [value for values in self.values.values() for value in values]
        # Numbers at and around the bounds, with every unit.
        numbers = {int(number) for number in re.findall("[0-9]+", " ".join(self.all)) if len(number) < 21}
        self.near = sorted({number + step for number in numbers for step in (-1, 0, 1)})

    def changed_text(self, text):
        for _ in range(self.random.randint(1, 2)):
            at = self.random.randint(0, len(text))
            piece = self.random.choice(["", "", *"0159-+._: /smKMiB\"'#üe", "\\n", "ms", "KiB"])
            text = text[:at] + piece + text[at + self.random.randint(0, 1):]
        return text

    def scalar(self, key):
        kind = self.random.random()
        if kind < 0.55:
            return self.random.choice(self.values[key])
        if kind < 0.75:
            number = str(self.random.choice(self.near))
            return number + self.random.choice(["", "ms", "s", "KiB", "MiB", "MiB", "m", ".0"])
        if kind < 0.85:
            return self.random.choice(self.all)
        return self.changed_text(self.random.choice(self.values[key]))

    def written(self, value):
        """A value as YAML: plain, or in quotes, or something else altogether."""
        kind = self.random.random()
        if kind < 0.04:
            return self.random.choice(["~", "", "[]", "{}", "[a]", "{a: b}", "null", "''", "0", "true"])
        plain = re.fullmatch(r"[0-9A-Za-z/+.][0-9A-Za-z/+._:-]*", value) and not value.endswith(":")
        if plain and kind < 0.8:
            return value
        if kind < 0.9:
            return "'" + value.replace("'", "''") + "'"
        return json.dumps(value, ensure_ascii=False)

    def document(self):
        sections = collections.defaultdict(list)
        for name, leaf in self.random.sample(self.keys, self.random.choice([1, 1, 2, 3, 6])):
            key = (name, leaf)
            if self.random.random() < 0.03:
                leaf = self.changed_text(leaf or "x")
            if self.random.random() < 0.02:
                name = self.changed_text(name)
            sections[name].append((leaf, self.written(self.scalar(key))))
        lines = []
        for name, entries in sections.items():
            if entries[0][0] == "":
                lines.append(f"{name}: {entries[0][1]}")
            else:
                lines += [f"{name}:"] + [f"  {leaf}: {value}" for leaf, value in entries]
        text = "\n".join(lines) + "\n"
        return self.changed_text(text) if self.random.random() < 0.1 else text

    def test_both_agree_on_generated_configurations(self):
        texts = [self.document() for _ in range(GENERATED)]
        counts = collections.Counter()
        for text, answer in zip(texts, ask(texts)):
            if not answer["accepted"]:
                self.assertTrue(answer["hint"], text)
                self.assertRegex(answer["message"], r"site\.yaml:[0-9]+", text)
            if "document" not in answer:
                self.assertFalse(answer["accepted"], text)
                counts["no plain YAML"] += 1
                continue
            if is_only_a_bound(answer):
                counts["only a bound"] += 1  # the schema may reject it for something else
                continue
            expected = answer["accepted"] and not has_quoted_integer(answer["document"])
            self.assertEqual(judged(answer["document"]), expected,
                             f"{text!r}: {answer.get('message', 'accepted by rcached')}")
            counts["accepted" if answer["accepted"] else "refused"] += 1
        print(f"{GENERATED} generated configurations: {dict(counts)}", file=sys.stderr)
        self.assertGreater(counts["accepted"], GENERATED // 5)
        self.assertGreater(counts["refused"], GENERATED // 5)


if __name__ == "__main__":
    kit.run_tests("answers")
