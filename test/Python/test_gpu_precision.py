# ===- test_gpu_precision.py - Products of fewer bits on an emulated GPU ---===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Programs of bf16, f16 and tf32 on tensor cores, against the models' references in f32.

The largest error is 2e-2 of the largest reference, of tf32 3e-3, and the top class is the reference's.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import test_dense_models
import test_generation
from test_gpu import input_name, reference_logits

from gpu import assert_close, compile_gpu, needs_emulator
from harness import EXAMPLES, Photos, run_ok

pytestmark = needs_emulator

TOLERANCE = 2e-2
TF32_TOLERANCE = 3e-3


@pytest.mark.parametrize("precision", ["bf16", "f16"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_trained_models(name: str, precision: str, photos: Photos, tmp_path: Path) -> None:
    program = compile_gpu(EXAMPLES[name], tmp_path, "--batch=dynamic", f"--precision={precision}")
    expected = reference_logits(name, photos)[:2]
    logits = program.run({input_name(program): photos.pixels[:2]}, tmp_path / "outputs")["logits"]
    assert_close(logits, expected, TOLERANCE)
    np.testing.assert_array_equal(logits.argmax(1), expected.argmax(1))


@pytest.mark.parametrize(("target", "device"), [("sm_80", "8.0"), ("sm_90a", "9.0")])
@pytest.mark.parametrize("name", EXAMPLES)
def test_trained_models_of_tf32(name: str, target: str, device: str, photos: Photos, tmp_path: Path) -> None:
    """All of a product's operands are rounded, and nothing else: the error lies between those of f32 and of f16."""
    program = compile_gpu(EXAMPLES[name], tmp_path, "--batch=dynamic", "--precision=tf32", targets=(target,))
    kernels = (program.phases / f"4-llvm.{target}.ll").read_text()
    assert "mma.m16n8k8.row.col.tf32" in kernels
    assert not re.search("bfloat|half|wgmma", kernels)
    expected = reference_logits(name, photos)[:2]
    pixels = {input_name(program): photos.pixels[:2]}
    logits = program.run(pixels, tmp_path / "outputs", device=device)["logits"]
    assert_close(logits, expected, TF32_TOLERANCE)
    assert np.abs(logits - expected).max() > 1e-5 * np.abs(expected).max()
    np.testing.assert_array_equal(logits.argmax(1), expected.argmax(1))
    assert "tf32" in run_ok(program.path, "--info")


def test_convolutions_of_tf32(tmp_path: Path) -> None:
    """SegFormer's, which read their maps beyond their borders, and attention with fewer keys than queries."""
    (data,) = (path for path in test_dense_models.DATA if path.parent.name == "SegformerForSemanticSegmentation")
    inputs, expected = test_dense_models.read(data)
    options = test_dense_models.image_size(data)
    actual = compile_gpu(data.parent, tmp_path, "--precision=tf32", *options).run(inputs, tmp_path)
    for name, value in expected.items():
        assert_close(actual[name], value, TF32_TOLERANCE)


@pytest.mark.parametrize("name", ["vit", "swin"])
def test_warpgroups(name: str, photos: Photos, tmp_path: Path) -> None:
    """With enough to do the schedule takes wgmma on sm_90a, for products with each prologue and epilogue of a model."""
    batch = 16
    program = compile_gpu(EXAMPLES[name], tmp_path, f"--batch={batch}", "--precision=bf16", targets=("sm_90a",))
    assert "wgmma.mma_async" in (program.phases / "4-llvm.sm_90a.ll").read_text()
    expected = reference_logits(name, photos)[:batch]
    pixels = {input_name(program): photos.pixels[:batch]}
    logits = program.run(pixels, tmp_path / "outputs", device="9.0", seed=3)["logits"]
    assert_close(logits, expected, TOLERANCE)
    np.testing.assert_array_equal(logits.argmax(1), expected.argmax(1))


def test_rounds_what_products_multiply(photos: Photos, tmp_path: Path) -> None:
    """The error is that of bf16, not of f32: a program that ignored the option would not pass."""
    program = compile_gpu(EXAMPLES["vit"], tmp_path, "--batch=dynamic", "--precision=bf16")
    expected = photos.logits[:1]
    logits = program.run({input_name(program): photos.pixels[:1]}, tmp_path / "outputs")["logits"]
    assert np.abs(logits - expected).max() > 1e-5 * np.abs(expected).max()
    assert "bf16" in run_ok(program.path, "--info")


@pytest.mark.parametrize("precision", ["bf16", "tf32"])
def test_decoder(precision: str, tmp_path: Path) -> None:
    """Scores of greedy tokens differ little enough to choose the same ones."""
    name = "T5ForConditionalGeneration"
    expected = test_generation.load(name)
    program = compile_gpu(
        test_generation.MODELS / name,
        tmp_path,
        f"--max-source-length={test_generation.SOURCE_LENGTH}",
        f"--precision={precision}",
    )
    inputs = test_generation.encoder_inputs(name)
    actual = program.run(inputs, tmp_path / "outputs", f"--max-length={expected['max_length']}")
    test_generation.assert_same_tokens(actual["tokens"], expected["greedy_tokens"], 1, test_generation.end_token(name))
