# ===- test_onnx_quantized.py - Quantised ONNX files ----------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Products of integers are exact whatever their length; ONNX Runtime's own quantised ops give what they give there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest

import harness

HEADER = '<ir_version: 8, opset_import: ["": 17, "com.microsoft": 1]>'

# Inputs called w are weights; s and z with a digit are scales and zero points.
OPS = {
    "add": """
g (uint8[2, 3, 5] x, uint8[3, 5] y, float s1, uint8 z1, float s2, uint8 z2, float s3, uint8 z3) => (uint8[2, 3, 5] r) {
  r = com.microsoft.QLinearAdd(x, s1, z1, y, s2, z2, s3, z3)
}""",
    "mul": """
g (int8[2, 3, 5] x, int8[3, 1] y, float s1, int8 z1, float s2, int8 z2, float s3, int8 z3) => (int8[2, 3, 5] r) {
  r = com.microsoft.QLinearMul(x, s1, z1, y, s2, z2, s3, z3)
}""",
    "sigmoid": """
g (uint8[2, 3, 5] x, float s1, uint8 z1, float s2, uint8 z2) => (uint8[2, 3, 5] r) {
  r = com.microsoft.QLinearSigmoid(x, s1, z1, s2, z2)
}""",
    "leaky_relu": """
g (uint8[2, 3, 5] x, float s1, uint8 z1, float s2, uint8 z2) => (uint8[2, 3, 5] r) {
  r = com.microsoft.QLinearLeakyRelu<alpha = 0.1>(x, s1, z1, s2, z2)
}""",
    "softmax": """
g (uint8[2, 3, 5] x, float s1, uint8 z1, float s2, uint8 z2) => (uint8[2, 3, 5] r) {
  r = com.microsoft.QLinearSoftmax<axis = -1, opset = 13>(x, s1, z1, s2, z2)
}""",
    "pool": """
g (uint8[2, 3, 5, 5] x, float s1, uint8 z1, float s2, uint8 z2) => (uint8[2, 3, 1, 1] r) {
  r = com.microsoft.QLinearGlobalAveragePool(x, s1, z1, s2, z2)
}""",
    "concat": """
g (uint8[2, 3] x, uint8[2, 4] y, float s1, uint8 z1, float s2, uint8 z2, float s3, uint8 z3) => (uint8[2, 7] r) {
  r = com.microsoft.QLinearConcat<axis = 1>(s3, z3, x, s1, z1, y, s2, z2)
}""",
    "gemm": """
g (uint8[5, 300] x, uint8[7, 300] w, float s1, uint8 z1, float[7] s2, uint8[7] z2, float s3, uint8 z3)
    => (uint8[5, 7] r) {
  r = com.microsoft.QGemm<transB = 1>(x, s1, z1, w, s2, z2, , s3, z3)
}""",
    "product": """
g (uint8[5, 300] x, int8[300, 7] w, float s1, uint8 z1, float[7] s2, float[7] b) => (float[5, 7] r) {
  r = com.microsoft.MatMulIntegerToFloat(x, w, s1, s2, z1, , b)
}""",
    "dynamic": """
g (float[5, 300] x, int8[300, 7] w, float[7] s2, int8[7] z2) => (float[5, 7] r) {
  r = com.microsoft.DynamicQuantizeMatMul(x, w, s2, z2)
}""",
}


def values_of(value: onnx.ValueInfoProto, generator: np.random.Generator) -> np.ndarray:
    tensor = value.type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    shape = [dim.dim_value for dim in tensor.shape.dim]
    if value.name.startswith("s"):
        # Products have a wider range, which s3 is for.
        low = 0.5 if value.name == "s3" else 0.02
        return generator.uniform(low, 2 * low, shape).astype(dtype)
    if value.name.startswith("z"):
        return generator.integers(0, 20, shape).astype(dtype) + dtype.type(100 if dtype == np.uint8 else -10)
    if dtype == np.float32:
        return generator.standard_normal(shape).astype(dtype)
    limits = np.iinfo(dtype)
    return generator.integers(limits.min, limits.max + 1, shape).astype(dtype)


def build(text: str, folder: Path) -> tuple[Path, dict[str, np.ndarray]]:
    """Saves the model with its parameters as initializers; returns it and values of the other inputs."""
    model = onnx.parser.parse_model(HEADER + text)
    generator = np.random.default_rng(5)
    data = {value.name: values_of(value, generator) for value in model.graph.input}
    inputs = {name: data[name] for name in data if name in ("x", "y")}
    parameters = [value for value in model.graph.input if value.name not in inputs]
    for value in parameters:
        model.graph.initializer.append(onnx.numpy_helper.from_array(data[value.name], value.name))
        model.graph.input.remove(value)
    path = folder / "model.onnx"
    onnx.save(model, path)
    return path, inputs


def run(model: Path, inputs: dict[str, np.ndarray], output: str) -> np.ndarray:
    command = [harness.VITC, "run", model]
    for name, data in inputs.items():
        np.save(model.parent / f"{name}.npy", data)
        command += ["--input", f"{name}={model.parent / name}.npy"]
    harness.run_ok(*command, "--output-dir", model.parent / "out")
    return np.load(model.parent / "out" / f"{output}.npy")


