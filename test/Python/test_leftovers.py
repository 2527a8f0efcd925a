# ===- test_leftovers.py - Programs of what is no vit op ------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""linalg ops of every element type through a compiled program, at every level, against numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness import VITC, isa_levels, run_ok

BATCH = 3
# The type in the IR, in numpy, and the attribute that tells an unsigned one.
TYPES = [
    ("i1", "?", ""),
    ("i8", "i1", ""),
    ("i8", "u1", ", vit.unsigned"),
    ("i16", "i2", ""),
    ("i16", "u2", ", vit.unsigned"),
    ("i32", "i4", ""),
    ("i32", "u4", ", vit.unsigned"),
    ("i64", "i8", ""),
    ("i64", "u8", ", vit.unsigned"),
    ("f16", "f2", ""),
    ("f32", "f4", ""),
    ("f64", "f8", ""),
]


def values(dtype: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    if dtype.startswith("f"):
        return rng.standard_normal((BATCH, 37)).astype(dtype)
    if dtype == "?":
        return rng.random((BATCH, 37)) < 0.5
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, (BATCH, 37), dtype=dtype, endpoint=True)


def compile_and_run(folder: Path, text: str, **inputs: np.ndarray) -> list[dict[str, np.ndarray]]:
    """The outputs of the program that `text` compiles to, for each level of this machine."""
    (folder / "model.mlir").write_text(text)
    run_ok(VITC, folder / "model.mlir", "-o", folder / "program")
    command = [folder / "program", "--threads", "2"]
    for name, value in inputs.items():
        np.save(folder / f"{name}.npy", value)
        command += ["--input", f"{name}={folder / name}.npy"]
    results = []
    for isa in isa_levels():
        run_ok(*command, "--isa", isa, "--output-dir", folder / isa)
        results.append({path.stem: np.load(path) for path in (folder / isa).glob("*.npy")})
    return results


@pytest.mark.parametrize(("element", "dtype", "unsigned"), TYPES, ids=lambda value: value.strip(", "))
def test_element_type(tmp_path: Path, element: str, dtype: str, unsigned: str) -> None:
    """Outputs are the larger of each element and its neighbour in the reversed row, of the input's own type."""
    compare = "arith.cmpf ogt" if element.startswith("f") else "arith.cmpi sgt"
    if unsigned or element == "i1":
        compare = "arith.cmpi ugt"
    text = f"""
#id = affine_map<(b, c) -> (b, c)>
func.func @forward(%x: tensor<?x37x{element}> {{vit.name = "x"{unsigned}}})
    -> (tensor<?x37x{element}> {{vit.name = "y"{unsigned}}}) {{
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x37x{element}>
  %e = tensor.empty(%n) : tensor<?x37x{element}>
  %0 = linalg.generic {{indexing_maps = [#id, affine_map<(b, c) -> (b, 36 - c)>, #id],
                       iterator_types = ["parallel", "parallel"]}}
      ins(%x, %x : tensor<?x37x{element}>, tensor<?x37x{element}>) outs(%e : tensor<?x37x{element}>) {{
  ^bb0(%a: {element}, %b: {element}, %o: {element}):
    %1 = {compare}, %a, %b : {element}
    %2 = arith.select %1, %a, %b : {element}
    linalg.yield %2 : {element}
  }} -> tensor<?x37x{element}>
  return %0 : tensor<?x37x{element}>
}}
"""
    x = values(dtype)
    for outputs in compile_and_run(tmp_path, text, x=x):
        assert outputs["y"].dtype == np.dtype(dtype)
        np.testing.assert_array_equal(outputs["y"], np.maximum(x, x[:, ::-1]))


def test_named_ops(tmp_path: Path) -> None:
    """A pooling, a softmax along channels, rows of a table and a sum of all but the batch."""
    text = """
func.func @forward(%x: tensor<?x3x40x40xf32> {vit.name = "x"}, %i: tensor<?x5xi64> {vit.name = "i"})
    -> (tensor<?x3x20x20xf32> {vit.name = "pool"}, tensor<?x3x40x40xf32> {vit.name = "softmax"},
        tensor<?x5x4xf32> {vit.name = "rows"}, tensor<?xf32> {vit.name = "sum"}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x3x40x40xf32>
  %low = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %pe = tensor.empty(%n) : tensor<?x3x20x20xf32>
  %pf = linalg.fill ins(%low : f32) outs(%pe : tensor<?x3x20x20xf32>) -> tensor<?x3x20x20xf32>
  %w = tensor.empty() : tensor<2x2xf32>
  %pool = linalg.pooling_nchw_max {strides = dense<2> : tensor<2xi64>, dilations = dense<1> : tensor<2xi64>}
      ins(%x, %w : tensor<?x3x40x40xf32>, tensor<2x2xf32>) outs(%pf : tensor<?x3x20x20xf32>) -> tensor<?x3x20x20xf32>
  %se = tensor.empty(%n) : tensor<?x3x40x40xf32>
  %softmax = linalg.softmax dimension(1) ins(%x : tensor<?x3x40x40xf32>)
      outs(%se : tensor<?x3x40x40xf32>) -> tensor<?x3x40x40xf32>
  %table = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [9.0, 10.0, 11.0, 12.0]]>
      : tensor<3x4xf32>
  %re = tensor.empty(%n) : tensor<?x5x4xf32>
  %rows = linalg.generic {indexing_maps = [affine_map<(b, i, c) -> (b, i)>, affine_map<(b, i, c) -> (b, i, c)>],
                          iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%i : tensor<?x5xi64>) outs(%re : tensor<?x5x4xf32>) {
  ^bb0(%row: i64, %o: f32):
    %r = arith.index_cast %row : i64 to index
    %c = linalg.index 2 : index
    %v = tensor.extract %table[%r, %c] : tensor<3x4xf32>
    linalg.yield %v : f32
  } -> tensor<?x5x4xf32>
  %ue = tensor.empty(%n) : tensor<?xf32>
  %uf = linalg.fill ins(%zero : f32) outs(%ue : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.reduce ins(%x : tensor<?x3x40x40xf32>) outs(%uf : tensor<?xf32>) dimensions = [1, 2, 3]
    (%a: f32, %acc: f32) {
      %s = arith.addf %a, %acc : f32
      linalg.yield %s : f32
    }
  return %pool, %softmax, %rows, %sum
      : tensor<?x3x20x20xf32>, tensor<?x3x40x40xf32>, tensor<?x5x4xf32>, tensor<?xf32>
}
"""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((BATCH, 3, 40, 40)).astype(np.float32)
    i = rng.integers(0, 3, (BATCH, 5))
    exponentials = np.exp(x.astype(np.float64))
    for outputs in compile_and_run(tmp_path, text, x=x, i=i):
        np.testing.assert_array_equal(outputs["pool"], x.reshape(BATCH, 3, 20, 2, 20, 2).max((3, 5)))
        softmax = exponentials / exponentials.sum(1, keepdims=True)
        np.testing.assert_allclose(outputs["softmax"], softmax, rtol=1e-6)
        np.testing.assert_array_equal(outputs["rows"], np.arange(1, 13, dtype=np.float32).reshape(3, 4)[i])
        np.testing.assert_allclose(outputs["sum"], x.sum((1, 2, 3), dtype=np.float64), rtol=0, atol=1e-3)
