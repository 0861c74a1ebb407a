#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The JSON API against its OpenAPI document, both ways: every answer (of made-up views, of a running synthetic daemon,
of the examples in docs/api.md) is valid by the strictest reading of the document, and everything the document
describes occurs in an answer."""
import json
import pathlib
import re
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests"))
import kit

EXAMPLES = HERE.parent.parent / "docs" / "api.md"
DOCUMENT = {}  # what `api-answers --openapi` prints
SCHEMAS = {}   # its components/schemas
NULL = {"type": "null"}


def resolved(node):
    while "$ref" in node:
        target = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def errors(instance, schema):
    validator = jsonschema.Draft202012Validator(
        schema, resolver=jsonschema.RefResolver("", DOCUMENT), format_checker=jsonschema.FormatChecker())
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(instance)]


def answer_schema(path, status, content_type):
    """The document's media type object for an answer."""
    operation = DOCUMENT["paths"][path]["get"]
    return resolved(operation["responses"][str(status)])["content"][content_type]


def parse_events(text):
    """[(name, id, data)] of text/event-stream."""
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line and not line.startswith(":"))
        if "data" in fields:
            events.append((fields["event"], int(fields["id"]), json.loads(fields["data"])))
    return events


def instances(answer):
    """(schema, instance) of everything in an answer that the document describes."""
    media = answer_schema(answer["path"], answer["status"], answer["content_type"])
    if answer["content_type"] != "text/event-stream":
        yield media["schema"], json.loads(answer["body"])
        return
    for name, _, data in parse_events(answer["body"]):
        yield media["x-events"][name], data


def subschemas(schema):
    """Every schema in a schema, itself included, without following references."""
    yield schema
    for child in schema.get("properties", {}).values():
        yield from subschemas(child)
    if "items" in schema:
        yield from subschemas(schema["items"])
    for child in schema.get("anyOf", []):
        yield from subschemas(child)


def all_schemas():
    for name, schema in SCHEMAS.items():
        for each in subschemas(schema):
            yield name, each


def walk(schema, instance, place, seen):
    """Records in `seen` which parts of the schema occur in the instance: (place, "value" | "null" | an enum's value). A
    place is a component and the path from there, so that it counts wherever the component is used."""
    if "$ref" in schema:
        seen.add((place, "value"))
        place = schema["$ref"].rsplit("/", 1)[1]
        schema = resolved(schema)
    if "anyOf" in schema:
        for choice in schema["anyOf"]:
            if not errors(instance, choice):
                walk(choice, instance, place, seen)
                seen.add((place, "null" if instance is None else "value"))
        return
    seen.add((place, "null" if instance is None else "value"))
    if "enum" in schema:
        seen.add((place, instance))
    if isinstance(instance, dict):
        for name, value in instance.items():
            if name in schema.get("properties", {}):
                child = schema["properties"][name]
                seen.add((f"{place}.{name}", "null" if value is None else "value"))
                walk(child, value, f"{place}.{name}", seen)
    if isinstance(instance, list) and "items" in schema:
        for value in instance:
            walk(schema["items"], value, place + "[]", seen)


def expected(schema, place):
    """What walk() finds of a component if all of it occurs."""
    if "$ref" in schema:
        yield place, "value"
        return
    if "anyOf" in schema:
        for choice in schema["anyOf"]:
            yield (place, "null") if choice == NULL else (place, "value")
            if "$ref" not in choice and choice != NULL:
                yield from expected(choice, place)
        return
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    for kind in types:
        yield place, "null" if kind == "null" else "value"
    for value in schema.get("enum", []):
        yield place, value
    for name, child in schema.get("properties", {}).items():
        yield from expected(child, f"{place}.{name}")
    if "items" in schema:
        yield from expected(schema["items"], place + "[]")


class Daemon(kit.Rcached):
    """rcached run --source synthetic, and answers as api-answers prints them."""

    def ask(self, path, target):
        try:
            response = urllib.request.urlopen(self.url + target, timeout=kit.LIMIT)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            if response.headers["Content-Type"] == "text/event-stream":
                body = self.read_events(response, 2)
            else:
                body = response.read().decode()
            return {"case": "daemon", "path": path, "request": target, "status": response.status,
                    "content_type": response.headers["Content-Type"], "cache": response.headers["Cache-Control"],
                    "body": body}

    @staticmethod
    def read_events(response, snapshots):
        """Up to the first event after the given number of snapshots, each with its domain."""
        text = ""
        while text.count("event: snapshot") <= snapshots:
            line = response.readline().decode()
            if not line:
                break
            text += line
        return text[:text.rindex("id: ")]

    def answers(self):
        labels = [d["domain"] for d in json.loads(self.ask("", "/api/v1/domains")["body"])["domains"]]
        assert len(labels) == 4, labels
        for path in DOCUMENT["paths"]:
            for label in labels + ["nowhere"] if "{domain}" in path else [""]:
                yield self.ask(path, path.replace("{domain}", label))
            yield self.ask(path, path.replace("{domain}", labels[0]) + "?unknown=1")
        yield self.ask("/api/v1/stream", f"/api/v1/stream?domain={labels[0]}")
        yield self.ask("/api/v1/stream", "/api/v1/stream?domain=nowhere")
        yield self.ask("/api/v1/notes", "/api/v1/notes?after=0")
        yield self.ask("/api/v1/notes", "/api/v1/notes?after=x")


