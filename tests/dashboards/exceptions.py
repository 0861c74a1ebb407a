# SPDX-License-Identifier: Apache-2.0
"""Queries that may come back empty, each with its reason. The test fails when one of them does have data: then it is
to be taken off the list."""

# {(dashboard, place): reason}
MAY_BE_EMPTY = {}
