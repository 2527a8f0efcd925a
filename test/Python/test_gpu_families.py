# ===- test_gpu_families.py - Every family of models on an emulated GPU ---===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The folders of data/models and data/dense_models, compiled for sm_80, agree with transformers and timm."""

from __future__ import annotations

from pathlib import Path

import pytest
import test_dense_models
from test_models import MODELS

from gpu import assert_close, compile_gpu, needs_emulator

pytestmark = needs_emulator


@pytest.mark.parametrize("folder", sorted(path.parent for path in MODELS.glob("*/io.npz")), ids=lambda path: path.name)
def test_classifier(folder: Path, tmp_path: Path) -> None:
    inputs, _ = test_dense_models.read(folder / "io.npz")
    expected = inputs.pop("expected")
    (actual,) = compile_gpu(folder, tmp_path).run(inputs, tmp_path).values()
    assert_close(actual, expected)


@pytest.mark.parametrize("data", test_dense_models.DATA, ids=lambda path: path.parent.name)
def test_dense_model(data: Path, tmp_path: Path) -> None:
    inputs, expected = test_dense_models.read(data)
    actual = compile_gpu(data.parent, tmp_path, *test_dense_models.image_size(data)).run(inputs, tmp_path)
    for name, value in expected.items():
        assert_close(actual[name], value)