def examples():
    """Answers in docs/api.md: a heading with the path, and the JSON after it."""
    for path, body in re.findall(r"^## `GET (\S+)`$.*?^```json\n(.*?)^```$", EXAMPLES.read_text(), re.M | re.S):
        yield {"case": "docs/api.md", "path": path.split("?")[0], "request": path, "status": 200,
               "content_type": "application/json", "body": body}


class Document(unittest.TestCase):
    """The document itself: the requirements of OpenAPI 3.1, and additional ones of this project."""

    def test_frame(self):
        self.assertRegex(DOCUMENT["openapi"], r"^3\.1\.\d+$")
        self.assertEqual(set(DOCUMENT), {"openapi", "info", "servers", "security", "paths", "components"})
        self.assertTrue(DOCUMENT["info"]["title"])

    def test_operations(self):
        names = [item["get"]["operationId"] for item in DOCUMENT["paths"].values()]
        self.assertEqual(len(names), len(set(names)))
        for path, item in DOCUMENT["paths"].items():
            with self.subTest(path):
                self.assertEqual(list(item), ["get"], "read-only")
                operation = item["get"]
                self.assertTrue(operation["summary"])
                parameters = [resolved(p) for p in operation.get("parameters", [])]
                in_path = {p["name"] for p in parameters if p["in"] == "path"}
                self.assertEqual(in_path, set(re.findall(r"{(\w+)}", path)))
                for parameter in parameters:
                    self.assertTrue(parameter["description"])
                    self.assertEqual(parameter.get("required", False), parameter["in"] == "path")
                    jsonschema.Draft202012Validator.check_schema(parameter["schema"])
                for status, response in operation["responses"].items():
                    self.assertRegex(status, r"^[2-5]\d\d$")
                    self.assertTrue(resolved(response)["description"])
                    for media in resolved(response)["content"].values():
                        jsonschema.Draft202012Validator.check_schema(media["schema"])

    def test_every_reference_resolves_and_every_component_is_used(self):
        references = set(re.findall(r'"\$ref": "(#/[^"]+)"', json.dumps(DOCUMENT)))
        for reference in references:
            self.assertIsInstance(resolved({"$ref": reference}), dict, reference)
        for kind in ("parameters", "responses", "schemas"):
            for name in DOCUMENT["components"][kind]:
                self.assertIn(f"#/components/{kind}/{name}", references)
        schemes = {name for option in DOCUMENT["security"] for name in option}
        self.assertEqual(schemes, set(DOCUMENT["components"]["securitySchemes"]))

    def test_schemas_are_strict(self):
        for name, schema in all_schemas():
            with self.subTest(name):
                jsonschema.Draft202012Validator.check_schema(schema)
                self.assertLessEqual(set(schema), {"$ref", "anyOf", "type", "enum", "description", "properties",
                                                   "required", "additionalProperties", "items", "minItems", "maxItems",
                                                   "minimum"},
                                     "a keyword that this test does not check")
                if schema.get("type") == "object":
                    self.assertIs(schema["additionalProperties"], False)
                    self.assertEqual(schema["required"], list(schema["properties"]))
                if schema.get("type") == "array":
                    self.assertIn("items", schema)

    def test_every_number_and_string_is_explained(self):
        for name, schema in all_schemas():
            for member, child in schema.get("properties", {}).items():
                inner = child.get("items", child)
                if "$ref" not in inner and inner.get("type") != "object":
                    self.assertTrue(child.get("description"), f"{name}.{member}")


