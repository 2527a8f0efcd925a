# ===- test_without_kernel.py - Programs of vit ops that have no kernel ----===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""f64, computed weights and computed biases in the ops that have kernels for f32 and constants, at every level."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper, parser

from harness import VITC, isa_levels, run_ok

F64_RTOL = 1e-12  # of the output's largest value
F32_RTOL = 1e-5
F16_RTOL = 1e-3

# Case: the graph and the op that it is raised to.
GRAPHS = {
    "linear": (
        "(double[B, 10, 32] x) => (double[B, 10, 32] y) { p = MatMul(x, wq)  y = Add(p, bias) }",
        "vit.linear",
    ),
    "gelu": (
        """(double[B, 10, 32] x) => (double[B, 10, 32] y) { p = MatMul(x, wq)  a = Add(p, bias)  b = Mul(a, quick)
        c = Sigmoid(b)  y = Mul(a, c) }""",
        "vit.gelu",
    ),
    "layer_norm": (
        """(double[B, 10, 32] x) => (double[B, 10, 32] y) {
        y = LayerNormalization<axis = -1, epsilon = 1e-6>(x, scale, bias) }""",
        "vit.layer_norm",
    ),
    "attention": (
        """(double[B, 10, 32] x) => (double[B, 4, 10, 8] y) { q0 = MatMul(x, wq)  k0 = MatMul(x, wk)  v0 = MatMul(x, wv)
        q1 = Reshape(q0, heads)  k1 = Reshape(k0, heads)  v1 = Reshape(v0, heads)
        q = Transpose<perm = [0, 2, 1, 3]>(q1)  k = Transpose<perm = [0, 2, 3, 1]>(k1)
        v = Transpose<perm = [0, 2, 1, 3]>(v1)  a = MatMul(q, k)  s = Mul(a, half)  p = Softmax<axis = 3>(s)
        y = MatMul(p, v) }""",
        "vit.attention",
    ),
    "mean_tokens": (
        "(double[B, 10, 32] x) => (double[B, 32] y) { y = ReduceMean<keepdims = 0, axes = [1]>(x) }",
        "vit.mean_",
    ),
}
CONVOLUTIONS = {
    "plain": "Conv<pads = [1, 0, 1, 2], strides = [2, 1]>(x, f, b)",
    "grouped": "Conv<group = 2, dilations = [2, 1]>(x, f)",
    "patches": "Conv<strides = [3, 3]>(x, f, b)",
}


def save_onnx(path: Path, graph: str, **constants: np.ndarray) -> None:
    parsed = parser.parse_graph(graph)
    used = {name for node in parsed.node for name in node.input}
    parsed.initializer.extend(numpy_helper.from_array(v, k) for k, v in constants.items() if k in used)
    onnx.save(
        onnx.helper.make_model(parsed, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8),
        path,
    )


def compile_and_run(model: Path, **inputs: np.ndarray) -> list[np.ndarray]:
    """Output y of the program of a model for each level of this machine; phases are dumped beside the model."""
    folder = model.parent
    run_ok(VITC, model, "-o", folder / "program", f"--dump-phases-to={folder}")
    command = [folder / "program", "--threads", "2"]
    for name, value in inputs.items():
        np.save(folder / f"{name}.npy", value)
        command += ["--input", f"{name}={folder / name}.npy"]
    results = []
    for isa in isa_levels():
        run_ok(*command, "--isa", isa, "--output-dir", folder / isa)
        results.append(np.load(folder / isa / "y.npy"))
    return results


def assert_close(results: list[np.ndarray], expected: np.ndarray, rtol: float) -> None:
    assert np.ptp(expected) > 0.1
    for actual in results:
        assert actual.dtype == expected.dtype
        np.testing.assert_allclose(actual, expected, rtol=0, atol=rtol * np.abs(expected).max())


def run_reference(model: Path, **inputs: np.ndarray) -> np.ndarray:
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(["y"], inputs)[0]


