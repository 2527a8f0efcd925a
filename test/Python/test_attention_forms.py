# ===- test_attention_forms.py - What attention does to its scores -------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Causal forms, key lengths, softcaps, shifted windows and scores that are no product, against float64."""

from __future__ import annotations

from pathlib import Path

import definitions as d
import numpy as np
import pytest

from harness import VITC, isa_levels, run_ok

F32_RTOL = 1e-5  # of the output's largest value


def attend(scores: np.ndarray, value: np.ndarray) -> np.ndarray:
    """A row of -inf gives zeros."""
    largest = scores.max(-1, keepdims=True)
    exps = np.exp(scores - np.where(np.isinf(largest), 0, largest))
    sums = exps.sum(-1, keepdims=True)
    return np.divide(exps, sums, out=np.zeros_like(exps), where=sums != 0) @ value


def check(tmp_path: Path, model: str, expected: np.ndarray, **inputs: np.ndarray) -> None:
    """Compiles a module with result y and runs it at every level."""
    source, program = tmp_path / "model.mlir", tmp_path / "program"
    source.write_text(model)
    run_ok(VITC, "compile", source, "-o", program)
    arguments = []
    for name, value in inputs.items():
        np.save(tmp_path / f"{name}.npy", value)
        arguments += ["--input", f"{name}={tmp_path / name}.npy"]
    for level in isa_levels():
        run_ok(program, *arguments, "--output-dir", tmp_path, "--isa", level)
        result = np.load(tmp_path / "y.npy")
        assert result.shape == expected.shape
        assert np.abs(result - expected).max() <= F32_RTOL * np.abs(expected).max(), level