class Answers(kit.TestCase):
    @classmethod
    def setUpClass(cls):
        printed = subprocess.run([kit.PROGRAMS["answers"]], check=True, capture_output=True, text=True).stdout
        cls.made_up = json.loads(printed)
        with Daemon(kit.PROGRAMS["rcached"], cls.class_folder(), "pipeline: {snapshot_interval: 100ms}\n") as daemon:
            daemon.wait_ready()
            cls.from_daemon = list(daemon.answers())
        cls.log = daemon.output()
        cls.examples = list(examples())
        cls.all = cls.made_up + cls.from_daemon + cls.examples

    def test_answers_match_the_document(self):
        for answer in self.all:
            with self.subTest(case=answer["case"], request=answer["request"]):
                for schema, instance in instances(answer):
                    self.assertEqual(errors(instance, schema), [])
        print(f"{len(self.made_up)} answers of made-up views, {len(self.from_daemon)} of the daemon, "
              f"{len(self.examples)} examples", file=sys.stderr)

    def test_every_case_has_answers(self):
        cases = {answer["case"] for answer in self.made_up
                 if answer["path"] == "/api/v1/domains" and answer["status"] == 200}
        self.assertEqual(cases, {"empty", "idle", "bounded", "unbounded", "hostile", "edges"})

    def test_every_status_of_every_path_occurs(self):
        described = {(path, status) for path, item in DOCUMENT["paths"].items() for status in item["get"]["responses"]}
        self.assertEqual(described - {(a["path"], str(a["status"])) for a in self.made_up}, set())

    def test_everything_described_occurs(self):
        seen = set()
        for answer in self.all:
            for schema, instance in instances(answer):
                walk(schema, instance, answer["path"], seen)
        wanted = {each for name, schema in SCHEMAS.items() for each in expected(schema, name)}
        self.assertGreater(len(wanted), 250)
        self.assertEqual(sorted(wanted - seen, key=str), [])

    def test_the_validation_is_strict(self):
        """Any extra or missing member, and any number as a string, is rejected."""
        checked = 0
        for answer in self.made_up:
            if answer["case"] != "bounded" or answer["path"] == "/api/v1/openapi.json":
                continue
            for schema, instance in instances(answer):
                for corrupted, what in corruptions(instance):
                    self.assertTrue(errors(corrupted, schema), f"{answer['request']}: {what} is not detected")
                    checked += 1
        self.assertGreater(checked, 500)

    def test_the_daemon_serves_the_document_with_its_version(self):
        served = [json.loads(a["body"]) for a in self.from_daemon if a["request"] == "/api/v1/openapi.json"]
        version = subprocess.run([kit.PROGRAMS["rcached"], "--version"], check=True, capture_output=True,
                                 text=True).stdout.split()[1]
        self.assertEqual(served, [DOCUMENT])
        self.assertEqual(DOCUMENT["info"]["version"], version)

    def test_answers_must_not_be_cached(self):
        for answer in self.from_daemon:
            self.assertEqual(answer["cache"], "no-store", answer["request"])

    def test_the_stream_continues_with_increasing_numbers(self):
        streams = [parse_events(a["body"]) for a in self.from_daemon
                   if a["path"] == "/api/v1/stream" and a["status"] == 200]
        self.assertEqual(len(streams), 3)
        for events in streams:
            numbers = [number for name, number, _ in events if name == "snapshot"]
            self.assertEqual(len(numbers), 2)
            self.assertLess(numbers[0], numbers[1])
            times = [data["domains"]["time"] for name, _, data in events if name == "snapshot"]
            self.assertLess(times[0], times[1])
        self.assertEqual([name for name, _, _ in streams[1]], ["snapshot", "domain"] * 2)

    def test_the_daemon_logs_no_warnings(self):
        self.assertNotRegex(self.log, r"(?i)\b(warning|error)\b")

    def test_docs_have_an_example_for_each_path(self):
        paths = {answer["path"] for answer in self.examples}
        text = EXAMPLES.read_text()
        for path in DOCUMENT["paths"]:
            self.assertIn(f"## `GET {path}", text)
            if path not in ("/api/v1/stream", "/api/v1/openapi.json"):
                self.assertIn(path, paths)


def corruptions(instance):
    """(copy of instance with one error, its description), for every object in it; for arrays, the first element."""
    if isinstance(instance, dict):
        yield {**instance, "added": 1}, "an extra member"
        for name, value in instance.items():
            rest = {other: each for other, each in instance.items() if other != name}
            yield rest, f"no {name}"
            if isinstance(value, (int, float)):
                yield {**instance, name: str(value)}, f"{name} as a string"
            for corrupted, what in corruptions(value):
                yield {**instance, name: corrupted}, f"{name}: {what}"
    elif isinstance(instance, list) and instance:
        for corrupted, what in corruptions(instance[0]):
            yield [corrupted] + instance[1:], what


def setUpModule():
    DOCUMENT.update(json.loads(subprocess.run([kit.PROGRAMS["answers"], "--openapi"], check=True, capture_output=True,
                                              text=True).stdout))
    SCHEMAS.update(DOCUMENT["components"]["schemas"])


if __name__ == "__main__":
    kit.run_tests("answers", "rcached")
