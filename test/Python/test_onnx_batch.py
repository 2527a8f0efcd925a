# ===- test_onnx_batch.py - Ops of files with an open batch ----------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""ONNX ops that meet the batch, or round, give what ONNX Runtime's do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest
from onnx.reference import ReferenceEvaluator

import harness

BATCH = 3

OPS = {
    "first_item": """
g (float[B, 5, 6] x) => (float[5, 6] y) <int64 zero = {0}> { y = Gather(x, zero) }""",
    "first_item_twice": """
g (float[B, 5, 6] x) => (float[2, 5, 6] y) <int64[2] zeros = {0, 0}> { y = Gather(x, zeros) }""",
    "row_of_first_item": """
g (float[B, 5, 6] x) => (float[1, 6] y) <int64[1, 2] at = {0, 4}> { y = GatherND(x, at) }""",
    "numbers_from_3_on": """
g (float[B, 5] x) => (float[B, 5] y) <int64 one = {1}, int64 three = {3}> {
  size = Shape<start = 0, end = 1>(x)
  batch = Squeeze(size)
  limit = Add(batch, three)
  numbers = Range(three, limit, one)
  floats = Cast<to = 1>(numbers)
  columns = Unsqueeze(floats, one)
  y = Mul(x, columns)
}""",
    "cast_like_constant_f16": """
g (float[B, 5] x) => (float[B, 5] y) <float[1] one = {1.0}> {
  like = Cast<to = 10>(one)
  rounded = CastLike(x, like)
  y = Cast<to = 1>(rounded)
}""",
    "cast_like_computed_f16": """
g (float[B, 5] x) => (float[B, 5] y) {
  half = Cast<to = 10>(x)
  like = Neg(half)
  rounded = CastLike(x, like)
  y = Cast<to = 1>(rounded)
}""",
    # In f32 the size is 13; the exact product of 5 and the nearest float to 2.6 is less.
    "resize_by_2.6": """
g (float[B, 3, 5] x) => (float[B, 3, N] y) <float[3] s = {1.0, 1.0, 2.6}> { y = Resize<mode = "linear">(x, , s) }""",
}


# Angles of one item for all of them, which ONNX allows and ONNX Runtime refuses.
ROTARY = """
g (float[B, 2, 9, 8] x, float[1, 9, 4] c, float[1, 9, 4] s) => (float[B, 2, 9, 8] y) { y = RotaryEmbedding(x, c, s) }"""


def parse(text: str) -> onnx.ModelProto:
    return onnx.parser.parse_model('<ir_version: 8, opset_import: ["": 23]>' + text)


def check(folder: Path, model: onnx.ModelProto, run_reference: Callable[[dict], list[np.ndarray]]) -> None:
    """Compares the output y of `vitc run` with the reference's for random inputs."""
    onnx.save(model, folder / "model.onnx")
    generator = np.random.default_rng(7)
    inputs = {}
    command = [harness.VITC, "run", folder / "model.onnx"]
    for value in model.graph.input:
        shape = [dim.dim_value or BATCH for dim in value.type.tensor_type.shape.dim]
        inputs[value.name] = generator.standard_normal(shape, dtype=np.float32)
        np.save(folder / f"{value.name}.npy", inputs[value.name])
        command += ["--input", f"{value.name}={folder / value.name}.npy"]
    harness.run_ok(*command, "--output-dir", folder / "out")
    (reference,) = run_reference(inputs)
    assert np.abs(reference).max() > 0.1
    result = np.load(folder / "out" / "y.npy")
    assert result.shape == reference.shape
    np.testing.assert_allclose(result, reference, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("text", OPS.values(), ids=OPS.keys())
def test_op(text: str, tmp_path: Path) -> None:
    model = parse(text)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    check(tmp_path, model, lambda inputs: session.run(None, inputs))


def test_rotary_with_shared_angles(tmp_path: Path) -> None:
    model = parse(ROTARY)
    check(tmp_path, model, lambda inputs: ReferenceEvaluator(model).run(None, inputs))
