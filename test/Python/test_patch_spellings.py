# ===- test_patch_spellings.py - Patch embeddings as linear layers --------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Patches cut by Reshape and Transpose and projected by MatMul, as einops writes them, against ONNX Runtime.

Every case takes an image [B, 3, 8, 12] to tokens [B, 6, 10], of patches of 4 x 4. RAISED become one vit.patch_embed
with `norm` where the pixels of a patch are normalised first, and one product and no copy in the kernels; LEFT only
resemble them, and must be as right.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper, parser

from harness import VITC, run_ok

BATCH = 3
RTOL = 1e-5  # of the output's largest value

# vit_pytorch's 'b c (h p1) (w p2) -> b (h w) (p1 p2 c)', and '... (c p1 p2)'.
CHANNELS_LAST = "a = Reshape(x, grid)  t = Transpose<perm = [0, 2, 4, 3, 5, 1]>(a)  p = Reshape(t, patches)"
CHANNELS_FIRST = "a = Reshape(x, grid)  t = Transpose<perm = [0, 2, 4, 1, 3, 5]>(a)  p = Reshape(t, patches)"
NORM = "  n = LayerNormalization<epsilon = 1e-5>(p, gamma, beta)"
# As opset 16 has to write it.
NORM_WRITTEN_OUT = """  m = ReduceMean<axes = [-1]>(p)  d = Sub(p, m)  e = Mul(d, d)  v = ReduceMean<axes = [-1]>(e)
  f = Add(v, epsilon)  g = Sqrt(f)  h = Div(d, g)  i = Mul(h, gamma)  n = Add(i, beta)"""
LINEAR = "  l = MatMul(n, w)  y = Add(l, b)"
NORM_OF_TOKENS = "  l = MatMul(n, w)  k = Add(l, b)  y = LayerNormalization<epsilon = 1e-5>(k, token_gamma, b)"
PLAIN = "  l = MatMul(p, w)  y = Add(l, b)"

# With the number of norms in products.
RAISED = {
    "channels_last": (CHANNELS_LAST + PLAIN, 0),
    "channels_first": (CHANNELS_FIRST + PLAIN, 0),
    "norm_channels_last": (CHANNELS_LAST + NORM + LINEAR, 1),
    "norm_channels_first": (CHANNELS_FIRST + NORM + LINEAR, 1),
    "norm_written_out": (CHANNELS_LAST + NORM_WRITTEN_OUT + LINEAR, 1),
    "norms_before_and_after": (CHANNELS_LAST + NORM + NORM_OF_TOKENS, 1),
    "norm_without_bias": (CHANNELS_LAST + NORM + "  y = MatMul(n, w)", 1),
    "norm_scale_alone": (CHANNELS_LAST + "  n = LayerNormalization(p, gamma)" + LINEAR, 1),
}

LEFT = {
    # Columns of the image before its rows.
    "rows_and_columns_swapped": CHANNELS_LAST.replace("[0, 2, 4, 3, 5, 1]", "[0, 2, 4, 5, 3, 1]") + NORM + LINEAR,
    # Of the channels, before patches are cut.
    "norm_of_pixels": """i0 = Transpose<perm = [0, 2, 3, 1]>(x)  i1 = LayerNormalization(i0, channel_gamma)
        i2 = Transpose<perm = [0, 3, 1, 2]>(i1)  """
    + CHANNELS_LAST.replace("(x, grid)", "(i2, grid)")
    + PLAIN,
    # Of all patches together.
    "norm_of_image": CHANNELS_LAST + "  n = LayerNormalization<axis = 1>(p, all_gamma)" + LINEAR,
}


def tensors() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32)

    floats = {"w": normal(48, 10), "b": normal(10), "gamma": 1 + normal(48) / 2, "beta": normal(48)}
    floats |= {
        "all_gamma": 1 + normal(6, 48) / 2,
        "token_gamma": 1 + normal(10) / 2,
        "channel_gamma": 1 + normal(3) / 2,
    }
    shapes = {"grid": [0, 3, 2, 4, 3, 4], "patches": [0, 6, 48]}
    return floats | {name: np.array(value) for name, value in shapes.items()} | {"epsilon": np.float32(1e-5)}


def dump(folder: Path, body: str) -> tuple[str, str]:
    """The case after raising and as kernels, its output being compared before."""
    graph = parser.parse_graph("patches (float[B, 3, 8, 12] x) => (float[B, 6, 10] y) {" + body + "}")
    used = {name for node in graph.node for name in node.input}
    graph.initializer.extend(numpy_helper.from_array(np.asarray(v), k) for k, v in tensors().items() if k in used)
    model = folder / "model.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), model)
    # Far from zero, so that a norm that is left out shows.
    x = 3 + np.random.default_rng(1).standard_normal((BATCH, 3, 8, 12), np.float32)
    np.save(folder / "x.npy", x)
    options = ["--input", folder / "x.npy", "--output-dir", folder, f"--dump-phases-to={folder}"]
    run_ok(VITC, "run", model, *options)
    (expected,) = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"x": x})
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(np.load(folder / "y.npy"), expected, rtol=0, atol=RTOL * np.abs(expected).max())
    return (folder / "1-raise.mlir").read_text(), (folder / "3-kernel.mlir").read_text()


@pytest.mark.parametrize("name", RAISED)
def test_raised(name: str, tmp_path: Path) -> None:
    body, norms = RAISED[name]
    raised, kernels = dump(tmp_path, body)
    assert len(re.findall(r"= vit\.patch_embed ", raised)) == 1
    assert len(re.findall(r"vit\.patch_embed .* norm <", raised)) == norms
    assert not re.search(r"linalg\.transpose|vit\.linear", raised)
    assert len(re.findall(r"kernel\.gemm ", kernels)) == 1
    assert "kernel.gather " not in kernels


@pytest.mark.parametrize("name", LEFT)
def test_lookalike_is_left(name: str, tmp_path: Path) -> None:
    raised, _ = dump(tmp_path, LEFT[name])
    assert not re.search(r"vit\.patch_embed .* norm <", raised)
