# ===- test_onnx_optimized.py - Files that ONNX Runtime optimised ---------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Files with ONNX Runtime's own ops, as its optimiser writes them, give what they give there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest

import harness

HEADER = '<ir_version: 8, opset_import: ["": 17, "com.microsoft": 1]>'

MLP = """
mlp (float[2, 9, 32] x, float[32, 64] w1, float[64] b1, float[64, 32] w2, float[32] b2, float[32] scale,
     float[32] shift)
    => (float[2, 9, 9] scores, float[2, 9, 32] y)
<float root = {1.41421354}, float one = {1.0}, float half = {0.5}, float width = {5.65685425}> {
  hidden = MatMul(x, w1)
  biased = Add(hidden, b1)
  scaled = Div(biased, root)
  erf = Erf(scaled)
  shifted = Add(erf, one)
  product = Mul(biased, shifted)
  gelu = Mul(product, half)
  out = MatMul(gelu, w2)
  moved = Add(out, b2)
  sum = Add(moved, x)
  y = LayerNormalization(sum, scale, shift)
  turned = Transpose<perm = [0, 2, 1]>(y)
  dots = MatMul(y, turned)
  scores = Div(dots, width)
}
"""


OPS = {
    "attention": """
g (float[2, 9, 32] x, float[32, 96] w, float[96] b) => (float[2, 9, 32] y) {
  y = com.microsoft.Attention<num_heads = 4, unidirectional = 1>(x, w, b)
}""",
    "multi_head_attention": """
g (float[2, 9, 32] q, float[2, 7, 32] k, float[2, 7, 32] v, float[96] b, float[1, 4, 9, 7] m) => (float[2, 9, 32] y) {
  y = com.microsoft.MultiHeadAttention<num_heads = 4>(q, k, v, b, , m)
}""",
    "padded": """
g (float[2, 9, 32] x, float[32, 96] w, float[96] b, float[2, 9, 32] k) => (float[2, 9, 32] y, float[2, 9, 32] z)
<int32[2] lengths = {9, 4}, int32[2, 9] mask = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0}> {
  y = com.microsoft.Attention<num_heads = 4>(x, w, b, lengths)
  z = com.microsoft.MultiHeadAttention<num_heads = 4>(x, k, k, , mask)
}""",
    "grouped": """
g (float[2, 9, 64] x) => (float[2, 9, 32] y, float[2, 2, 9, 8] k, float[2, 2, 9, 8] v)
<int64[3] sizes = {32, 16, 16}, int32[2] last = {8, 8}, int32 total = {9}> {
  q, u, w = Split<axis = 2>(x, sizes)
  y, k, v = com.microsoft.GroupQueryAttention<num_heads = 4, kv_num_heads = 2, local_window_size = 4>(
    q, u, w, , , last, total)
}""",
    "grouped_rotary": """
g (float[2, 9, 128] x, float[12, 8] w1, float[12, 8] w2)
    => (float[2, 9, 64] y, float[2, 2, 9, 16] k, float[2, 2, 9, 16] v)
<int32[2] last = {8, 8}, int32 total = {9}> {
  y, k, v = com.microsoft.GroupQueryAttention<num_heads = 4, kv_num_heads = 2, do_rotary = 1>(
    x, , , , , last, total, w1, w2)
}""",
    "embedding": """
g (float[2, 9] x, float[40, 32] w, float[12, 32] w1, float[2, 32] w2, float[32] scale, float[32] shift)
    => (float[2, 9, 32] y, int32[2] counts, float[2, 9, 32] sum)
<float most = {30.0}, int32[2, 9] mask = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0},
 int32[2, 9] segments = {0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1}> {
  scaled = Mul(x, most)
  positive = Abs(scaled)
  ids = Cast<to = 6>(positive)
  y, counts, sum = com.microsoft.EmbedLayerNormalization<epsilon = 1e-12>(ids, segments, w, w1, w2, scale, shift, mask)
}""",
    "activations": """
g (float[2, 9, 32] x, float[32] b) => (float[2, 9, 32] y) {
  u = com.microsoft.BiasGelu(x, b)
  v = com.microsoft.FastGelu(u, b)
  y = com.microsoft.QuickGelu(v)
}""",
    "convolution": """
g (float[2, 4, 9, 9] x, float[8, 4, 3, 3] w, float[8] b, float[2, 8, 7, 7] z) => (float[2, 8, 7, 7] y) {
  y = com.microsoft.FusedConv<activation = "Relu">(x, w, b, z)
}""",
    "norm": """
g (float[2, 9, 32] x, float[2, 9, 32] s, float[32] scale, float[32] shift, float[32] b)
    => (float[2, 9, 32] y, float[2, 9, 32] sum) {
  y, "", "", sum = com.microsoft.SkipLayerNormalization(x, s, scale, shift, b)
}""",
    "product": """
g (float[2, 32, 9] x, float[2, 7, 32] t) => (float[2, 9, 7] y) {
  y = com.microsoft.FusedMatMul<transA = 1, transB = 1, alpha = 0.25>(x, t)
}""",
}


def random_inputs(values) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(7)
    shapes = {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in values}
    return {name: generator.standard_normal(shape, dtype=np.float32) / 4 for name, shape in shapes.items()}


def parse(text: str) -> onnx.ModelProto:
    """The model, with inputs called w, b, scale and shift, or so and a digit, as weights."""
    model = onnx.parser.parse_model(HEADER + text)
    weights = [value for value in model.graph.input if value.name.rstrip("12") in ("w", "b", "scale", "shift")]
    for value, data in zip(weights, random_inputs(weights).values(), strict=True):
        model.graph.initializer.append(onnx.numpy_helper.from_array(data, value.name))
        model.graph.input.remove(value)
    return model


def check_against_runtime(session, model: Path, inputs: dict[str, np.ndarray]) -> None:
    command = [harness.VITC, "run", model]
    for name, data in inputs.items():
        np.save(model.parent / f"{name}.npy", data)
        command += ["--input", f"{name}={model.parent / name}.npy"]
    out = model.parent / "out"
    harness.run_ok(*command, "--output-dir", out)
    for value, reference in zip(session.get_outputs(), session.run(None, inputs), strict=True):
        assert np.abs(reference).max() > 0.1
        np.testing.assert_allclose(np.load(out / f"{value.name}.npy"), reference, rtol=1e-5, atol=1e-5)


def test_optimized_mlp(tmp_path: Path) -> None:
    model = parse(MLP)
    plain, optimized = tmp_path / "plain.onnx", tmp_path / "optimized.onnx"
    onnx.save(model, plain)

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(optimized)
    session = onnxruntime.InferenceSession(plain, options, providers=["CPUExecutionProvider"])
    ops = {node.op_type for node in onnx.load(optimized).graph.node if node.domain == "com.microsoft"}
    assert ops >= {"Gelu", "SkipLayerNormalization", "FusedMatMul"}
    check_against_runtime(session, optimized, random_inputs(model.graph.input))


@pytest.mark.parametrize("text", OPS.values(), ids=OPS.keys())
def test_op(text: str, tmp_path: Path) -> None:
    model = parse(text)
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    check_against_runtime(session, path, random_inputs(model.graph.input))
