# ===- test_fixtures.py - Small models give transformers' answers ---------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Runs where VITC_FIXTURES names a folder with hf/CLASS/{config.json, model.safetensors, io.npz}."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import vitc

FIXTURES = os.environ.get("VITC_FIXTURES")
pytestmark = pytest.mark.skipif(not FIXTURES, reason="VITC_FIXTURES names no folder of models")


@pytest.mark.parametrize("name", ["ViTForImageClassification", "DeiTForImageClassificationWithTeacher"])
def test_agrees_with_transformers(name: str, backend: str) -> None:
    folder = Path(FIXTURES, "hf", name)
    with np.load(folder / "io.npz") as data:
        pixels, expected = data["pixel_values"], data["expected"]
    with vitc.compile(folder, batch="dynamic", backend=backend) as model:
        logits = model(pixels)
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