def get_inputs(batch: int, tokens: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((batch, 2, tokens, 8), np.float32)


def test_causal_and_softcap(tmp_path: Path) -> None:
    model = """
func.func @forward(%x: tensor<?x2x70x8xf32> {vit.name = "x"}) -> (tensor<?x2x70x8xf32> {vit.name = "y"}) {
  %0 = vit.attention %x, %x, %x scale 5.0e-01 causal 2 softcap 3.0
      : tensor<?x2x70x8xf32>, tensor<?x2x70x8xf32>, tensor<?x2x70x8xf32> -> tensor<?x2x70x8xf32>
  return %0 : tensor<?x2x70x8xf32>
}
"""
    x = get_inputs(3, 70)
    wide = x.astype(np.float64)
    scores = 3 * np.tanh(0.5 * wide @ wide.transpose(0, 1, 3, 2) / 3)
    seen = np.arange(70) <= np.arange(70)[:, None] + 2
    check(tmp_path, model, attend(np.where(seen, scores, -np.inf), wide), x=x)


@pytest.mark.parametrize("integer", ["i32", "i64"])
def test_key_length(integer: str, tmp_path: Path) -> None:
    """Of items that have no, some and all keys; what is behind these is NaN."""
    model = f"""
func.func @forward(%x: tensor<?x2x70x8xf32> {{vit.name = "x"}}, %k: tensor<?x2x70x8xf32> {{vit.name = "k"}},
                   %n: tensor<?x{integer}> {{vit.name = "n"}}) -> (tensor<?x2x70x8xf32> {{vit.name = "y"}}) {{
  %0 = vit.attention %x, %k, %k key_length(%n : tensor<?x{integer}>) scale 5.0e-01
      : tensor<?x2x70x8xf32>, tensor<?x2x70x8xf32>, tensor<?x2x70x8xf32> -> tensor<?x2x70x8xf32>
  return %0 : tensor<?x2x70x8xf32>
}}
"""
    lengths = np.array([0, 33, 70], integer.replace("i", "int"))
    x, k = get_inputs(3, 70), get_inputs(3, 70)
    expected = np.zeros((3, 2, 70, 8))
    for item, length in enumerate(lengths):
        k[item, :, length:] = np.nan
        if length:
            keys = k[item, :, :length].astype(np.float64)
            expected[item] = attend(0.5 * x[item].astype(np.float64) @ keys.transpose(0, 2, 1), keys)
    check(tmp_path, model, expected, x=x, k=k, n=lengths)


@pytest.mark.parametrize("batch", [1, 7])
@pytest.mark.parametrize("size, shift", [((14, 21), (3, 3)), ((7, 14), (0, 2)), ((7, 7), (3, 1))])
def test_shifted_windows(size: tuple[int, int], shift: tuple[int, int], batch: int, tmp_path: Path) -> None:
    """The mask is computed from indices, for one window and for several, whatever the batch."""
    windows = size[0] * size[1] // 49
    model = f"""
func.func @forward(%x: tensor<?x2x49x8xf32> {{vit.name = "x"}}) -> (tensor<?x2x49x8xf32> {{vit.name = "y"}}) {{
  %m = vit.shift_mask size [{size[0]}, {size[1]}] window [7, 7] shift [{shift[0]}, {shift[1]}] value -1.0e+02
      : tensor<{windows}x1x49x49xf32>
  %0 = vit.attention %x, %x, %x mask(%m : tensor<{windows}x1x49x49xf32>) scale 5.0e-01
      : tensor<?x2x49x8xf32>, tensor<?x2x49x8xf32>, tensor<?x2x49x8xf32> -> tensor<?x2x49x8xf32>
  return %0 : tensor<?x2x49x8xf32>
}}
"""
    x = get_inputs(batch * windows, 49)
    wide = x.astype(np.float64)
    mask = d.shift_mask(size, (7, 7), shift, -100.0)
    scores = 0.5 * wide @ wide.transpose(0, 1, 3, 2) + np.tile(mask, (batch, 1, 1, 1))
    check(tmp_path, model, attend(scores, wide), x=x)


def test_talking_heads_before_softmax(tmp_path: Path) -> None:
    """Scores of all heads are mixed: softmax and the product with values are one kernel."""
    shape = "tensor<?x2x70x8xf32>"
    model = f"""
#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#l = affine_map<(b, g, i, j, h) -> (b, h, i, j)>
#w = affine_map<(b, g, i, j, h) -> (g, h)>
#m = affine_map<(b, g, i, j, h) -> (b, g, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>
func.func @forward(%x: {shape} {{vit.name = "x"}}) -> ({shape} {{vit.name = "y"}}) {{
  %w = arith.constant dense<[[0.5, -1.0], [2.0, 0.25]]> : tensor<2x2xf32>
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : {shape}
  %e0 = tensor.empty(%b) : tensor<?x2x70x70xf32>
  %z0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<?x2x70x70xf32>) -> tensor<?x2x70x70xf32>
  %e1 = tensor.empty(%b) : {shape}
  %z1 = linalg.fill ins(%zero : f32) outs(%e1 : {shape}) -> {shape}
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%x, %x : {shape}, {shape})
      outs(%z0 : tensor<?x2x70x70xf32>) -> tensor<?x2x70x70xf32>
  %1 = linalg.contract indexing_maps = [#l, #w, #m] ins(%0, %w : tensor<?x2x70x70xf32>, tensor<2x2xf32>)
      outs(%z0 : tensor<?x2x70x70xf32>) -> tensor<?x2x70x70xf32>
  %2 = linalg.softmax dimension(3) ins(%1 : tensor<?x2x70x70xf32>) outs(%e0 : tensor<?x2x70x70xf32>)
      -> tensor<?x2x70x70xf32>
  %3 = linalg.contract indexing_maps = [#p, #v, #o] ins(%2, %x : tensor<?x2x70x70xf32>, {shape})
      outs(%z1 : {shape}) -> {shape}
  return %3 : {shape}
}}
"""
    x = get_inputs(3, 70)
    wide = x.astype(np.float64)
    scores = np.einsum("bhid,bhjd,gh->bgij", wide, wide, [[0.5, -1.0], [2.0, 0.25]])
    check(tmp_path, model, attend(scores, wide), x=x)
    kernels = run_ok(VITC, "compile", tmp_path / "model.mlir", "--compile-to=kernel", "-o", "-")
    assert kernels.count("kernel.attention") == 1
    # The product and its mixture are stored, the probabilities are not.
    assert "math.exp" not in kernels