def load(model: Path) -> onnxruntime.InferenceSession:
    """ONNX Runtime with exact products of integers on processors without VNNI, too."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("text", OPS.values(), ids=OPS.keys())
def test_op(text: str, tmp_path: Path) -> None:
    model, inputs = build(text, tmp_path)
    session = load(model)
    (reference,) = session.run(None, inputs)
    actual = run(model, inputs, "r")
    assert actual.dtype == reference.dtype
    assert len(np.unique(reference)) > 4
    if reference.dtype == np.float32:
        np.testing.assert_allclose(actual, reference, rtol=1e-5, atol=1e-4)
    else:
        # ONNX Runtime looks functions up in tables, and rounds some halves the other way.
        difference = np.abs(actual.astype(int) - reference.astype(int))
        assert difference.max() <= 1
        assert np.mean(difference != 0) <= 0.15


QDQ = """
g (float[1, 9, 32] x, int8[32, 96] w, int8[32, 32] p) => (uint8[1, 9, 32] r, float[1, 9, 32] y) <
  float one = {1.0}, float sx = {0.02}, uint8 zx = {120}, float sw = {0.01}, int8 zw = {0}, float sq = {0.05},
  uint8 zq = {128}, float sa = {0.0039}, uint8 za = {0}, float[32] scale, float[32] shift> {
  q = QuantizeLinear(x, sx, zx)
  dx = DequantizeLinear(q, sx, zx)
  norm = LayerNormalization(dx, scale, shift)
  qn = QuantizeLinear(norm, sx, zx)
  dn = DequantizeLinear(qn, sx, zx)
  dw = DequantizeLinear(w, sw, zw)
  product = MatMul(dn, dw)
  qp = QuantizeLinear(product, sq, zq)
  dp = DequantizeLinear(qp, sq, zq)
  query, key, value = Split<axis = 2, num_outputs = 3>(dp)
  turned = Transpose<perm = [0, 2, 1]>(key)
  scores = MatMul(query, turned)
  qs = QuantizeLinear(scores, sq, zq)
  ds = DequantizeLinear(qs, sq, zq)
  softmax = Softmax<axis = 2>(ds)
  qa = QuantizeLinear(softmax, sa, za)
  da = DequantizeLinear(qa, sa, za)
  mixed = MatMul(da, value)
  qm = QuantizeLinear(mixed, sq, zq)
  dm = DequantizeLinear(qm, sq, zq)
  d2 = DequantizeLinear(p, sw, zw)
  projected = MatMul(dm, d2)
  qo = QuantizeLinear(projected, sq, zq)
  do = DequantizeLinear(qo, sq, zq)
  sum = Add(do, dx)
  r = QuantizeLinear(sum, sq, zq)
  y = DequantizeLinear(r, sq, zq)
}"""


def test_qdq_equals_onnxruntime(tmp_path: Path) -> None:
    """The integers of a block, with ONNX Runtime computing what the file says instead of what it puts in its place."""
    model = onnx.parser.parse_model(HEADER.replace("17", "18") + QDQ)
    generator = np.random.default_rng(3)
    for name, low in (("scale", 0.5), ("shift", -0.5)):
        data = generator.uniform(low, low + 1, 32).astype(np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(data, name))
    for value in list(model.graph.input)[1:]:
        shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        data = generator.integers(-128, 128, shape).astype(np.int8)
        model.graph.initializer.append(onnx.numpy_helper.from_array(data, value.name))
        model.graph.input.remove(value)
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    inputs = {"x": generator.standard_normal((1, 9, 32), dtype=np.float32)}
    session = onnxruntime.InferenceSession(
        path, providers=["CPUExecutionProvider"], disabled_optimizers=["QDQSelectorActionTransformer"]
    )
    integers, floats = session.run(["r", "y"], inputs)
    assert len(np.unique(integers)) > 50
    np.testing.assert_array_equal(run(path, inputs, "r"), integers)
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "y.npy"), floats)


@pytest.mark.parametrize("terms", [1, 258, 259, 2000])
def test_product_is_exact(terms: int, tmp_path: Path) -> None:
    """The largest products there are, whose sums f32 cannot hold."""
    text = f"g (uint8[3, {terms}] x, uint8[{terms}, 2] y) => (int32[3, 2] r) {{ r = MatMulInteger(x, y) }}"
    model, inputs = build(text, tmp_path)
    inputs["x"][0], inputs["y"][:, 0] = 255, 255
    expected = inputs["x"].astype(np.int32) @ inputs["y"].astype(np.int32)
    np.testing.assert_array_equal(run(model, inputs, "r"), expected)


def test_convolution_is_exact(tmp_path: Path) -> None:
    text = """
g (uint8[1, 80, 5, 5] x, uint8[4, 40, 3, 3] y) => (int32[1, 4, 3, 3] r) { r = ConvInteger<group = 2>(x, y) }"""
    model, inputs = build(text, tmp_path)
    inputs["x"][:], inputs["y"][0] = 255, 255
    session = load(model)
    (expected,) = session.run(None, inputs)
    np.testing.assert_array_equal(run(model, inputs, "r"), expected)
