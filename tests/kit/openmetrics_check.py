#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads OpenMetrics from standard input with prometheus_client's strict parser, and prints the number of samples. Exit
status 1: the input is invalid."""
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

seen = set()
try:
    for family in text_string_to_metric_families(sys.stdin.buffer.read().decode("utf-8")):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            if key in seen:
                raise ValueError(f"twice: {key}")
            seen.add(key)
except ValueError as error:  # includes UnicodeDecodeError
    print(error)
    sys.exit(1)
print(f"{len(seen)} samples")
