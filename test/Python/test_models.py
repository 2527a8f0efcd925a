# ===- test_models.py - Whole models agree with their references ----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Tiny models with perturbed weights, as Hugging Face folders and as ONNX files of three exporters.

Each folder of data/models, and of VITC_FIXTURES/hf where that is given, holds config.json, model.safetensors, io.npz
(inputs by name, and `expected` by transformers, for timm-* by timm, in f32) and model.*.onnx; VITC_FIXTURES/onnx holds
files whose reference is ONNX Runtime on seeded inputs. The largest error is 1e-4 of the largest reference.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from harness import VITC, run_ok

MODELS = Path(__file__).parent / "data" / "models"
FIXTURES = os.environ.get("VITC_FIXTURES")
TOLERANCE = 1e-4
ONNX_FILES = (
    "efficientvit_m0.dyn18",
    "mobilevit_xxs.dyn18",
    "test_coatnet.dyn18",
    "test_maxvit.dyn18",
    "test_vit.dyn25",
    "test_vit.ts17",
    "test_vit2.dyn18",
    "test_vit3.dyn25",
    "test_vit_relpos.ts17",
    "vitpt_linformer_sharekv_1kvhead.ts17",
    "vitpt_linformer_small_d128_l2_256p32.dyn18",
    "vitpt_linformer_small_d128_l2_256p32.dyn25",
)


def sources() -> list[Path]:
    """Every folder, and every ONNX file in it."""
    return [source for folder in sorted(MODELS.iterdir()) for source in (folder, *sorted(folder.glob("*.onnx")))]


def run_model(source: Path, inputs: dict[str, np.ndarray], folder: Path, *options: str) -> dict[str, np.ndarray]:
    """The outputs of `vitc run`, by name."""
    arguments = []
    for name, value in inputs.items():
        np.save(folder / f"{name}.npy", value)
        arguments += ["--input", f"{name}={folder / name}.npy"]
    run_ok(VITC, "run", source, *options, *arguments, "--output-dir", folder / "outputs")
    return {path.stem: np.load(path) for path in (folder / "outputs").glob("*.npy")}


def assert_agrees(actual: np.ndarray, expected: np.ndarray) -> None:
    # A tiny output would agree with anything.
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


def assert_raised(source: Path, *options: str) -> None:
    """Every softmax became an attention."""
    module = run_ok(VITC, "compile", source, *options, "--compile-to=raise", "-o", "-")
    assert "vit.attention" in module
    assert "linalg.softmax" not in module


@pytest.mark.parametrize("source", sources(), ids=lambda path: str(path.relative_to(MODELS)))
def test_agrees_with_transformers(source: Path, tmp_path: Path) -> None:
    folder = source if source.is_dir() else source.parent
    with np.load(folder / "io.npz") as data:
        inputs = {name: data[name] for name in data if name != "expected"}
        expected = data["expected"]
    (actual,) = run_model(source, inputs, tmp_path).values()
    assert_agrees(actual, expected)
    assert_raised(source)


@pytest.mark.parametrize("batch", [2, 7])
@pytest.mark.parametrize("name", sorted(path.name for path in MODELS.iterdir()))
def test_batches_are_independent(name: str, batch: int, tmp_path: Path) -> None:
    """A folder's program takes any batch, and each picture's answer is its own."""
    with np.load(MODELS / name / "io.npz") as data:
        pixels, expected = data["pixel_values"][-1:], data["expected"][-1:]
    others = np.random.default_rng(batch).standard_normal((batch - 1, *pixels.shape[1:]), np.float32)
    (actual,) = run_model(MODELS / name, {"pixel_values": np.concatenate([others, pixels])}, tmp_path).values()
    assert actual.shape[0] == batch
    assert_agrees(actual[-1:], expected)
    assert not np.allclose(actual[0], actual[-1])


@pytest.mark.skipif(not FIXTURES, reason="VITC_FIXTURES names no folder of models")
@pytest.mark.parametrize("name", ONNX_FILES)
def test_agrees_with_onnx_runtime(name: str, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    source = Path(FIXTURES, "onnx", f"{name}.onnx")
    session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    inputs = {each.name: rng.standard_normal(each.shape, np.float32) for each in session.get_inputs()}
    expected = session.run(None, inputs)
    actual = run_model(source, inputs, tmp_path)
    for output, value in zip(session.get_outputs(), expected, strict=True):
        assert_agrees(actual[output.name], value)
    assert_raised(source)
