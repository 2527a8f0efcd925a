# ===- test_onnx_counts.py - Tensors whose size depends on data -----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Boxes and positions that data choose, and what is made of them, are those of ONNX Runtime, as many as it has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest

import harness

HEADER = '<ir_version: 8, opset_import: ["": 18]>'

# Pictures, boxes of each, and classes.
BATCH, BOXES, CLASSES = 2, 60, 3

BY_CORNERS = f"""
g (float[{BATCH}, {BOXES}, 4] boxes, float[{BATCH}, {CLASSES}, {BOXES}] scores, int64 most) => (int64[n, 3] taken)
<float overlap = {{0.4}}, float least = {{0.2}}> {{
  taken = NonMaxSuppression(boxes, scores, most, overlap, least)
}}"""

BY_CENTER = f"""
g (float[{BATCH}, {BOXES}, 4] boxes, float[{BATCH}, {CLASSES}, {BOXES}] scores)
    => (int64[n, 3] taken, float[n, 4] kept, float[n] values)
<int64 most = {{30}}, float overlap = {{0.4}}, int64[1] first = {{0}}, int64[1] one = {{1}}, int64[1] two = {{2}},
 int64[1] three = {{3}}, int64 stride = {{{BOXES}}}, int64[2] flat = {{{BATCH * BOXES}, 4}}> {{
  taken = NonMaxSuppression<center_point_box = 1>(boxes, scores, most, overlap)
  item = Slice(taken, first, one, one)
  box = Slice(taken, two, three, one)
  start = Mul(item, stride)
  sum = Add(start, box)
  row = Squeeze(sum, one)
  all = Reshape(boxes, flat)
  kept = Gather(all, row)
  values = GatherND(scores_by_box, swapped)
  label = Slice(taken, one, two, one)
  swapped = Concat<axis = 1>(item, box, label)
  scores_by_box = Transpose<perm = [0, 2, 1]>(scores)
}}"""

NONZERO = """
g (float[5, 7, 3] x) => (int64[3, n] found, float[n] values) {
  found = NonZero(x)
  rows = Transpose(found)
  values = GatherND(x, rows)
}"""


def make_boxes(by_center: bool) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(1)
    center = generator.uniform(0, 60, (BATCH, BOXES, 2))
    size = generator.uniform(5, 30, (BATCH, BOXES, 2))
    parts = (center, size) if by_center else (center - size / 2, center + size / 2)
    scores = generator.uniform(0, 1, (BATCH, CLASSES, BOXES)).astype(np.float32)
    scores[..., ::7] = 0.5  # the first of equal ones comes first
    return {"boxes": np.concatenate(parts, -1).astype(np.float32), "scores": scores}


def check(text: str, inputs: dict[str, np.ndarray], folder: Path) -> list[np.ndarray]:
    """Compares all outputs, which have to be ONNX Runtime's bit for bit."""
    model = folder / "model.onnx"
    onnx.save(onnx.parser.parse_model(HEADER + text), model)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    expected = session.run(None, inputs)
    command = [harness.VITC, "run", model]
    for name, data in inputs.items():
        np.save(folder / f"{name}.npy", data)
        command += ["--input", f"{name}={folder / name}.npy"]
    harness.run_ok(*command, "--output-dir", folder / "out")
    for output, reference in zip(session.get_outputs(), expected, strict=True):
        np.testing.assert_array_equal(np.load(folder / "out" / f"{output.name}.npy"), reference)
    return expected


@pytest.mark.parametrize("most", [0, 7, 1000])
def test_boxes_by_corners(most: int, tmp_path: Path) -> None:
    inputs = make_boxes(by_center=False) | {"most": np.array(most)}
    (taken,) = check(BY_CORNERS, inputs, tmp_path)
    assert (len(taken) > 0) == (most > 0)
    assert len(taken) < BATCH * CLASSES * min(most, BOXES) or most < BOXES


def test_boxes_and_what_is_made_of_them(tmp_path: Path) -> None:
    check(BY_CENTER, make_boxes(by_center=True), tmp_path)


@pytest.mark.parametrize("threshold", [0.5, 2.0])
def test_positions(threshold: float, tmp_path: Path) -> None:
    x = np.random.default_rng(1).uniform(0, 1, (5, 7, 3)).astype(np.float32)
    check(NONZERO, {"x": np.where(x > threshold, x, 0).astype(np.float32)}, tmp_path)