@pytest.mark.parametrize("name", GRAPHS)
def test_f64(name: str, tmp_path: Path) -> None:
    graph, op = GRAPHS[name]
    rng = np.random.default_rng(0)
    constants = {f"w{role}": rng.standard_normal((32, 32)) * 0.3 for role in "qkv"}
    constants |= {
        "scale": rng.standard_normal(32),
        "bias": rng.standard_normal(32),
        "heads": np.array([0, -1, 4, 8]),
    }
    constants |= {"quick": np.array(1.702), "half": np.array(0.5)}
    model = tmp_path / "model.onnx"
    save_onnx(model, f"{name} {graph}", **constants)
    x = rng.standard_normal((3, 10, 32))
    results = compile_and_run(model, x=x)
    assert op in (tmp_path / "1-raise.mlir").read_text()
    assert_close(results, run_reference(model, x=x), F64_RTOL)


def test_f16(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    constants = {name: rng.standard_normal(shape).astype(np.float16) for name, shape in (("w", (32, 8)), ("b", 8))}
    model = tmp_path / "model.onnx"
    save_onnx(
        model,
        "f (float16[B, 10, 32] x) => (float16[B, 10, 8] y) { p = MatMul(x, w)  y = Add(p, b) }",
        **constants,
    )
    x = rng.standard_normal((3, 10, 32)).astype(np.float16)
    assert_close(compile_and_run(model, x=x), run_reference(model, x=x), F16_RTOL)


def test_norm_of_one_row(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    model = tmp_path / "model.onnx"
    scale = rng.standard_normal(32, np.float32)
    save_onnx(
        model,
        "row (float[32] x) => (float[32] y) { y = LayerNormalization(x, scale) }",
        scale=scale,
    )
    x = rng.standard_normal(32, np.float32)
    assert_close(compile_and_run(model, x=x), run_reference(model, x=x), F32_RTOL)


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_filter_is_an_input(name: str, tmp_path: Path) -> None:
    channels = 2 if name == "grouped" else 4
    model = tmp_path / "model.onnx"
    save_onnx(
        model,
        f"{name} (float[B, 4, 9, 9] x, float[6, {channels}, 3, 3] f, float[6] b) => (float[B, 6, H, W] y) "
        f"{{ y = {CONVOLUTIONS[name]} }}",
    )
    rng = np.random.default_rng(0)
    inputs = {
        "x": rng.standard_normal((3, 4, 9, 9), np.float32),
        "f": rng.standard_normal((6, channels, 3, 3), np.float32),
        "b": rng.standard_normal(6, np.float32),
    }
    assert_close(compile_and_run(model, **inputs), run_reference(model, **inputs), F32_RTOL)


def test_f64_filter(tmp_path: Path) -> None:
    """Also a filter that is constant; ONNX Runtime has no such kernel: the sum over the taps is numpy's."""
    rng = np.random.default_rng(0)
    x, f = rng.standard_normal((3, 4, 9, 8)), rng.standard_normal((6, 4, 3, 3))
    model = tmp_path / "model.onnx"
    save_onnx(
        model,
        "conv (double[B, 4, 9, 8] x) => (double[B, 6, 7, 6] y) { y = Conv(x, f) }",
        f=f,
    )
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (2, 3))
    assert_close(
        compile_and_run(model, x=x),
        np.einsum("bchwij,ocij->bohw", windows, f),
        F64_RTOL,
    )


def test_computed_parts(tmp_path: Path) -> None:
    """A linear layer's weight, and a patch embedding's filter, tokens and position, that are inputs."""
    model = tmp_path / "model.mlir"
    model.write_text("""
func.func @forward(%x: tensor<?x3x8x8xf32> {vit.name = "x"}, %f: tensor<16x3x4x4xf32> {vit.name = "f"},
                   %t: tensor<1x16xf32> {vit.name = "t"}, %p: tensor<5x16xf32> {vit.name = "p"},
                   %w: tensor<70x16xf32> {vit.name = "w"}, %b: tensor<70xf32> {vit.name = "b"})
    -> (tensor<?x5x70xf32> {vit.name = "y"}) {
  %0 = vit.patch_embed %x, %f tokens(%t : tensor<1x16xf32>) position(%p : tensor<5x16xf32>)
      : tensor<?x3x8x8xf32>, tensor<16x3x4x4xf32> -> tensor<?x5x16xf32>
  %1 = vit.linear %0, %w bias(%b : tensor<70xf32>) activation gelu_quick
      : tensor<?x5x16xf32>, tensor<70x16xf32> -> tensor<?x5x70xf32>
  return %1 : tensor<?x5x70xf32>
}
""")
    rng = np.random.default_rng(0)
    shapes = {
        "x": (3, 3, 8, 8),
        "f": (16, 3, 4, 4),
        "t": (1, 16),
        "p": (5, 16),
        "w": (70, 16),
        "b": (70,),
    }
    inputs = {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
    x, f, t, p, w, b = (value.astype(np.float64) for value in inputs.values())
    patches = np.einsum("bcyixj,ecij->byxe", x.reshape(3, 3, 2, 4, 2, 4), f).reshape(3, 4, 16)
    tokens = np.concatenate([np.broadcast_to(t, (3, 1, 16)), patches], axis=1) + p
    linear = tokens @ w.T + b
    with np.errstate(over="ignore"):
        expected = linear / (1 + np.exp(-1.702 * linear))
    assert_close(compile_and_run(model, **inputs), expected.astype(np.float32), F32_RTOL)


def test_computed_position_bias(tmp_path: Path) -> None:
    """The table is an input; attention adds the bias of a window of 2 x 3."""
    model = tmp_path / "model.mlir"
    model.write_text("""
func.func @forward(%x: tensor<?x2x6x8xf32> {vit.name = "x"}, %t: tensor<15x2xf32> {vit.name = "t"})
    -> (tensor<?x2x6x8xf32> {vit.name = "y"}) {
  %b = vit.relative_position_bias %t window [2, 3] : tensor<15x2xf32> -> tensor<1x2x6x6xf32>
  %0 = vit.attention %x, %x, %x bias(%b : tensor<1x2x6x6xf32>) scale 5.0e-01
      : tensor<?x2x6x8xf32>, tensor<?x2x6x8xf32>, tensor<?x2x6x8xf32> -> tensor<?x2x6x8xf32>
  return %0 : tensor<?x2x6x8xf32>
}
""")
    rng = np.random.default_rng(0)
    x, t = (
        rng.standard_normal((3, 2, 6, 8), np.float32),
        rng.standard_normal((15, 2), np.float32),
    )
    y, z = np.divmod(np.arange(6), 3)
    bias = t[(y[:, None] - y + 1) * 5 + z[:, None] - z + 2].transpose(2, 0, 1)
    scores = np.exp(0.5 * x @ x.transpose(0, 1, 3, 2) + bias)
    expected = scores / scores.sum(-1, keepdims=True) @ x
    assert_close(compile_and_run(model, x=x, t=t), expected, F32_RTOL)


def test_mask_beyond_folding(tmp_path: Path) -> None:
    """128 MiB of a mask of two windows of 64 x 64, shifted by 8 columns, are computed at run time; y sums its rows."""
    model = tmp_path / "model.mlir"
    model.write_text("""
func.func @forward(%x: tensor<2x4096xf32> {vit.name = "x"}) -> (tensor<2x4096xf32> {vit.name = "y"}) {
  %m = vit.shift_mask size [64, 128] window [64, 64] shift [0, 8] value -1.0 : tensor<2x1x4096x4096xf32>
  %c = tensor.collapse_shape %m [[0, 1], [2], [3]] : tensor<2x1x4096x4096xf32> into tensor<2x4096x4096xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4096xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4096xf32>) -> tensor<2x4096xf32>
  %s = linalg.reduce ins(%c : tensor<2x4096x4096xf32>) outs(%f : tensor<2x4096xf32>) dimensions = [2]
      (%a: f32, %b: f32) {
        %0 = arith.addf %a, %b : f32
        linalg.yield %0 : f32
      }
  %y = arith.addf %s, %x : tensor<2x4096xf32>
  return %y : tensor<2x4096xf32>
}
""")
    x = np.random.default_rng(0).standard_normal((2, 4096), np.float32)
    column = np.arange(4096) % 64
    # Window 0 is of one region; in window 1 the last 8 columns are another.
    others = np.stack([np.zeros(4096), np.where(column < 56, 8 * 64, 56 * 64)])
    assert_close(compile_and_run(model, x=x), (x - others).astype(np.float32), F32_RTOL)
