# ===- test_operators.py - docs/operators.md ------------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The table of ONNX ops says what vitc imports."""

from __future__ import annotations

import operators

import harness


def test_table_is_up_to_date() -> None:
    assert (harness.REPO / "docs" / "operators.md").read_text() == operators.table()


def test_limits_are_of_imported_ops() -> None:
    assert set(operators.LIMITS) <= set(operators.imported_ops())
