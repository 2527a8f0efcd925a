# ===- test_gpu_families.py - Every family of models on an emulated GPU ---===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The folders of data/models and data/dense_models, compiled for sm_80, agree with transformers and timm.

All models of VITC_FIXTURES compile for sm_80 and sm_90a.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import test_dense_models
from test_models import MODELS

from gpu import assert_close, compile_gpu, needs_emulator
from harness import VITC, run_ok

FIXTURES = Path(os.environ.get("VITC_FIXTURES", "/nonexistent"))
# Folders whose own configuration names no token to begin with have one here.
COMPLETED = {folder.name: folder for folder in (MODELS.parent / "generation").iterdir()}
SIZES = {"e2k_c2k_greedy16.onnx": ["--shape", "t=7"]}
MODEL_FILES = sorted([*FIXTURES.glob("*/*/config.json"), *FIXTURES.glob("*/*.onnx")])


@needs_emulator
@pytest.mark.parametrize("folder", sorted(path.parent for path in MODELS.glob("*/io.npz")), ids=lambda path: path.name)
def test_classifier(folder: Path, tmp_path: Path) -> None:
    inputs, _ = test_dense_models.read(folder / "io.npz")
    expected = inputs.pop("expected")
    (actual,) = compile_gpu(folder, tmp_path).run(inputs, tmp_path).values()
    assert_close(actual, expected)


@needs_emulator
@pytest.mark.parametrize("data", test_dense_models.DATA, ids=lambda path: path.parent.name)
def test_dense_model(data: Path, tmp_path: Path) -> None:
    inputs, expected = test_dense_models.read(data)
    actual = compile_gpu(data.parent, tmp_path, *test_dense_models.image_size(data)).run(inputs, tmp_path)
    for name, value in expected.items():
        assert_close(actual[name], value)


@pytest.mark.skipif(not MODEL_FILES, reason="VITC_FIXTURES names no folder of models")
@pytest.mark.parametrize("file", MODEL_FILES, ids=lambda file: "/".join(file.parts[-2:]))
def test_fixture_compiles(file: Path, tmp_path: Path) -> None:
    folder = COMPLETED.get(file.parent.name.removeprefix("VisionEncoderDecoder-"), file.parent)
    model = folder if file.name == "config.json" else file
    for architecture in ("sm_80", "sm_90a"):
        ptx = tmp_path / f"{architecture}.ptx"
        run_ok(VITC, "compile", model, "-o", ptx, f"--target={architecture}", *SIZES.get(file.name, []))
        assert f".target {architecture}" in ptx.read_text()
