# SPDX-License-Identifier: Apache-2.0
"""Queries that may return nothing, each with its reason. The test fails if one of them has data: then remove it from
the list."""

# {(dashboard, place): reason}
MAY_BE_EMPTY = {}
