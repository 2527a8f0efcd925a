# ===- test_onnx_gridsample.py - ONNX's GridSample ------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""GridSample gives what ONNX Runtime gives, near and far outside of the picture too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest

import harness

MODEL = """
<ir_version: 8, opset_import: ["": 20]>
g (float[2, 2, 5, 7] x, float[2, 6, 5, 2] grid) => (float[2, 2, 6, 5] y) {{
  y = GridSample<mode = "{mode}", padding_mode = "{padding}", align_corners = {align}>(x, grid)
}}"""


@pytest.mark.parametrize("align", [0, 1])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_gridsample(mode: str, padding: str, align: int, tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    onnx.save(onnx.parser.parse_model(MODEL.format(mode=mode, padding=padding, align=align)), model)
    generator = np.random.default_rng(3)
    x = generator.standard_normal((2, 2, 5, 7)).astype(np.float32)
    grid = generator.uniform(-3, 3, (2, 6, 5, 2)).astype(np.float32)
    # Half of the positions are near the picture's border.
    grid[0] = generator.uniform(0.8, 1.4, grid[0].shape) * np.sign(grid[0])
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"x": x, "grid": grid})
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "grid.npy", grid)
    inputs = [f"--input={name}={tmp_path / name}.npy" for name in ("x", "grid")]
    harness.run_ok(harness.VITC, "run", model, *inputs, "--output-dir", tmp_path / "out")
    np.testing.assert_allclose(np.load(tmp_path / "out" / "y.npy"), expected, rtol=1e-4, atol=1e-4)
